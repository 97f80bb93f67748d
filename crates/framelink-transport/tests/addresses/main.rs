//! Which address is dialled when: on a virtual clock, without sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod outages;
mod policies;
