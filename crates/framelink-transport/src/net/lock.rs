//! A mutex that no panic poisons.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mutex that stays usable after a panic of the thread that holds it. No code leaves a locked value half changed.
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
