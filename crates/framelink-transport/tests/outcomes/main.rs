//! What a failure says of the request, compared with the bytes that the peer really received: every role on every driver, in every
//! way to fail.
//!
//! - *not sent*: the peer received no byte of the request;
//! - *sent, no reply*: the peer received all of it, and the time was over;
//! - *perhaps sent*: everything else.
//!
//! A call that is dropped has no error, and so no word; `duplex/cancel.rs` shows what becomes of its reply.

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
