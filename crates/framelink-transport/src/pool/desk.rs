//! Where the connections of a pool are, for all who borrow them.

use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::{Job, Lend, Lending, Lent, Member};
use crate::drive::Clock;

/// A lock: the system's, or one whose turns a test decides.
pub(crate) trait Lock<T> {
    fn new(value: T) -> Self;
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R;
}

impl<T> Lock<T> for Mutex<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The connections of a pool behind a lock, and whoever does what is to be done for them: the driver's task or thread.
pub(crate) struct Desk<M: Member, K, L = Mutex<Lending<M>>> {
    lending: L,
    clock: K,
    keeper: Waker,
    _member: std::marker::PhantomData<fn(M)>,
}

impl<M: Member, K: Clock, L: Lock<Lending<M>>> Desk<M, K, L> {
    pub(crate) fn new(lending: Lending<M>, clock: K, keeper: Waker) -> Self {
        Self { lending: L::new(lending), clock, keeper, _member: std::marker::PhantomData }
    }

    /// Waits for a connection, so long at most.
    pub(crate) const fn lend(&self, within: Duration) -> Lend<'_, M, K, L> {
        Lend::new(self, within)
    }

    pub(crate) const fn clock(&self) -> &K {
        &self.clock
    }

    pub(crate) fn give_back(&self, lent: Lent<M>) {
        self.with(|lending, now| lending.give_back(lent, now));
    }

    /// What is to be done now, and when to look again; nothing more once it is over.
    pub(crate) fn look_after(&self, has_stirred: bool) -> Option<(Vec<Job<M>>, Option<Duration>)> {
        self.with(|lending, now| {
            let next = lending.look_after(has_stirred, now);
            (!lending.is_over()).then(|| (lending.take_jobs(), next))
        })
    }

    /// Does something, and wakes whom it concerns, who then finds the lock free.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Lending<M>, Duration) -> T) -> T {
        let (done, (wakes, is_roused)) = self.lending.with(|lending| {
            let done = work(lending, self.clock.now());
            (done, lending.take_wakes())
        });
        wakes.into_iter().for_each(Waker::wake);
        if is_roused {
            self.keeper.wake_by_ref();
        }
        done
    }
}
