//! Dials the addresses, and reports losses, states and statistics.

mod address_book;
mod address_lease;
mod counts;
mod current_address;
pub(crate) mod dialler;
mod hook;
mod methods;
mod pace;
mod signing;
mod state;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
mod states;
mod watch;

use super::{Addresses, Attempt, Choice, LeaseId, Probe};
pub(crate) use address_book::Dialling;
use address_book::{AddressBook, Next};
pub use address_lease::AddressLease;
pub use counts::{Counts, Failures};
pub(crate) use current_address::CurrentAddress;
pub(crate) use dialler::{Dialled, Dialler, Settings};
use hook::OnLoss;
pub(crate) use methods::upstream_methods;
pub(crate) use pace::Pace;
pub(crate) use pace::pause_before;
pub(crate) use signing::sign_off_and_close;
pub use state::{Failure, Loss, Reason, State};
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub use states::States;
pub(crate) use watch::Unseen;
