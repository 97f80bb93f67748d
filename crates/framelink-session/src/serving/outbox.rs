//! What is pushed to one connection and waits until it can be written.

use std::collections::VecDeque;
use std::ops::AddAssign;

use crate::sending::Packed;

/// The frames that wait to be written on one connection. There are never more than its [`Backlog`] allows, and what happens
/// to a connection that is too slow for them is decided here.
///
/// What was [taken](Self::take) to be written is no longer in it: half a frame is never skipped.
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
    /// How many were taken and are not written.
    being_written: u64,
    counts: PushCounts,
    is_closed: bool,
}

/// What happens to a connection that is too slow for what is pushed to it. Complete by nature.
///
/// ```
/// use framelink_session::{Backlog, SlowRule};
///
/// let newest = Backlog::new(SlowRule::Skip); // prices: only the newest matter
/// let whole = Backlog::new(SlowRule::Close); // a journal: whoever misses one must begin again
/// # let _ = (newest, whole);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlowRule {
    /// The message is not for it: what waits already stays.
    Drop,
    /// What waits longest makes room.
    Skip,
    /// The connection is closed.
    Close,
}

/// How much may wait for one connection, and what happens when there would be more.
///
/// What has been handed on for writing is not counted: 64 KiB and a frame at most.
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
    /// So many messages may wait, unless told otherwise: 1024.
    pub const MESSAGES: usize = 1024;
    /// So many bytes of them may wait, unless told otherwise: 1 MiB. What all connections of a server hold together is limited by the
    /// `limits.memory` of its profile. A message that is pushed to several connections is held once.
    pub const BYTES: usize = 1024 * 1024;

    /// With this rule for the slow ones.
    #[must_use]
    pub const fn new(rule: SlowRule) -> Self {
        Self { rule, messages: Self::MESSAGES, bytes: Self::BYTES }
    }

    /// So many messages may wait, at least 1. Defaults to 1024.
    #[must_use]
    pub const fn messages(mut self, messages: usize) -> Self {
        self.messages = if messages == 0 { 1 } else { messages };
        self
    }

    /// So many bytes may wait, or one message that is larger. Defaults to 1 MiB.
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// What happens to the slow ones.
    #[must_use]
    pub const fn rule(&self) -> SlowRule {
        self.rule
    }

    const fn has_room(&self, messages: usize, bytes: usize, frame_len: usize) -> bool {
        messages == 0 || (messages < self.messages && bytes.saturating_add(frame_len) <= self.bytes)
    }
}

/// What became of a message that was to be pushed to a connection. Complete by nature.
///
/// See [`Outbox`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Offered {
    /// It waits to be written.
    Queued,
    /// The same, and so many that waited before it will not be written.
    Skipped(usize),
    /// It will not be written.
    Dropped,
    /// It will not be written, nor what waited: now the connection is closed.
    Closed,
    /// The connection had been closed before.
    Gone,
}

/// What became of the messages that were pushed, to one connection or to all.
///
/// `delivered + skipped + lost`, and what waits, are all that were queued; with `dropped` they are all that were pushed.
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
    /// Messages that the socket took whole.
    pub delivered: u64,
    /// Messages that were not queued, because too much waited.
    pub dropped: u64,
    /// Messages that waited and made room for later ones.
    pub skipped: u64,
    /// Messages that waited when the connection ended.
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
    /// Nothing waits. It holds no buffer.
    #[must_use]
    pub const fn new(backlog: Backlog) -> Self {
        let counts = PushCounts { delivered: 0, dropped: 0, skipped: 0, lost: 0, closed: 0 };
        Self { backlog, frames: VecDeque::new(), bytes: 0, being_written: 0, counts, is_closed: false }
    }

    /// A frame is to be written, if this connection is not too slow for it.
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

    /// The next frame to be written. From now on it is, or the connection ends.
    pub fn take(&mut self) -> Option<Packed> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.frame_len();
        self.being_written += 1;
        if self.frames.is_empty() {
            // An idle connection holds no buffer.
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// The socket took so many more of the frames whole.
    pub fn on_written(&mut self, count: u64) {
        let count = count.min(self.being_written);
        self.being_written -= count;
        self.counts.delivered += count;
    }

    /// The connection has ended, or is to be: nothing that waits is written.
    pub fn close(&mut self) {
        self.is_closed = true;
        self.counts.lost += self.frames.len() as u64 + self.being_written;
        self.frames = VecDeque::new();
        (self.bytes, self.being_written) = (0, 0);
    }

    /// Whether the connection has ended, or is to be.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// How many bytes wait.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// What became of those that were pushed.
    #[must_use]
    pub const fn counts(&self) -> PushCounts {
        self.counts
    }

    /// How much may wait.
    #[must_use]
    pub const fn backlog(&self) -> Backlog {
        self.backlog
    }

    fn has_room(&self, frame: &Packed) -> bool {
        self.backlog.has_room(self.frames.len(), self.bytes, frame.frame_len())
    }

    /// What waits longest makes room; how many.
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
