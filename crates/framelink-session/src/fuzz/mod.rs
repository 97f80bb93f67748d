//! The bodies of the fuzz targets, as functions that tests run too. They panic where an invariant does not hold.

mod in_flight;
mod liveness;
mod memory;
mod outbox;
mod replies;
mod session;

pub use in_flight::in_flight;
pub use liveness::liveness;
pub use memory::memory;
pub use outbox::outbox;
pub use replies::replies;
pub use session::{Framing, session};
