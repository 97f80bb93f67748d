//! The tests that hold on every driver. They are one program, so that the drivers are compiled for tests once. Tests
//! that need a process of their own are separate programs.
//!
//! ```console
//! cargo test -p framelink-transport --test every_driver matrix -- --nocapture
//! ```

#![allow(clippy::unwrap_used, reason = "the rules are called by tests")]

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
