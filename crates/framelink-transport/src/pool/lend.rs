//! Waiting for a connection.

use std::task::Waker;
use std::time::Duration;

use super::shared::{Lock, SharedPool};
use super::waiters::Ticket;
use super::{Entered, NotLent, PoolState, Poolable, PooledSlot};
use crate::drive::Clock;

/// The place of a caller among those that wait for a connection. When this is dropped, the caller waits no more, and a connection that
/// it was given already goes to the next.
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
