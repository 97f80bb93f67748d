//! What a server owes on one connection.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use crate::memory::Held;

/// The requests that a server has taken on one connection, and the replies that it owes for them.
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
/// A request has its place until its reply is written, and there are no more places than the limit: whoever sends requests and
/// reads no replies is soon not read any more.
///
/// ```
/// use std::time::Duration;
/// use framelink_session::{Concurrency, Replies};
///
/// let mut replies = Replies::new(Concurrency::new(2));
/// let (first, second) = (replies.take().unwrap(), replies.take().unwrap());
/// assert!(replies.take().is_none(), "two run already");
///
/// let now = Duration::ZERO;
/// replies.finish(second, Some("second"), now);
/// assert_eq!(replies.next_due(), None, "the first goes first");
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
    /// Each with the length of its request.
    handled: HashMap<u64, usize>,
    /// In the order of requests: whose reply is due next, and what was finished before its turn.
    turn: u64,
    held: BTreeMap<u64, Option<R>>,
    /// What may go out, and since when.
    due: VecDeque<(ReplySlot, R, Duration)>,
    being_written: usize,
    answered: u64,
    /// Of the requests that are handled and the replies that wait, where that is known; and how many there may be.
    bytes: usize,
    most_bytes: usize,
    /// Where these are counted.
    memory: Held,
}

/// How many requests of one connection are handled at a time, and in which order their replies go out.
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

/// In which order replies go out. Complete by nature.
///
/// See [`Concurrency`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReplyOrder {
    /// As the requests came: for clients that tell replies by their order.
    #[default]
    Requests,
    /// As they are finished: for clients that tell replies by a key.
    Finished,
}

/// One of the requests of a connection. A number of its own, never used again on it.
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
    /// So many requests are handled at a time, at least 1; the replies go out in the order of their requests.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit: if limit == 0 { 1 } else { limit }, order: ReplyOrder::Requests }
    }

    /// In which order replies go out. Defaults to that of the requests.
    #[must_use]
    pub const fn order_by(mut self, order: ReplyOrder) -> Self {
        self.order = order;
        self
    }

    /// How many requests are handled at a time.
    #[must_use]
    pub const fn limit(self) -> usize {
        self.limit
    }

    /// In which order replies go out.
    #[must_use]
    pub const fn order(self) -> ReplyOrder {
        self.order
    }
}

/// One after the other.
impl Default for Concurrency {
    fn default() -> Self {
        Self::new(1)
    }
}

impl<R> Replies<R> {
    /// Nothing is owed yet.
    #[must_use]
    pub fn new(concurrency: Concurrency) -> Self {
        Self {
            concurrency,
            next: 0,
            handled: HashMap::new(),
            turn: 0,
            held: BTreeMap::new(),
            due: VecDeque::new(),
            being_written: 0,
            answered: 0,
            bytes: 0,
            most_bytes: usize::MAX,
            memory: Held::default(),
        }
    }

    /// A request came; its place. `None` while there is no room: it should not have been read.
    pub fn take(&mut self) -> Option<ReplySlot> {
        self.take_request(0)
    }

    /// The same with a request of this length.
    pub fn take_request(&mut self, len: usize) -> Option<ReplySlot> {
        if self.room() == 0 {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.handled.insert(number, len);
        self.count(self.bytes + len);
        Some(ReplySlot(number))
    }

    /// The request in this place was answered, with a reply or with nothing. False if it had been before.
    pub fn finish(&mut self, place: ReplySlot, reply: Option<R>, now: Duration) -> bool {
        self.finish_with(place, reply, 0, now)
    }

    fn finish_with(&mut self, place: ReplySlot, reply: Option<R>, reply_len: usize, now: Duration) -> bool {
        let Some(len) = self.handled.remove(&place.0) else { return false };
        self.count(self.bytes - len + reply_len);
        match self.concurrency.order {
            ReplyOrder::Finished => self.is_due(place, reply, now),
            ReplyOrder::Requests => {
                self.held.insert(place.0, reply);
                while let Some(reply) = self.held.remove(&self.turn) {
                    self.is_due(ReplySlot(self.turn), reply, now);
                    self.turn += 1;
                }
            }
        }
        self.forget_bursts();
        true
    }

    /// The reply that is to be written next, if one may go out now.
    pub fn next_due(&mut self) -> Option<(ReplySlot, R)> {
        let (place, reply, _) = self.due.pop_front()?;
        self.being_written += 1;
        Some((place, reply))
    }

    /// So many more of the replies that were to be written are.
    pub fn on_written(&mut self, count: usize) {
        let count = count.min(self.being_written);
        self.being_written -= count;
        self.answered += count as u64;
        self.forget_bursts();
    }

    /// Since when the next reply could go out.
    #[must_use]
    pub fn due_since(&self) -> Option<Duration> {
        self.due.front().map(|(.., since)| *since)
    }

    /// How many requests may have a place.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.concurrency.limit
    }

    /// How many more requests may be taken now.
    #[must_use]
    pub fn room(&self) -> usize {
        let limit = if self.bytes < self.most_bytes { self.concurrency.limit } else { 0 };
        limit.saturating_sub(self.owed())
    }

    /// How many requests have a place still: their replies are not written.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.handled.len() + self.held.len() + self.due.len() + self.being_written
    }

    /// Whether nothing is owed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owed() == 0
    }

    /// How many requests were answered wholly, with nothing or with a reply that is written.
    #[must_use]
    pub const fn answered(&self) -> u64 {
        self.answered
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = bytes;
        // Who has to end for it is told later: this may be in a lock.
        self.memory.note(bytes);
    }

    fn is_due(&mut self, place: ReplySlot, reply: Option<R>, now: Duration) {
        match reply {
            Some(reply) => self.due.push_back((place, reply, now)),
            None => self.answered += 1,
        }
    }

    /// What one burst needed is not kept for ever.
    fn forget_bursts(&mut self) {
        if self.is_empty() {
            self.handled.shrink_to(SMALL);
            self.due.shrink_to(SMALL);
        }
    }
}
impl Replies {
    /// Counts requests that are handled and replies that wait in the memory of a connection. There may be so many bytes of them, or one
    /// request that is larger; what more there is waits to be read. Defaults to any number.
    pub fn count_memory(mut self, memory: &Held, most: usize) -> Self {
        (self.memory, self.most_bytes) = (memory.another(), most);
        self
    }

    /// As [`finish`](Self::finish), and the reply is counted until it is [handed on](Self::next_reply).
    pub fn answer(&mut self, place: ReplySlot, reply: Option<Vec<u8>>, now: Duration) -> bool {
        let reply_len = reply.as_ref().map_or(0, Vec::len);
        self.finish_with(place, reply, reply_len, now)
    }

    /// As [`next_due`](Self::next_due), for replies that were counted.
    pub fn next_reply(&mut self) -> Option<Vec<u8>> {
        let (_, reply) = self.next_due()?;
        self.count(self.bytes - reply.len());
        Some(reply)
    }
}

/// So many places may stay reserved while nothing is owed.
const SMALL: usize = 16;
