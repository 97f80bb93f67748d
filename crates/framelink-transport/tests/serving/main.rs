//! Servers whose handlers run side by side: the same rules on every driver, against a client that speaks bytes by hand.

#![allow(clippy::unwrap_used, reason = "the rules are tests, and called by them")]

mod concurrency;
mod ends;
mod gates;
mod order;
mod other_way;
mod panics;
mod peer;
mod proxy;
#[allow(dead_code, reason = "it is for the tests of pushing too")]
mod server;
mod short;
