//! Waiting for a connection.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::shared::{Lock, SharedPool};
use super::waiters::Ticket;
use super::{Entered, NotLent, PoolState, Poolable, PooledSlot};
use crate::drive::Clock;

/// Waits for a connection, in order. Dropped, it waits no more, and what it was given already goes to the next.
///
/// Whoever polls it polls it again when its time is over.
#[must_use]
pub(crate) struct Lend<'d, M: Poolable, K: Clock, L: Lock<PoolState<M>>> {
    shared: &'d SharedPool<M, K, L>,
    within: Duration,
    waits: Option<(Ticket, Duration)>,
}

impl<'d, M: Poolable, K: Clock, L: Lock<PoolState<M>>> Lend<'d, M, K, L> {
    pub(super) const fn new(shared: &'d SharedPool<M, K, L>, within: Duration) -> Self {
        Self { shared, within, waits: None }
    }

    /// When to poll it again at the latest, by the clock of the pool.
    pub(crate) fn until(&self) -> Option<Duration> {
        self.waits.map(|(_, until)| until)
    }

    /// A connection, or an error; `None` while there is neither. The waker is woken when this is to be asked again.
    pub(super) fn ask(&mut self, waker: &Waker) -> Option<Result<PooledSlot<M>, NotLent>> {
        let Some((ticket, _)) = self.waits else {
            return match self.shared.with(|pool, now| pool.enter(self.within, waker, now)) {
                Ok(Entered::Lent(lent)) => Some(Ok(lent)),
                Ok(Entered::Waits(ticket, until)) => {
                    self.waits = Some((ticket, until));
                    None
                }
                Err(error) => Some(Err(error)),
            };
        };
        let collected = self.shared.with(|pool, now| pool.collect(ticket, waker, now))?;
        self.waits = None;
        Some(collected)
    }
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Future for Lend<'_, M, K, L> {
    type Output = Result<PooledSlot<M>, NotLent>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().ask(context.waker()).map_or(Poll::Pending, Poll::Ready)
    }
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Drop for Lend<'_, M, K, L> {
    fn drop(&mut self) {
        if let Some((ticket, _)) = self.waits {
            self.shared.with(|pool, now| pool.cancel(ticket, now));
        }
    }
}
