//! Compares what an error says about its request with the bytes that the peer really received: every role on every
//! driver, in every way to fail.
//!
//! - *not sent*: the peer received no byte of the request;
//! - *sent, no reply*: the peer received all of it, and the timeout passed;
//! - *perhaps sent*: every other case.
//!
//! A call that is dropped has no error. `duplex/cancel.rs` shows what happens to its reply.

mod cell;
mod host;
mod on_events;
mod on_threads;
mod on_tokio;
mod roles;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod way;
