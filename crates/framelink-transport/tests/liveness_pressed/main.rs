//! Heartbeats under pressure: floods, full sockets, busy handlers and stale messages.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]
#![cfg(unix)]

mod busy;
mod on_tokio;
mod serving;
mod support;
mod sync;
