//! What holds on every driver: one program for all that needs no process of its own, so that the drivers are compiled for tests once.
//!
//! ```console
//! cargo test -p framelink-transport --test every_driver matrix -- --nocapture
//! ```

#![allow(clippy::unwrap_used, reason = "the rules are tests, and called by them")]

mod connections;
mod drivers;
mod duplex;
mod link;
mod matrix;
mod parity;
mod profiles;
mod progress;
mod push;
mod serving;
mod support;
