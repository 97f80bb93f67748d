//! Liveness: two sessions in a simulated network on a virtual clock.
#![allow(clippy::unwrap_used, reason = "a test")]

mod bounds;
mod faults;
mod patterns;
mod quiet;
mod world;
