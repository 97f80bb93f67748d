//! A lock with a deadline.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::drive::Clock as _;
use crate::link::DialLock;
use crate::net::clock::Clock;

/// A value that one thread holds at a time. Unlike a mutex, it can be waited for with a deadline.
#[derive(Debug)]
pub(crate) struct Turn<T> {
    thing: Mutex<Option<T>>,
    is_free: Condvar,
    clock: Clock,
}

/// The value, until this guard is dropped.
pub(super) struct Held<'t, T> {
    turn: &'t Turn<T>,
    thing: Option<T>,
}

impl<T> Turn<T> {
    pub(super) const fn new(thing: T, clock: Clock) -> Self {
        Self { thing: Mutex::new(Some(thing)), is_free: Condvar::new(), clock }
    }

    /// Waits for the value. Returns `None` if it is not free before the deadline.
    pub(super) fn take(&self, deadline: Option<Duration>) -> Option<Held<'_, T>> {
        let mut thing = self.thing.lock().unwrap_or_else(PoisonError::into_inner);
        while thing.is_none() {
            let left = deadline.map(|deadline| deadline.saturating_sub(self.clock.now()));
            thing = match left {
                None => self.is_free.wait(thing).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    // This thread may have used up a notification that was meant for another thread.
                    self.is_free.notify_one();
                    return None;
                }
                Some(left) => self.is_free.wait_timeout(thing, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        Some(Held { turn: self, thing: thing.take() })
    }

    /// Returns whether a thread holds the value.
    pub(super) fn is_taken(&self) -> bool {
        self.thing.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl DialLock for Turn<()> {
    async fn take(&self, until: Option<Instant>) -> Option<Box<dyn Send + '_>> {
        let deadline = until.map(|until| self.clock.within(until.saturating_duration_since(Instant::now())));
        self.take(deadline).map(|held| Box::new(held) as _)
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.thing.as_ref().expect("held until it is dropped")
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_mut().expect("held until it is dropped")
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        *self.turn.thing.lock().unwrap_or_else(PoisonError::into_inner) = self.thing.take();
        self.turn.is_free.notify_one();
    }
}
