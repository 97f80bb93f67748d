//! The callers that wait for a connection, in order.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use super::PooledSlot;

/// The place of a caller that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// The callers that wait, in the order in which they came. A caller that was given a connection stays until it fetches the connection:
/// if the connection ends before that, the caller has not lost its place.
#[derive(Debug)]
pub(super) struct Waiters<M> {
    queue: VecDeque<Waiter<M>>,
    next: u64,
    /// How many callers have not fetched the connection that they were given.
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

    /// Gives a connection to the first caller that has none, whose waker is returned. If no caller waits, the connection is returned.
    pub(super) fn give(&mut self, lent: PooledSlot<M>) -> Result<Waker, PooledSlot<M>> {
        let Some(waiter) = self.queue.iter_mut().find(|waiter| waiter.given.is_none()) else { return Err(lent) };
        waiter.given = Some(lent);
        self.given += 1;
        Ok(waiter.waker.clone())
    }

    /// Takes the connection that a caller was given. `Err` if the caller does not wait.
    pub(super) fn take_given(&mut self, ticket: Ticket) -> Result<Option<PooledSlot<M>>, ()> {
        let at = self.at(ticket).ok_or(())?;
        let given = self.queue[at].given.take();
        self.given -= u32::from(given.is_some());
        Ok(given)
    }

    /// A caller waits no more. A connection that it was given has to be taken first.
    pub(super) fn remove(&mut self, ticket: Ticket) {
        if let Some(at) = self.at(ticket) {
            self.queue.remove(at);
        }
    }

    pub(super) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Waiter<M>> {
        self.at(ticket).map(|at| &mut self.queue[at])
    }

    /// How many callers came before this one and still wait.
    pub(super) fn before(&self, ticket: Ticket) -> usize {
        self.queue.iter().take_while(|waiter| waiter.ticket < ticket).filter(|waiter| waiter.given.is_none()).count()
    }

    /// Removes all callers: their wakers, and the connections that some of them were given.
    pub(super) fn clear(&mut self) -> (Vec<Waker>, Vec<PooledSlot<M>>) {
        self.given = 0;
        let (mut wakers, mut given) = (Vec::new(), Vec::new());
        for waiter in std::mem::take(&mut self.queue) {
            wakers.push(waiter.waker);
            given.extend(waiter.given);
        }
        (wakers, given)
    }

    /// How many callers wait for a connection.
    pub(super) fn len(&self) -> usize {
        self.queue.len() - self.given as usize
    }

    fn at(&self, ticket: Ticket) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()
    }
}
