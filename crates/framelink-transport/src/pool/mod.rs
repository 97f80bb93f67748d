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

mod arrivals;
mod close_reason;
mod connection;
mod driver;
mod inspect;
mod member;
mod methods;
mod not_lent;
mod role;
mod shared;
mod state;
mod status;
mod task;
#[cfg(test)]
mod tests;
mod waiters;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod world;

pub use close_reason::CloseReason;
pub use not_lent::NotLent;
pub use status::{PoolReport, PoolStatus};

pub(crate) use connection::PooledConnection;
pub(crate) use driver::{PoolDriver, THREAD_NAME};
pub(crate) use inspect::inspect;
pub(crate) use member::{PoolMember, Poolable, Traffic};
pub(crate) use methods::{lent_by_pool, pool_methods};
pub(crate) use role::Pool;
pub(crate) use shared::SharedPool;
pub(crate) use state::{Entered, Job, PoolState, PooledSlot};
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use waiters::Ticket;
