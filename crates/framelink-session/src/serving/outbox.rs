//! Messages that wait to be pushed to one connection.

use std::collections::VecDeque;
use std::ops::AddAssign;

use crate::sending::Packed;

/// The frames that wait to be pushed to one connection: never more than its [`Backlog`] allows. The backlog also
/// decides what happens to a connection that is too slow.
///
/// A frame that was [taken](Self::take) for writing is no longer in the outbox, so a frame is never skipped half-way.
///
/// ```
/// use framelink_profile::Framing;
/// use framelink_session::{Backlog, Offered, Outbox, Packed, SlowRule};
///
/// let framing: Framing = "net:2".parse()?;
/// let mut outbox = Outbox::new(Backlog::new(SlowRule::Skip).messages(2));
/// for (number, offered) in [(1, Offered::Queued), (2, Offered::Queued), (3, Offered::Skipped(1))] {
///     assert_eq!(outbox.offer(&Packed::new(&framing, &[number])?), offered);
/// }
/// // 0x00 0x01 | 2
/// assert_eq!(outbox.take().unwrap().as_ref(), b"\x00\x01\x02", "the first was skipped");
/// assert_eq!(outbox.counts().skipped, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Outbox {
    backlog: Backlog,
    frames: VecDeque<Packed>,
    bytes: usize,
    /// The number of frames that were taken and are not written.
    being_written: u64,
    counts: PushCounts,
    is_closed: bool,
}

/// What happens if a connection is too slow for its pushed messages. The enum is exhaustive.
///
/// ```
/// use framelink_session::{Backlog, SlowRule};
///
/// let newest = Backlog::new(SlowRule::Skip); // prices: only the newest matter
/// let whole = Backlog::new(SlowRule::Close); // a journal: a client that misses one must begin again
/// # let _ = (newest, whole);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlowRule {
    /// Drops the new message. Waiting messages stay.
    Drop,
    /// Drops the oldest waiting messages to make room.
    Skip,
    /// Closes the connection.
    Close,
}

/// How much may wait for one connection, and what happens beyond that.
///
/// Bytes that were taken for writing do not count: at most 64 KiB and one frame.
///
/// ```
/// use framelink_session::{Backlog, SlowRule};
///
/// let backlog = Backlog::new(SlowRule::Drop).messages(100).bytes(64 * 1024);
/// assert_eq!(backlog.rule(), SlowRule::Drop);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backlog {
    rule: SlowRule,
    messages: usize,
    bytes: usize,
}

impl Backlog {
    /// The default number of messages that may wait: 1024.
    pub const MESSAGES: usize = 1024;
    /// The default number of bytes that may wait: 1 MiB. The `limits.memory` of a server's profile limits all its
    /// connections together. A message that is pushed to several connections is held once.
    pub const BYTES: usize = 1024 * 1024;

    /// Creates a backlog with this rule and the default limits.
    #[must_use]
    pub const fn new(rule: SlowRule) -> Self {
        Self { rule, messages: Self::MESSAGES, bytes: Self::BYTES }
    }

    /// Sets how many messages may wait, at least 1. Defaults to 1024.
    #[must_use]
    pub const fn messages(mut self, messages: usize) -> Self {
        self.messages = if messages == 0 { 1 } else { messages };
        self
    }

    /// Sets how many bytes may wait. One message may be larger. Defaults to 1 MiB.
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Returns the rule for slow connections.
    #[must_use]
    pub const fn rule(&self) -> SlowRule {
        self.rule
    }

    const fn has_room(&self, messages: usize, bytes: usize, frame_len: usize) -> bool {
        messages == 0 || (messages < self.messages && bytes.saturating_add(frame_len) <= self.bytes)
    }
}

/// The outcome of pushing a message to a connection. The enum is exhaustive.
///
/// See [`Outbox`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Offered {
    /// The message waits to be written.
    Queued,
    /// The message waits to be written, and this many older messages were dropped for it.
    Skipped(usize),
    /// The message was dropped.
    Dropped,
    /// The message and all waiting messages were dropped, and the connection must be closed.
    Closed,
    /// The connection was already closed.
    Gone,
}

