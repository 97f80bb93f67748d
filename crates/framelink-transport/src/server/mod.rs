//! What a server knows of all its connections, whatever driver they are on.

#[cfg(any(feature = "blocking", feature = "tokio"))]
mod drain;
mod event;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod ledger;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod seat;

#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use drain::Drain;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use drain::DrainReport;
pub use event::ServerEvent;
pub(crate) use event::{Observer, tell};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use ledger::Ledger;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use ledger::{ClosedCounts, ServerCounts};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use seat::{Seat, is_probe};
