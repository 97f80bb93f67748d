//! The same rules on every driver: each test runs on blocking, non-blocking and tokio sockets, against peers that speak bytes
//! by hand.

#![allow(clippy::unwrap_used, reason = "the rules are tests, and called by them")]

mod calls;
mod clients;
mod closing;
mod counted;
mod driver;
mod exchange;
mod faults;
mod heartbeats;
mod party;
mod peer;
mod restart;
mod scripted;
mod unread;
mod waiting;
