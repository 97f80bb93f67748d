//! Where the connections of a client go: a list of addresses, which of them is dialled when, and which connection moves.
//!
//! ```text
//!   tokio, blocking, nonblocking::Upstream    resolve, dial, sign on; try a lost address in the background
//!     │
//!   Addresses                                 which address, when: back-off, ejection, policy, moves; `now` is an argument
//! ```
//!
//! [`Addresses`] knows no socket and no clock, so that a minute of outage is tested in no time, and whoever has a driver of their
//! own can use it.

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
