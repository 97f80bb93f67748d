//! What a thread waits at.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

/// A thread waits at it until it is rung. One that was rung before need not be waited for.
#[derive(Debug, Default)]
pub(super) struct Bell {
    is_rung: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What rings it.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }

    /// Waits until it is rung, or for so long.
    pub(super) fn wait(&self, within: Option<Duration>) {
        let is_rung = self.is_rung.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_rung = match within {
            None => self.rung.wait_while(is_rung, |is_rung| !*is_rung).unwrap_or_else(PoisonError::into_inner),
            Some(within) => {
                let waited = self.rung.wait_timeout_while(is_rung, within, |is_rung| !*is_rung);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        *is_rung = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.is_rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.rung.notify_all();
    }
}
