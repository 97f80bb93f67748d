//! Long connections that are lent out, one exchange at a time.
//!
//! ```text
//!   tokio::Pool, blocking::Pool     lend, dial, close, wait
//!     │
//!   Desk, Lend                      the lock, and the place in the queue of whoever waits
//!     │
//!   Lending                         who gets which, what is opened and closed; `now` is an argument
//! ```

mod close_reason;
mod desk;
mod errand;
mod inspect;
mod lend;
mod lending;
mod member;
mod not_lent;
mod report;
mod status;
#[cfg(test)]
mod tests;
mod traffic;
mod waiters;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod world;

pub use close_reason::CloseReason;
pub use not_lent::NotLent;
pub use report::PoolReport;
pub use status::PoolStatus;

pub(crate) use desk::Desk;
pub(crate) use errand::{Closing, Opening};
pub(crate) use inspect::inspect;
pub(crate) use lend::Lend;
pub(crate) use lending::{Entered, Job, Lending, Lent};
pub(crate) use member::Member;
pub(crate) use traffic::Traffic;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use waiters::Ticket;
