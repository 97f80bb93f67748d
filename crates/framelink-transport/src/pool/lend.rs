//! Waiting for a connection.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::desk::{Desk, Lock};
use super::waiters::Ticket;
use super::{Entered, Lending, Lent, Member, NotLent};
use crate::drive::Clock;

/// Waits for a connection, in order. Dropped, it waits no more, and what it was given already goes to the next.
///
/// Whoever polls it polls it again when its time is over.
#[must_use]
pub(crate) struct Lend<'d, M: Member, K: Clock, L: Lock<Lending<M>>> {
    desk: &'d Desk<M, K, L>,
    within: Duration,
    waits: Option<(Ticket, Duration)>,
}

impl<'d, M: Member, K: Clock, L: Lock<Lending<M>>> Lend<'d, M, K, L> {
    pub(super) const fn new(desk: &'d Desk<M, K, L>, within: Duration) -> Self {
        Self { desk, within, waits: None }
    }

    /// When to poll it again at the latest, by the clock of the desk.
    pub(crate) fn until(&self) -> Option<Duration> {
        self.waits.map(|(_, until)| until)
    }

    fn ask(&mut self, waker: &Waker) -> Option<Result<Lent<M>, NotLent>> {
        let Some((ticket, _)) = self.waits else {
            return match self.desk.with(|lending, now| lending.enter(self.within, waker, now)) {
                Ok(Entered::Lent(lent)) => Some(Ok(lent)),
                Ok(Entered::Waits(ticket, until)) => {
                    self.waits = Some((ticket, until));
                    None
                }
                Err(error) => Some(Err(error)),
            };
        };
        let collected = self.desk.with(|lending, now| lending.collect(ticket, waker, now))?;
        self.waits = None;
        Some(collected)
    }
}

impl<M: Member, K: Clock, L: Lock<Lending<M>>> Future for Lend<'_, M, K, L> {
    type Output = Result<Lent<M>, NotLent>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().ask(context.waker()).map_or(Poll::Pending, Poll::Ready)
    }
}

impl<M: Member, K: Clock, L: Lock<Lending<M>>> Drop for Lend<'_, M, K, L> {
    fn drop(&mut self) {
        if let Some((ticket, _)) = self.waits {
            self.desk.with(|lending, now| lending.cancel(ticket, now));
        }
    }
}
