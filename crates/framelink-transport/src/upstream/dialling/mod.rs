//! What dials the addresses, and what it tells of them.

mod berth;
mod counts;
pub(crate) mod dialler;
mod hook;
mod ledger;
mod methods;
mod pace;
mod seat;
mod signing;
mod state;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
mod states;
mod watch;

use super::{Addresses, Attempt, Choice, Probe, SeatId};
pub(crate) use berth::Berth;
pub use counts::{Counts, Failures};
pub(crate) use dialler::{Dialled, Dialler, Settings};
use hook::OnLoss;
pub(crate) use ledger::Dialling;
use ledger::{Ledger, Next};
pub(crate) use methods::upstream_methods;
pub(crate) use pace::Pace;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use pace::pause_before;
pub use seat::Seat;
#[cfg(all(unix, feature = "nonblocking"))]
pub(crate) use signing::check_reply;
pub(crate) use signing::{sign_off_and_close, sign_on};
pub use state::{Failure, Loss, Reason, State};
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub use states::States;
#[cfg(feature = "tokio")]
pub(crate) use watch::Unseen;
