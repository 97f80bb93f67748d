//! What one half knows of the connection and the other must not miss.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the connection failed. A socket tells of that once, be it to whoever writes; to whoever reads afterwards it ends as
/// if the peer had closed it in good order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Torn(Arc<AtomicBool>);

impl Torn {
    pub(crate) fn tear(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_torn(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
