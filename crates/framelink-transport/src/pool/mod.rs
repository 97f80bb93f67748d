//! Pooled connections: long connections that are handed out for one exchange at a time.
//!
//! ```text
//!   tokio::Pool, blocking::Pool     the public shell
//!     │
//!   Pool<D>, PooledConnection<D>    call, get, close: waits for a connection
//!     │
//!   PoolTask<D>, PoolMember<D>      dials, closes and maintains connections, through PoolDriver
//!     │
//!   SharedPool, Lend                the lock, and the place of a caller in the queue
//!     │
//!   PoolState                       which caller gets which connection, what is opened and closed; `now` is an argument
//! ```

mod arrivals;
mod close_reason;
mod connection;
mod driver;
mod member;
mod methods;
mod role;
mod shared;
mod state;
mod status;
mod task;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod world;

pub use close_reason::CloseReason;
pub use status::{PoolReport, PoolStatus};

pub(crate) use connection::PooledConnection;
pub(crate) use driver::{PoolDriver, THREAD_NAME};
pub(crate) use member::{PoolMember, Poolable};
pub(crate) use methods::{lent_by_pool, pool_methods};
pub(crate) use role::Pool;
pub(crate) use shared::SharedPool;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use state::waiters::Ticket;
pub(crate) use state::{Entered, Job, PoolState, PooledSlot};
