//! The programs of the book's chapters *Getting started* and *Recipes by trade*, each with a peer of its own on a free port.

#![allow(clippy::unwrap_used, reason = "a peer that cannot go on fails its test")]

#[expect(dead_code, reason = "a test calls what `main` calls")]
mod bank;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod card_switch;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod diameter;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod getting_started;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod hl7;
#[expect(dead_code, reason = "the recipes need some of the peers")]
#[path = "../peers/installed.rs"]
mod installed;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod legacy;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod modbus;
mod peer;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod printer;
#[expect(dead_code, reason = "the recipes need some of the commands")]
#[path = "../peers/program.rs"]
mod program;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod s7;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod simplex;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod smpp;
#[expect(dead_code, reason = "the recipes need some of the peers")]
#[path = "../peers/starting.rs"]
mod starting;
#[expect(dead_code, reason = "a test calls what `main` calls")]
mod syslog;

use std::time::Duration;

/// A peer that is waited for longer than this has failed its test.
const DEADLINE: Duration = Duration::from_secs(60);
