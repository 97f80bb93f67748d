//! The bodies of the fuzz targets. They panic if an invariant does not hold. Tests run them too.

mod dialogue;
mod in_flight;
mod liveness;
mod memory;
mod outbox;
mod replies;
mod reply_rules;
mod session;

pub use dialogue::dialogue;
pub use in_flight::in_flight;
pub use liveness::liveness;
pub use memory::memory;
pub use outbox::outbox;
pub use replies::replies;
pub use reply_rules::reply_rules;
pub use session::{Framing, session};
