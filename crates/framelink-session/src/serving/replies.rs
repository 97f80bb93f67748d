//! The replies that a server owes on one connection.

use std::collections::VecDeque;
use std::time::Duration;

use crate::memory::Held;

/// The requests that a server has taken on one connection, and the replies that it owes.
///
/// ```text
///   take ──► handled ──── finish: nothing ──────────────────────────────────────► over
///               │                                                                  ▲
///               │ finish: a reply                                                  │ on_written
///               ▼                                                                  │
///             held, until all before it are finished ──► due ── next_due ─► being written
///             (in the order of requests; else due at once)
/// ```
///
/// A request keeps its slot until its reply is written, and there are no more slots than the limit. A client that sends
/// requests and reads no replies is therefore soon not read any more.
///
/// ```
/// use std::time::Duration;
/// use framelink_session::{Concurrency, Replies};
///
/// let mut replies = Replies::new(Concurrency::new(2));
/// let (first, second) = (replies.take().unwrap(), replies.take().unwrap());
/// assert!(replies.take().is_none(), "two requests are being handled");
///
/// let now = Duration::ZERO;
/// replies.finish(second, Some("second"), now);
/// assert_eq!(replies.next_due(), None, "the first reply goes first");
/// replies.finish(first, Some("first"), now);
/// assert_eq!(replies.next_due(), Some((first, "first")));
/// assert_eq!(replies.next_due(), Some((second, "second")));
/// replies.on_written(2);
/// assert_eq!(replies.room(), 2);
/// ```
#[derive(Debug)]
pub struct Replies<R = Vec<u8>> {
    concurrency: Concurrency,
    /// The number of the next request.
    next: u64,
    /// The number and the length of each request that is being handled, in the order of the numbers.
    handled: VecDeque<(u64, usize)>,
    /// In the order of requests: the next reply, and the replies that were finished before their turn, with their
    /// numbers and in that order.
    turn: u64,
    held: VecDeque<(u64, Option<R>)>,
    /// The replies that may be sent, and since when.
    due: VecDeque<(ReplySlot, R, Duration)>,
    being_written: usize,
    /// Whether the replies that are being written hold no slot.
    is_gathering: bool,
    answered: u64,
    /// The bytes of handled requests and waiting replies, if counted, and their limit.
    bytes: usize,
    most_bytes: usize,
    memory: Held,
}

/// How many requests of one connection are handled at a time, and in which order replies are sent.
///
/// ```
/// use framelink_session::{Concurrency, ReplyOrder};
///
/// let one = Concurrency::default();
/// assert_eq!((one.limit(), one.order()), (1, ReplyOrder::Requests));
/// let many = Concurrency::new(64).order_by(ReplyOrder::Finished);
/// assert_eq!(many.limit(), 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concurrency {
    limit: usize,
    order: ReplyOrder,
}

/// The order in which replies are sent. The enum is exhaustive.
///
/// See [`Concurrency`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReplyOrder {
    /// The order of the requests, for clients that match replies by order.
    #[default]
    Requests,
    /// The order in which replies are finished, for clients that match replies by key.
    Finished,
}

/// The number of a request. Numbers are never reused on a connection.
///
/// ```
/// use framelink_session::{Concurrency, Replies};
///
/// let mut replies = Replies::<Vec<u8>>::new(Concurrency::new(2));
/// assert!(replies.take() < replies.take());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplySlot(u64);

impl Concurrency {
    /// Handles up to `limit` requests at a time, at least 1. Replies are sent in the order of their requests.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit: if limit == 0 { 1 } else { limit }, order: ReplyOrder::Requests }
    }

    /// Sets the order in which replies are sent. Defaults to the order of the requests.
    #[must_use]
    pub const fn order_by(mut self, order: ReplyOrder) -> Self {
        self.order = order;
        self
    }

    /// Returns how many requests are handled at a time.
    #[must_use]
    pub const fn limit(self) -> usize {
        self.limit
    }

    /// Returns the order in which replies are sent.
    #[must_use]
    pub const fn order(self) -> ReplyOrder {
        self.order
    }
}

/// Handles one request after the other.
impl Default for Concurrency {
    fn default() -> Self {
        Self::new(1)
    }
}

impl<R> Replies<R> {
    /// Creates an empty table.
    #[must_use]
    pub fn new(concurrency: Concurrency) -> Self {
        Self {
            concurrency,
            next: 0,
            handled: VecDeque::new(),
            turn: 0,
            held: VecDeque::new(),
            due: VecDeque::new(),
            being_written: 0,
            is_gathering: false,
            answered: 0,
            bytes: 0,
            most_bytes: usize::MAX,
            memory: Held::default(),
        }
    }

    /// Takes a request, and returns its slot. `None` if there is no room: the request should not have been read.
    pub fn take(&mut self) -> Option<ReplySlot> {
        self.take_request(0)
    }

