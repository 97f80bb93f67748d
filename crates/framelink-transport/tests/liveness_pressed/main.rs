//! Heartbeats where the other side means it no good, or is merely unlucky: floods, full sockets, busy handlers, stale messages.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]
#![cfg(unix)]

mod busy;
mod on_tokio;
mod serving;
mod support;
mod sync;
