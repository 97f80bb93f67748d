//! What is exchanged on a new connection before its first message: first steps, greeting and sign-on, on every driver.
//! The peers write and compare bytes by hand.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

mod first;
mod meanwhile;
mod order;
mod party;
mod peer;
mod refused;
mod relayed;
mod silent;