/// Counts the outcomes of pushed messages, for one connection or for all.
///
/// - `delivered + skipped + lost` and the waiting messages are all messages that were queued.
/// - With `dropped`, they are all messages that were pushed.
///
/// ```
/// use framelink_session::PushCounts;
///
/// let mut total = PushCounts::default();
/// for delivered in [3, 4] {
///     let mut one = PushCounts::default();
///     one.delivered = delivered;
///     total += one;
/// }
/// assert_eq!(total.delivered, 7);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushCounts {
    /// Messages that the socket took completely.
    pub delivered: u64,
    /// Messages that were not queued because too many waited.
    pub dropped: u64,
    /// Messages that were queued and then dropped for newer ones.
    pub skipped: u64,
    /// Messages that were still queued when the connection ended.
    pub lost: u64,
    /// Connections that were closed because they were too slow.
    pub closed: u64,
}

impl AddAssign for PushCounts {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.skipped += other.skipped;
        self.lost += other.lost;
        self.closed += other.closed;
    }
}

impl Outbox {
    /// Creates an empty outbox. It holds no buffer yet.
    #[must_use]
    pub const fn new(backlog: Backlog) -> Self {
        let counts = PushCounts { delivered: 0, dropped: 0, skipped: 0, lost: 0, closed: 0 };
        Self { backlog, frames: VecDeque::new(), bytes: 0, being_written: 0, counts, is_closed: false }
    }

    /// Offers a frame to the connection, which takes it unless it is too slow.
    pub fn offer(&mut self, frame: &Packed) -> Offered {
        if self.is_closed {
            return Offered::Gone;
        }
        let offered = match self.has_room(frame) {
            true => Offered::Queued,
            false => match self.backlog.rule {
                SlowRule::Drop => {
                    self.counts.dropped += 1;
                    return Offered::Dropped;
                }
                SlowRule::Skip => Offered::Skipped(self.skip_for(frame)),
                SlowRule::Close => {
                    self.counts.dropped += 1;
                    self.counts.closed += 1;
                    self.close();
                    return Offered::Closed;
                }
            },
        };
        self.bytes += frame.frame_len();
        self.frames.push_back(frame.clone());
        offered
    }

    /// Takes the next frame for writing. From now on it is written, unless the connection ends.
    pub fn take(&mut self) -> Option<Packed> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.frame_len();
        self.being_written += 1;
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// Records that the socket took `count` more frames completely.
    pub fn on_written(&mut self, count: u64) {
        let count = count.min(self.being_written);
        self.being_written -= count;
        self.counts.delivered += count;
    }

    /// Records that the connection has ended or must end. Waiting frames are lost.
    pub fn close(&mut self) {
        self.is_closed = true;
        self.counts.lost += self.frames.len() as u64 + self.being_written;
        self.frames = VecDeque::new();
        (self.bytes, self.being_written) = (0, 0);
    }

    /// Returns whether the connection has ended or must end.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Returns how many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Returns how many bytes wait.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Returns the outcomes of the pushed messages.
    #[must_use]
    pub const fn counts(&self) -> PushCounts {
        self.counts
    }

    /// Returns how much may wait.
    #[must_use]
    pub const fn backlog(&self) -> Backlog {
        self.backlog
    }

    fn has_room(&self, frame: &Packed) -> bool {
        self.backlog.has_room(self.frames.len(), self.bytes, frame.frame_len())
    }

    /// Drops the oldest frames until there is room, and returns how many.
    fn skip_for(&mut self, frame: &Packed) -> usize {
        let before = self.frames.len();
        while !self.has_room(frame)
            && let Some(skipped) = self.frames.pop_front()
        {
            self.bytes -= skipped.frame_len();
        }
        let skipped = before - self.frames.len();
        self.counts.skipped += skipped as u64;
        skipped
    }
}
