//! A wait begins only when every side that is waited for has said that it would have to wait, and ends whatever comes: no wake-up is
//! lost, no deadline is passed while something comes, and no call works without end.

#![allow(clippy::unwrap_used, reason = "the rules are tests, and called by them")]

mod calls_in_flight;
#[path = "../drivers/driver.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "these tests need less of it than others")]
mod driver;
mod floods;
mod held;
mod owed_beats;
mod parts;
#[path = "../drivers/peer.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "these tests need less of it than others")]
mod peer;
mod rests;
mod senders;
mod stream;
mod tended;
