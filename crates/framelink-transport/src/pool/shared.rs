//! The connections of a pool, for all threads and tasks that use it.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::waiters::Ticket;
use super::{Entered, Job, NotLent, PoolState, Poolable, PooledSlot};
use crate::drive::Clock;

/// A lock: the lock of the system, or a lock whose turns a test decides.
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

/// The state of a pool behind a lock, with the clock of the pool and the waker of the pool's task.
pub(crate) struct SharedPool<M: Poolable, K, L = Mutex<PoolState<M>>> {
    state: L,
    clock: K,
    task: Waker,
    _member: PhantomData<fn(M)>,
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> SharedPool<M, K, L> {
    pub(crate) fn new(state: PoolState<M>, clock: K, task: Waker) -> Self {
        Self { state: L::new(state), clock, task, _member: PhantomData }
    }

    /// Waits for a connection, so long at most.
    pub(crate) const fn lend(&self, within: Duration) -> Lend<'_, M, K, L> {
        Lend { shared: self, within, waits: None }
    }

    pub(crate) const fn clock(&self) -> &K {
        &self.clock
    }

    pub(crate) fn give_back(&self, slot: PooledSlot<M>) {
        self.with(|state, now| state.give_back(slot, now));
    }

    /// The jobs that are to be done now, and when to look again. `None` when the pool is over.
    pub(crate) fn look_after(&self, has_stirred: bool) -> Option<(Vec<Job<M>>, Option<Duration>)> {
        self.with(|state, now| {
            let next = state.look_after(has_stirred, now);
            (!state.is_over()).then(|| (state.take_jobs(), next))
        })
    }

    /// Does something with the state. Whatever is woken by that finds the lock free.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut PoolState<M>, Duration) -> T) -> T {
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

/// The place of a caller among those that wait for a connection. When this is dropped, the caller waits no more, and a connection that
/// it was given already goes to the next.
#[must_use]
pub(crate) struct Lend<'d, M: Poolable, K: Clock, L: Lock<PoolState<M>>> {
    shared: &'d SharedPool<M, K, L>,
    within: Duration,
    waits: Option<(Ticket, Duration)>,
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Lend<'_, M, K, L> {
    /// When to ask again at the latest, by the clock of the pool.
    pub(crate) fn until(&self) -> Option<Duration> {
        self.waits.map(|(_, until)| until)
    }

    /// A connection, or an error. `None` while there is neither: the waker is woken when this is to be asked again.
    pub(super) fn ask(&mut self, waker: &Waker) -> Option<Result<PooledSlot<M>, NotLent>> {
        let Some((ticket, _)) = self.waits else {
            return match self.shared.with(|state, now| state.enter(self.within, waker, now)) {
                Ok(Entered::Lent(lent)) => Some(Ok(lent)),
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

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Drop for Lend<'_, M, K, L> {
    fn drop(&mut self) {
        if let Some((ticket, _)) = self.waits {
            self.shared.with(|state, now| state.cancel(ticket, now));
        }
    }
}
