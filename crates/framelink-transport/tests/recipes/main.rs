//! The programs of the book's chapter *Getting started*, each with a peer of its own on a free port.

#[expect(dead_code, reason = "a test calls what `main` calls")]
mod getting_started;
#[expect(dead_code, reason = "the recipes by trade use the rest")]
mod peer;

use std::time::Duration;

/// A peer that is waited for longer than this has failed its test.
const DEADLINE: Duration = Duration::from_secs(60);
