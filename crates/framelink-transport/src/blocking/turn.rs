//! A lock with a deadline.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::drive::Clock as _;
use crate::link::DialLock;
use crate::net::clock::Clock;

/// A value that one thread holds at a time. Unlike a mutex, it can be waited for with a deadline.
#[derive(Debug)]
pub(crate) struct Turn<T> {
    place: Mutex<Place<T>>,
    is_free: Condvar,
    clock: Clock,
}

#[derive(Debug)]
struct Place<T> {
    /// `None` while a thread holds the value.
    thing: Option<T>,
    /// How many threads wait. If none does, a notification would be a system call for nothing.
    waiting: usize,
}

/// The value, until this guard is dropped.
pub(super) struct Held<'t, T> {
    turn: &'t Turn<T>,
    thing: Option<T>,
}

impl<T> Turn<T> {
    pub(super) const fn new(thing: T, clock: Clock) -> Self {
        let place = Place { thing: Some(thing), waiting: 0 };
        Self { place: Mutex::new(place), is_free: Condvar::new(), clock }
    }

    /// Waits for the value. Returns `None` if it is not free before the deadline.
    pub(super) fn take(&self, deadline: Option<Duration>) -> Option<Held<'_, T>> {
        let mut place = self.lock();
        if place.thing.is_none() {
            place.waiting += 1;
            place = self.wait(place, deadline);
            place.waiting -= 1;
        }
        match place.thing.take() {
            Some(thing) => Some(Held { turn: self, thing: Some(thing) }),
            None => {
                // This thread may have used up a notification that was meant for another thread.
                self.is_free.notify_one();
                None
            }
        }
    }

    /// Waits until the value is free, or until the deadline.
    fn wait<'t>(&self, mut place: MutexGuard<'t, Place<T>>, deadline: Option<Duration>) -> MutexGuard<'t, Place<T>> {
        while place.thing.is_none() {
            place = match deadline.map(|deadline| deadline.saturating_sub(self.clock.now())) {
                None => self.is_free.wait(place).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return place,
                Some(left) => self.is_free.wait_timeout(place, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        place
    }

    /// Returns whether a thread holds the value.
    pub(super) fn is_taken(&self) -> bool {
        self.lock().thing.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Place<T>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut place = self.turn.lock();
        place.thing = self.thing.take();
        let is_waited_for = place.waiting > 0;
        drop(place);
        if is_waited_for {
            self.turn.is_free.notify_one();
        }
    }
}