    /// Takes a request of `len` bytes, and returns its slot like [`take`](Self::take).
    pub fn take_request(&mut self, len: usize) -> Option<ReplySlot> {
        if self.room() == 0 {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.handled.push_back((number, len));
        self.count(self.bytes + len);
        Some(ReplySlot(number))
    }

    /// Finishes a request with a reply, or without one. Returns false if it was finished before.
    pub fn finish(&mut self, place: ReplySlot, reply: Option<R>, now: Duration) -> bool {
        self.finish_with(place, reply, 0, now)
    }

    fn finish_with(&mut self, place: ReplySlot, reply: Option<R>, reply_len: usize, now: Duration) -> bool {
        let Ok(at) = self.handled.binary_search_by_key(&place.0, |(number, _)| *number) else { return false };
        let Some((_, len)) = self.handled.remove(at) else { return false };
        self.count(self.bytes - len + reply_len);
        match self.concurrency.order {
            ReplyOrder::Requests if place.0 != self.turn => {
                let at = self.held.partition_point(|(number, _)| *number < place.0);
                self.held.insert(at, (place.0, reply));
            }
            ReplyOrder::Finished => self.is_due(place, reply, now),
            ReplyOrder::Requests => {
                self.is_due(place, reply, now);
                self.turn += 1;
                while self.held.front().is_some_and(|(number, _)| *number == self.turn)
                    && let Some((number, reply)) = self.held.pop_front()
                {
                    self.is_due(ReplySlot(number), reply, now);
                    self.turn += 1;
                }
            }
        }
        self.forget_bursts();
        true
    }

    /// Returns whether replies are gathered, a request may be taken, and no reply is owed that is not being written.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.is_gathering && self.unfinished() == 0 && self.room() > 0
    }

    /// Takes requests that are finished at once: `replied` with a reply that is being written, and `skipped` without a
    /// reply. No other request may be owed a reply that is not being written.
    #[inline]
    pub fn pass(&mut self, replied: u64, skipped: u64) {
        self.next += replied + skipped;
        self.turn = self.next;
        self.being_written += usize::try_from(replied).unwrap_or(usize::MAX);
        self.answered += skipped;
    }

    /// Sets whether the replies that are being written hold no slot, so that the replies to many requests share a write.
    /// Set this to false while the socket takes no bytes. Defaults to false.
    pub const fn gather(&mut self, yes: bool) {
        self.is_gathering = yes;
    }

    /// Returns whether the replies that are being written hold no slot.
    #[must_use]
    pub const fn is_gathering(&self) -> bool {
        self.is_gathering
    }

    /// Takes the next reply that may be written now.
    pub fn next_due(&mut self) -> Option<(ReplySlot, R)> {
        let (place, reply, _) = self.due.pop_front()?;
        self.being_written += 1;
        Some((place, reply))
    }

    /// Records that `count` more replies were written.
    pub fn on_written(&mut self, count: usize) {
        let count = count.min(self.being_written);
        self.being_written -= count;
        self.answered += count as u64;
        self.forget_bursts();
    }

    /// Returns since when the next reply may be written.
    #[must_use]
    pub fn due_since(&self) -> Option<Duration> {
        self.due.front().map(|(.., since)| *since)
    }

    /// Returns how many requests may have a slot.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.concurrency.limit
    }

    /// Returns how many more requests may be taken now.
    #[must_use]
    pub fn room(&self) -> usize {
        let limit = if self.bytes < self.most_bytes { self.concurrency.limit } else { 0 };
        limit.saturating_sub(self.unfinished() + if self.is_gathering { 0 } else { self.being_written })
    }

    /// Returns how many requests still have a slot, because their replies are not written.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.unfinished() + self.being_written
    }

    /// Returns how many requests are owed a reply that is not being written.
    fn unfinished(&self) -> usize {
        self.handled.len() + self.held.len() + self.due.len()
    }

    /// Returns whether no reply is owed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owed() == 0
    }

    /// Returns how many requests were answered: without a reply, or with a reply that is completely written.
    #[must_use]
    pub const fn answered(&self) -> u64 {
        self.answered
    }

    /// Goes on after this many requests of the connection that were answered before.
    pub const fn count_from(&mut self, answered: u64) {
        self.answered = answered;
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = bytes;
        // Connections are told to end later, because this may run inside a lock.
        self.memory.note(bytes);
    }

    fn is_due(&mut self, place: ReplySlot, reply: Option<R>, now: Duration) {
        match reply {
            Some(reply) => self.due.push_back((place, reply, now)),
            None => self.answered += 1,
        }
    }

    /// Frees the memory of a burst.
    fn forget_bursts(&mut self) {
        let most = self.handled.capacity().max(self.held.capacity()).max(self.due.capacity());
        if most > SMALL && self.is_empty() {
            self.handled.shrink_to(SMALL);
            self.held.shrink_to(SMALL);
            self.due.shrink_to(SMALL);
        }
    }
}

impl<R: AsRef<[u8]>> Replies<R> {
    /// Counts the bytes of handled requests and waiting replies in the memory of a connection. Up to `most` bytes are
    /// taken, or one larger request. Further requests wait to be read. Defaults to no limit.
    pub fn count_memory(mut self, memory: &Held, most: usize) -> Self {
        (self.memory, self.most_bytes) = (memory.another(), most);
        self
    }

    /// Like [`finish`](Self::finish), but counts the reply until [`next_reply`](Self::next_reply) takes it.
    pub fn answer(&mut self, place: ReplySlot, reply: Option<R>, now: Duration) -> bool {
        let reply_len = reply.as_ref().map_or(0, |reply| reply.as_ref().len());
        self.finish_with(place, reply, reply_len, now)
    }

    /// Like [`next_due`](Self::next_due), for replies that are counted.
    pub fn next_reply(&mut self) -> Option<R> {
        let (_, reply) = self.next_due()?;
        self.count(self.bytes - reply.as_ref().len());
        Some(reply)
    }
}

/// The number of slots that stay reserved while no reply is owed.
const SMALL: usize = 4;
