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
#[cfg(feature = "socket")]
mod berth;
mod choice;
#[cfg(feature = "socket")]
mod counts;
#[cfg(feature = "socket")]
mod dialler;
mod health;
#[cfg(feature = "socket")]
mod hook;
#[cfg(feature = "socket")]
mod ledger;
#[cfg(feature = "socket")]
mod methods;
mod moves;
#[cfg(feature = "socket")]
mod pace;
mod random;
#[cfg(feature = "socket")]
mod seat;
#[cfg(feature = "socket")]
mod signing;
#[cfg(feature = "socket")]
mod spare;
#[cfg(feature = "socket")]
mod state;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
mod states;
#[cfg(feature = "socket")]
mod watch;

pub use addresses::{Addresses, SeatId};
pub use choice::{Attempt, Choice, Probe};
#[cfg(feature = "socket")]
pub use counts::{Counts, Failures};
#[cfg(feature = "socket")]
pub use seat::Seat;
#[cfg(feature = "socket")]
pub use state::{Failure, Loss, Reason, State};

#[cfg(feature = "socket")]
pub(crate) use berth::Berth;
#[cfg(feature = "socket")]
pub(crate) use dialler::{Dialled, Dialler, Settings};
#[cfg(feature = "socket")]
pub(crate) use hook::OnLoss;
#[cfg(feature = "socket")]
pub(crate) use ledger::{Dialling, Ledger, Next, patience};
#[cfg(feature = "socket")]
pub(crate) use methods::upstream_methods;
#[cfg(feature = "socket")]
pub(crate) use pace::Pace;
#[cfg(feature = "socket")]
#[cfg(all(unix, feature = "nonblocking"))]
pub(crate) use signing::check_reply;
#[cfg(feature = "socket")]
pub(crate) use signing::{sign_off_and_close, sign_on};
#[cfg(feature = "socket")]
pub(crate) use spare::Spare;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub use states::States;
#[cfg(feature = "tokio")]
pub(crate) use watch::Unseen;
