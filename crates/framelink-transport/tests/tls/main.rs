//! What only TLS has: certificates, refusals on both sides, closes that cut, and the roles over it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod cancelled;
mod closes;
mod mistakes;
mod roles;
#[path = "../support/mod.rs"]
mod support;
