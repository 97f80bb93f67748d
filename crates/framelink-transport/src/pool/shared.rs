//! The state of a pool behind its lock, for all threads and tasks that use it.

use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::state::waiters::Ticket;
use super::{Entered, Job, PoolState, Poolable, PooledSlot};
use crate::drive::Clock;
use crate::error::PoolError;

/// The lock of a pool's state: the system's lock, or a lock whose order a test decides.
pub(crate) trait Lock {
    type Member: Poolable;
    fn with<R>(&self, work: impl FnOnce(&mut PoolState<Self::Member>) -> R) -> R;
}

impl<M: Poolable> Lock for Mutex<PoolState<M>> {
    type Member = M;

    fn with<R>(&self, work: impl FnOnce(&mut PoolState<M>) -> R) -> R {
        work(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The jobs that are due, and when to look again.
type Due<M> = (Vec<Job<M>>, Option<Duration>);

/// The state of a pool behind a lock, with the pool's clock and the waker of its task.
pub(crate) struct SharedPool<L, K> {
    state: L,
    pub(super) clock: K,
    task: Waker,
}

impl<L: Lock, K: Clock> SharedPool<L, K> {
    pub(crate) const fn new(state: L, clock: K, task: Waker) -> Self {
        Self { state, clock, task }
    }

    /// Enters the queue for a connection, for `within` at most.
    pub(crate) const fn lend(&self, within: Duration) -> Lend<'_, L, K> {
        Lend { shared: self, within, waits: None }
    }

    pub(crate) fn give_back(&self, slot: PooledSlot<L::Member>) {
        self.with(|state, now| state.give_back(slot, now));
    }

    pub(crate) fn look_after(&self, has_stirred: bool) -> Option<Due<L::Member>> {
        self.with(|state, now| {
            let next = state.look_after(has_stirred, now);
            (!state.is_over()).then(|| (state.take_jobs(), next))
        })
    }

    /// Runs `work` on the state. Wakes tasks only after the lock is released.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut PoolState<L::Member>, Duration) -> T) -> T {
        let (done, (wakes, is_roused)) = self.state.with(|state| {
            let done = work(state, self.clock.now());
            (done, state.take_wakes())
        });
        wakes.into_iter().for_each(Waker::wake);
        if is_roused {
            self.task.wake_by_ref();
        }
        done
    }
}

/// The place of a caller in the queue for a connection. Dropping it passes an assigned connection to the next caller.
#[must_use]
pub(crate) struct Lend<'d, L: Lock, K: Clock> {
    shared: &'d SharedPool<L, K>,
    within: Duration,
    waits: Option<(Ticket, Duration)>,
}

impl<L: Lock, K: Clock> Lend<'_, L, K> {
    /// Returns when to ask again at the latest, by the pool's clock.
    pub(crate) fn until(&self) -> Option<Duration> {
        self.waits.map(|(_, until)| until)
    }

    /// Returns a connection or an error. `None` while there is neither: the waker is woken when to ask again.
    pub(super) fn ask(&mut self, waker: &Waker) -> Option<Result<PooledSlot<L::Member>, PoolError>> {
        let Some((ticket, _)) = self.waits else {
            return match self.shared.with(|state, now| state.enter(self.within, waker, now)) {
                Ok(Entered::PooledConnection(lent)) => Some(Ok(lent)),
                Ok(Entered::Waits(ticket, until)) => {
                    self.waits = Some((ticket, until));
                    None
                }
                Err(error) => Some(Err(error)),
            };
        };
        let collected = self.shared.with(|state, now| state.collect(ticket, waker, now))?;
        self.waits = None;
        Some(collected)
    }
}

impl<L: Lock, K: Clock> Drop for Lend<'_, L, K> {
    fn drop(&mut self) {
        if let Some((ticket, _)) = self.waits {
            self.shared.with(|state, now| state.cancel(ticket, now));
        }
    }
}
