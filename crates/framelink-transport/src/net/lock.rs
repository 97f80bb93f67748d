//! A mutex that no panic poisons.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mutex. The others go on after a thread has panicked that held the lock: what is locked here is never left half changed.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
