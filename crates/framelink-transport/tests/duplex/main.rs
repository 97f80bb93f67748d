//! Many calls at a time on one connection: the same rules on every driver, against a peer that speaks bytes by hand.

#![allow(clippy::unwrap_used, reason = "the rules are tests, and called by them")]

mod cancel;
mod ends;
mod heartbeats;
mod many;
mod matching;
mod pairs;
mod peer;
mod shuffled;
mod window;
