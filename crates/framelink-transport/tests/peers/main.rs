//! Messages exchanged with programs that others wrote, as server and as client where both exist, on every driver: whole, in a
//! burst and one byte at a time. `.ci/peers` installs them; one that is missing is left out, and said so.

#![allow(clippy::unwrap_used, reason = "the exchanges are tests, and called by them")]

mod delivery;
mod dig;
mod dns_message;
mod erlang;
mod exchange;
mod hl7;
mod installed;
mod modbus;
mod program;
#[path = "../support/mod.rs"]
mod support;
mod twisted;
mod unbound;
mod varint;

use std::time::Duration;

use support::driver;

/// Whatever an exchange waits for comes within this time, or its test fails.
const DEADLINE: Duration = Duration::from_secs(60);
