//! Links: clients of a profile with many requests in flight, over one connection, several, or a pair.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod heartbeats;
mod kept_up;
mod on_threads;
mod pairs;
mod pairs_on_threads;
mod peer;
mod restarts;
mod shared;
