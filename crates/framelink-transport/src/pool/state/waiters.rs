//! The callers that wait for a connection, in order.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use super::PooledSlot;

/// The place of a waiting caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// The waiting callers, in order. A caller that was assigned a connection stays until it fetches the connection, so
/// that it keeps its place if the connection ends before.
#[derive(Debug)]
pub(super) struct Waiters<M> {
    queue: VecDeque<Waiter<M>>,
    next: u64,
    /// How many callers have not fetched the connection that was assigned to them.
    pub(super) given: u32,
}

#[derive(Debug)]
pub(super) struct Waiter<M> {
    ticket: Ticket,
    pub(super) since: Duration,
    pub(super) until: Duration,
    pub(super) waker: Waker,
    given: Option<PooledSlot<M>>,
}

impl<M> Waiters<M> {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), next: 0, given: 0 }
    }

    /// Adds a caller at the end.
    pub(super) fn push(&mut self, since: Duration, until: Duration, waker: Waker) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.queue.push_back(Waiter { ticket, since, until, waker, given: None });
        ticket
    }

    /// Assigns a connection to the first caller without one and returns its waker, or else returns the connection.
    pub(super) fn give(&mut self, lent: PooledSlot<M>) -> Result<Waker, PooledSlot<M>> {
        let Some(waiter) = self.queue.iter_mut().find(|waiter| waiter.given.is_none()) else { return Err(lent) };
        waiter.given = Some(lent);
        self.given += 1;
        Ok(waiter.waker.clone())
    }

    /// Takes the connection that was assigned to a caller. `Err` if the caller does not wait.
    pub(super) fn take_given(&mut self, ticket: Ticket) -> Result<Option<PooledSlot<M>>, ()> {
        let at = self.at(ticket).ok_or(())?;
        let given = self.queue[at].given.take();
        self.given -= u32::from(given.is_some());
        Ok(given)
    }

    /// Removes a caller. Take a connection that was assigned to it first.
    pub(super) fn remove(&mut self, ticket: Ticket) {
        if let Some(at) = self.at(ticket) {
            self.queue.remove(at);
        }
    }

    pub(super) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Waiter<M>> {
        self.at(ticket).map(|at| &mut self.queue[at])
    }

    /// Returns how many callers before this one still wait.
    pub(super) fn before(&self, ticket: Ticket) -> usize {
        self.queue.iter().take_while(|waiter| waiter.ticket < ticket).filter(|waiter| waiter.given.is_none()).count()
    }

    /// Returns the wakers of all callers that have no connection.
    pub(super) fn wakers(&self) -> impl Iterator<Item = Waker> {
        self.queue.iter().filter(|waiter| waiter.given.is_none()).map(|waiter| waiter.waker.clone())
    }

    /// Removes all callers. Returns their wakers, and the connections that were assigned to some of them.
    pub(super) fn clear(&mut self) -> (Vec<Waker>, Vec<PooledSlot<M>>) {
        self.given = 0;
        let (mut wakers, mut given) = (Vec::new(), Vec::new());
        for waiter in std::mem::take(&mut self.queue) {
            wakers.push(waiter.waker);
            given.extend(waiter.given);
        }
        (wakers, given)
    }

    /// Returns how many callers wait for a connection.
    pub(super) fn len(&self) -> usize {
        self.queue.len() - self.given as usize
    }

    fn at(&self, ticket: Ticket) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()
    }
}
