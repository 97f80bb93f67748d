//! How a server serves its connections.

use std::sync::Arc;

use crate::profile::Profile;
use crate::session::Concurrency;

/// What all connections of a server are served with. Shared, because each of ten thousand idle tasks has a pointer to it.
pub(crate) struct Service<H> {
    pub(crate) handler: H,
    pub(crate) profile: Arc<Profile>,
    pub(crate) concurrency: Concurrency,
}

impl<H> Service<H> {
    /// Returns a service of one connection, with a handler of its own.
    pub(crate) fn with<O>(&self, handler: O) -> Service<O> {
        Service { handler, profile: Arc::clone(&self.profile), concurrency: self.concurrency }
    }
}
