//! A value that threads change and wait for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Wakes every waiting thread when the value changes.
#[derive(Debug, Default)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub(crate) fn get(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let changed = change(&mut self.get());
        self.changed.notify_all();
        changed
    }

    /// Waits until the value satisfies the condition; returns false if it does not within the time.
    pub(crate) fn wait_for(&self, within: Duration, is_enough: impl Fn(&T) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.get(), within, |value| !is_enough(value));
        is_enough(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Waits until the value changes, at most for this time.
    pub(crate) fn wait<'a>(&self, value: MutexGuard<'a, T>, time: Option<Duration>) -> MutexGuard<'a, T> {
        match time {
            Some(time) => self.changed.wait_timeout(value, time).unwrap_or_else(PoisonError::into_inner).0,
            None => self.changed.wait(value).unwrap_or_else(PoisonError::into_inner),
        }
    }
}
