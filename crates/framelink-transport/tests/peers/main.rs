//! Exchanges messages with programs of other projects, as server and as client where both exist, on every driver: in
//! whole writes, in a burst and one byte at a time. `.ci/peers` installs the programs. A missing one is left out, with
//! a message.

#![allow(clippy::unwrap_used, reason = "the exchanges are called by tests")]

mod delivery;
mod dig;
mod dns_message;
mod erlang;
mod exchange;
mod hl7;
#[cfg(feature = "toml")]
mod hosts;
mod installed;
mod modbus;
mod program;
mod starting;
#[path = "../support/mod.rs"]
mod support;
mod twisted;
mod unbound;
mod varint;

use std::time::Duration;

use support::driver;

/// Every event that an exchange waits for happens within this time, or its test fails.
const DEADLINE: Duration = Duration::from_secs(60);
