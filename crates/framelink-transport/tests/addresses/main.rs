//! Tests of which address is dialled at which time, on a virtual clock and without sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod outages;
mod policies;
