//! Notifications for threads.

use std::sync::{Arc, Condvar, PoisonError};
use std::task::Wake;
use std::time::Instant;

use super::Notify;
use crate::net::lock::Lock;

/// Counts changes, for threads that wait for the next one.
#[derive(Debug, Default)]
pub(crate) struct ThreadNotify {
    version: Lock<u64>,
    changed: Condvar,
}

impl Notify for ThreadNotify {
    fn notify(&self) {
        *self.version.lock() += 1;
        self.changed.notify_all();
    }

    fn version(&self) -> u64 {
        *self.version.lock()
    }

    async fn wait(&self, version: u64, until: Option<Instant>) -> bool {
        let is_same = |now: &mut u64| *now == version;
        let now = match until {
            None => self.changed.wait_while(self.version.lock(), is_same).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                let waited = self.changed.wait_timeout_while(self.version.lock(), left, is_same);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        *now != version
    }
}

impl Wake for ThreadNotify {
    fn wake(self: Arc<Self>) {
        self.notify();
    }
}
