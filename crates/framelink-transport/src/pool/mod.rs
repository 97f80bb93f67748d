//! Long connections that are lent out, one exchange at a time.
//!
//! ```text
//!   tokio::Pool, blocking::Pool     the public shell
//!     │
//!   Pool<D>, PooledConnection<D>    call, lend, close: waits for a connection
//!     │
//!   PoolTask<D>, PoolMember<D>      dials, closes and looks after idle connections, through PoolDriver
//!     │
//!   SharedPool, Lend                the lock, and the place of a caller in the queue
//!     │
//!   PoolState                       which caller gets which connection, what is opened and closed; `now` is an argument
//! ```

mod close_reason;
mod connection;
mod driver;
mod guards;
mod inspect;
mod lend;
mod member;
mod methods;
mod not_lent;
mod poolable;
mod report;
mod role;
mod shared;
mod signal;
mod state;
mod status;
mod task;
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

pub(crate) use connection::PooledConnection;
pub(crate) use driver::{PoolDriver, THREAD_NAME};
pub(crate) use guards::{Closing, Opening};
pub(crate) use inspect::inspect;
pub(crate) use lend::Lend;
pub(crate) use member::PoolMember;
pub(crate) use methods::{lent_by_pool, pool_methods};
pub(crate) use poolable::Poolable;
pub(crate) use role::Pool;
pub(crate) use shared::SharedPool;
pub(crate) use state::{Entered, Job, PoolState, PooledSlot};
pub(crate) use traffic::Traffic;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use waiters::Ticket;
