//! The addresses of a peer: which one is dialled when, and which connections move between them.
//!
//! ```text
//!   tokio, blocking, nonblocking::Upstream    resolve, dial, sign on; try a lost address in the background
//!     │
//!   Addresses                                 which address, when: back-off, ejection, policy, moves; `now` is an argument
//! ```
//!
//! [`Addresses`] has no socket and no clock, so that tests of outages take no time and other drivers can use it.

mod addresses;
mod choice;
#[cfg(feature = "socket")]
pub(crate) mod dialling;
mod health;
mod moves;
pub(crate) mod random;

pub use addresses::{Addresses, LeaseId};
pub use choice::{Attempt, Choice, Probe};
#[cfg(feature = "socket")]
pub use dialling::*;
