//! The sending half: messages in, bytes to write out.

mod frame;
mod ticket;

pub use frame::{OutgoingFrame, Packed};
pub use ticket::{SendRefused, Sent, Ticket};

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Encode, Envelope};
use framelink_heartbeat::{Form, Numbered};

use crate::append::append;
use crate::lifetime::{Activity, Ending, Notice};
use crate::liveness::LivenessHandle;
use crate::memory::Held;
use crate::shared::{ByteCount, FailedFlag};

/// The sending half of a session.
///
/// A message is either [queued](Self::queue) and written as [`poll`](Self::poll) says; or, where nothing is queued, made
/// an [`OutgoingFrame`] that is written from where it lies, of which the session is handed [the rest](Self::queue_rest)
/// that the socket did not take. Either way it is one frame after the other: half a frame is never followed by another.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::{Sending, Transmit};
///
/// let mut sending = Sending::new("net:2".parse::<Framing>()?);
/// let outgoing = sending.outgoing(b"hello")?;
/// // The socket took four bytes of seven.
/// sending.queue_rest(&outgoing, 4, Duration::ZERO);
/// assert!(matches!(sending.poll(), Transmit::Write(b"llo")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sending<E: Encode> {
    framing: E,
    /// What waits to be written, from `start` on.
    queue: Vec<u8>,
    start: usize,
    /// Where the messages in it end, counted as `accepted` is.
    ends: VecDeque<u64>,
    state: SendState,
    /// All bytes that ever were accepted, and that the socket took.
    accepted: u64,
    written: ByteCount,
    /// So many bytes the stream had taken when it had handed on what it held.
    flushed: u64,
    /// Whether the stream could not hand on all that it had taken when it was to be flushed: it holds the rest itself, as TLS does.
    owes_flush: bool,
    /// All messages that ever were accepted.
    messages: u64,
    /// So many bytes may be queued before there is no room.
    limit: usize,
    /// And so many messages.
    most: usize,
    /// Where the other half learns that the connection failed.
    failed_flag: FailedFlag,
    /// Whether the other side lives, where heartbeats tell.
    liveness: Option<LivenessHandle>,
    /// Where the heartbeat ends that is queued, counted as `accepted` is, and whether it is one of ours, and no answer.
    beat: Option<(u64, bool)>,
    /// Where the other half learns when a message went.
    activity: Option<Activity>,
    /// What tells the connection to end.
    notice: Option<Arc<Notice>>,
    /// What is given back when the last part of the connection is gone.
    held: Option<Arc<dyn Any + Send + Sync>>,
    /// The memory of the queue, where that is counted.
    memory: Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SendState {
    Open,
    /// Nothing more is accepted; when the queue is out, writing is shut down.
    Finishing,
    /// Writing was shut down.
    Finished,
    /// The connection failed.
    Failed,
}

/// So many bytes may be queued before [`Sending::has_room`] says no, unless told otherwise: 64 KiB.
const QUEUE_LIMIT: usize = 64 * 1024;

/// And so many messages: 4096.
const MESSAGE_LIMIT: usize = 4096;

/// What there is to do for the socket.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::{Sending, Transmit};
///
/// let mut sending = Sending::new("net:2".parse::<Framing>()?);
/// sending.queue(b"hi")?;
/// sending.finish();
/// assert_eq!(sending.poll(), Transmit::Write(b"\x00\x02hi"));
/// sending.on_written(4, Duration::ZERO);
/// assert_eq!(sending.poll(), Transmit::ShutDown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Transmit<'a> {
    /// Write these bytes, or as many of them as it takes.
    Write(&'a [u8]),
    /// Shut down writing.
    ShutDown,
    /// Nothing.
    Idle,
    /// Nothing ever again: the connection failed, and what was queued is lost.
    Failed,
}

impl<E: Encode> Sending<E> {
    /// At the start of a connection. It holds no buffer.
    pub fn new(framing: E) -> Self {
        Self::beside(framing, FailedFlag::default())
    }

    /// The same for the sending half of a connection whose other half is to learn of failures.
    pub(super) fn beside(framing: E, failed_flag: FailedFlag) -> Self {
        Self {
            framing,
            queue: Vec::new(),
            start: 0,
            ends: VecDeque::new(),
            state: SendState::Open,
            accepted: 0,
            written: ByteCount::default(),
            flushed: 0,
            owes_flush: false,
            messages: 0,
            limit: QUEUE_LIMIT,
            most: MESSAGE_LIMIT,
            failed_flag,
            liveness: None,
            beat: None,
            activity: None,
            notice: None,
            held: None,
            memory: Held::default(),
        }
    }

    /// Counts the memory of the queue from now on.
    pub fn count_memory(&mut self, memory: Held) {
        self.memory = memory;
        self.on_queued();
    }

    /// Where the memory of this connection is counted.
    pub const fn memory(&self) -> &Held {
        &self.memory
    }

    /// Says how much memory the queue has. To be called when what was queued stays queued: not for what is written at once.
    pub fn on_queued(&mut self) {
        self.memory.set(self.queue.capacity());
    }

    /// The same in a lock; [`settle`](Held::settle) is to be called after that.
    pub fn note_queued(&mut self) {
        self.memory.note(self.queue.capacity());
    }

    pub(super) fn set_lifetime(&mut self, activity: Activity, notice: Option<Arc<Notice>>) {
        (self.activity, self.notice) = (Some(activity), notice);
    }

    /// Keeps something for as long as this half is there.
    pub fn hold(&mut self, held: Arc<dyn Any + Send + Sync>) {
        self.held = Some(held);
    }

    /// So many of the requests that came were answered, since the connection began.
    pub fn on_answered(&self, answered: u64, now: Duration) {
        if let Some(activity) = &self.activity {
            activity.on_answered(answered, now);
        }
    }

    /// Whether the connection was told to end at once.
    #[must_use]
    pub fn told(&self) -> Option<Ending> {
        self.notice.as_ref()?.abrupt()
    }

    /// Whom to wake when it is told to end.
    pub fn wake_when_told(&self, waker: &Waker) {
        if let Some(notice) = &self.notice {
            notice.wake_sender(waker);
        }
    }

    pub(crate) fn set_liveness(&mut self, liveness: Option<LivenessHandle>) {
        self.liveness = liveness;
    }

    /// Where heartbeats are told, if they are.
    #[must_use]
    pub const fn liveness(&self) -> Option<&LivenessHandle> {
        self.liveness.as_ref()
    }

    /// Time has passed, and nobody may be looking at what comes: what only shows that we live is due still. When to ask again.
    pub fn on_time(&mut self, now: Duration) -> Option<Duration> {
        self.liveness.as_ref().and_then(|liveness| liveness.on_time_deaf(now))
    }

    /// Whom to tell when a heartbeat is due.
    pub fn wake(&self, waker: &Waker) {
        if let Some(liveness) = &self.liveness {
            liveness.wake(waker);
        }
    }

    /// Whether a heartbeat is due or not wholly written.
    #[must_use]
    pub fn owes_beat(&self) -> bool {
        self.beat.is_some() || self.liveness.as_ref().is_some_and(LivenessHandle::has_due)
    }

    /// Whether there is anything to write or to flush, or writing is to be shut down.
    pub fn has_output(&self) -> bool {
        self.owes_beat() || self.owes_flush || matches!(self.poll(), Transmit::Write(_) | Transmit::ShutDown)
    }

    /// Whether the stream is to be flushed before anything else is written.
    pub const fn owes_flush(&self) -> bool {
        self.owes_flush
    }

    /// The stream was to be flushed, and was or has to be later.
    pub fn on_flush(&mut self, is_flushed: bool) {
        if self.owes_flush && is_flushed {
            self.flushed = self.written.get();
        }
        self.owes_flush = !is_flushed;
    }

    /// Queues the heartbeat that is due, behind the messages that are queued, unless one waits to be written still. True if there
    /// was one.
    ///
    /// # Errors
    /// When it cannot be sent with this framing.
    #[inline]
    pub fn queue_beat(&mut self) -> Result<bool, SendRefused<E::Error>> {
        match &self.liveness {
            Some(liveness) if self.beat.is_none() && self.state == SendState::Open && liveness.has_due() => {
                self.take_beat()
            }
            _ => Ok(false),
        }
    }

    #[cold]
    fn take_beat(&mut self) -> Result<bool, SendRefused<E::Error>> {
        let Some(liveness) = &self.liveness else { return Ok(false) };
        let Some(beat) = liveness.take_due() else { return Ok(false) };
        let bare;
        let outgoing = match self.outgoing(&beat.payload) {
            // What the peer sent is more than we can: there is no answer to it.
            Err(SendRefused::Encode(_)) if !beat.is_ours => return Ok(false),
            // Perhaps it is the data that does not fit.
            Err(SendRefused::Encode(_)) if liveness.heartbeat().form() == &Form::Numbered => {
                bare = beat.payload.get(..Numbered::HEAD).unwrap_or_default();
                self.outgoing(bare)?
            }
            outgoing => outgoing?,
        };
        let frame_len = outgoing.frame_len();
        let parts = outgoing.parts().concat();
        self.make_room(frame_len);
        self.queue.extend_from_slice(&parts);
        // No message of the application's, so that it is not counted as one.
        self.accepted += frame_len as u64;
        self.beat = Some((self.accepted, beat.is_ours));
        Ok(true)
    }

    /// So many bytes may be queued before [`has_room`](Self::has_room) says no. Defaults to 64 KiB.
    pub const fn limit_queue(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// So many messages may be queued before [`has_room`](Self::has_room) says no. Defaults to 4096.
    pub const fn limit_messages(&mut self, most: usize) {
        self.most = most;
    }

    /// What goes around messages.
    pub const fn framing(&self) -> &E {
        &self.framing
    }

    /// The limit of the queue.
    #[must_use]
    pub const fn queue_limit(&self) -> usize {
        self.limit
    }

    /// Wraps a message to be written from where it lies. Nothing is accepted until
    /// [`queue_rest`](Self::queue_rest).
    ///
    /// # Errors
    /// When it cannot be sent, or no other may follow what went before.
    pub fn outgoing<'p>(&self, payload: &'p [u8]) -> Result<OutgoingFrame<'p>, SendRefused<E::Error>> {
        self.check_open()?;
        let mut outgoing = OutgoingFrame { envelope: Envelope::EMPTY, payload };
        self.framing.wrap(payload, &mut outgoing.envelope).map_err(SendRefused::Encode)?;
        Ok(outgoing)
    }

    /// Accepts a message of which the socket took the first `written` bytes, and queues the rest. Something other than 0
    /// can only be written while nothing is queued.
    pub fn queue_rest(&mut self, outgoing: &OutgoingFrame<'_>, written: usize, now: Duration) -> Ticket {
        let ticket = self.accept(outgoing, written);
        if written > 0 {
            self.touch(now);
            self.count_written(written, now);
        }
        ticket
    }

    /// Queues what is left of a frame after its first `written` bytes.
    #[inline]
    fn accept(&mut self, outgoing: &OutgoingFrame<'_>, written: usize) -> Ticket {
        let frame_len = outgoing.frame_len();
        let ticket = self.count_accepted(frame_len);
        self.make_room(frame_len.saturating_sub(written));
        let mut skip = written;
        for part in outgoing.parts() {
            let rest = part.get(skip.min(part.len())..).unwrap_or_default();
            skip = skip.saturating_sub(part.len());
            append(&mut self.queue, rest);
        }
        if written < frame_len {
            self.ends.push_back(ticket.end);
        }
        if outgoing.envelope.ends_stream {
            self.state = SendState::Finishing;
        }
        ticket
    }

    /// Accepts a message and queues it whole.
    ///
    /// # Errors
    /// As [`outgoing`](Self::outgoing).
    pub fn queue(&mut self, payload: &[u8]) -> Result<Ticket, SendRefused<E::Error>> {
        match self.framing.short_head(payload.len()) {
            Some(head) if self.state == SendState::Open => {
                let head = head.bytes.get(..usize::from(head.len)).unwrap_or_default();
                let frame_len = head.len() + payload.len();
                self.make_room(frame_len);
                self.queue.extend_from_slice(head);
                append(&mut self.queue, payload);
                let ticket = self.count_accepted(frame_len);
                self.ends.push_back(ticket.end);
                Ok(ticket)
            }
            _ => {
                let outgoing = self.outgoing(payload)?;
                Ok(self.accept(&outgoing, 0))
            }
        }
    }

    /// Accepts a frame that was made before, for many connections, and queues it.
    ///
    /// # Errors
    /// When no other message may follow what went before.
    pub fn queue_packed(&mut self, frame: &Packed) -> Result<Ticket, SendRefused<E::Error>> {
        self.check_open()?;
        self.make_room(frame.frame_len());
        append(&mut self.queue, frame.as_ref());
        let ticket = self.count_accepted(frame.frame_len());
        self.ends.push_back(ticket.end);
        if frame.ends_stream {
            self.state = SendState::Finishing;
        }
        Ok(ticket)
    }

    /// Queues bytes that are no message, to be written before the first one.
    pub fn queue_preamble(&mut self, bytes: &[u8]) {
        self.queue.extend_from_slice(bytes);
        self.accepted += bytes.len() as u64;
    }

    /// What there is to do.
    pub fn poll(&self) -> Transmit<'_> {
        match self.queued() {
            _ if self.state == SendState::Failed => Transmit::Failed,
            [] if self.state == SendState::Finishing => Transmit::ShutDown,
            [] => Transmit::Idle,
            bytes => Transmit::Write(bytes),
        }
    }

    /// The socket took `count` of the bytes that [`poll`](Self::poll) offered.
    pub fn on_written(&mut self, count: usize, now: Duration) {
        let count = count.min(self.queued_len());
        self.start += count;
        if !self.ends.is_empty() {
            self.touch(now);
        }
        self.count_written(count, now);
        while self.ends.front().is_some_and(|&end| end <= self.written.get()) {
            self.ends.pop_front();
        }
        if self.is_empty() {
            self.queue = Vec::new();
            self.start = 0;
            self.ends = VecDeque::new();
        }
    }

    /// Writing was shut down.
    pub fn on_shut_down(&mut self) {
        if self.state == SendState::Finishing {
            self.state = SendState::Finished;
        }
    }

    /// The connection failed: nothing more can be written. Where our side had ended in good order, it has.
    pub fn on_failed(&mut self) {
        self.failed_flag.tear();
        if self.state != SendState::Finished {
            self.state = SendState::Failed;
        }
        self.owes_flush = false;
        self.queue = Vec::new();
        self.start = 0;
        self.memory.set(0);
    }

    /// Accepts no more messages, and has writing shut down when the last one is out.
    pub fn finish(&mut self) {
        if self.state == SendState::Open {
            self.state = SendState::Finishing;
            if let Some(liveness) = &self.liveness {
                liveness.on_finished();
            }
        }
    }

    /// Whether our side has ended in good order: everything was written, and writing shut down.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state == SendState::Finished
    }

    /// Whether another message may be queued before some of the queue is written: less than the limits waits, of bytes and of
    /// messages.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queued_len() < self.limit && self.ends.len() < self.most
    }

    /// Whether no more than half of that waits, so that a write was worth its while.
    pub fn is_half_empty(&self) -> bool {
        self.queued_len() <= self.limit / 2 && self.ends.len() <= self.most / 2
    }

    /// Whether nothing waits to be written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.queue.len()
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub const fn queued_len(&self) -> usize {
        self.queue.len() - self.start
    }

    /// What the peer may have seen of a message.
    #[must_use]
    pub fn sent(&self, ticket: Ticket) -> Sent {
        ticket.sent(self.written.get())
    }

    /// Whether the socket took the whole message.
    #[must_use]
    pub fn is_written(&self, ticket: Ticket) -> bool {
        ticket.is_written(self.written.get())
    }

    /// The same, and whether the stream has handed it on.
    pub fn is_out(&self, ticket: Ticket) -> bool {
        self.is_written(ticket) && (!self.owes_flush || ticket.is_written(self.flushed))
    }

    /// How many messages wait to be written, wholly or in part.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.ends.len()
    }

    /// All bytes that the socket ever took, to be watched from elsewhere.
    #[must_use]
    pub fn byte_count(&self) -> ByteCount {
        self.written.clone()
    }

    /// All bytes that ever were accepted: those of the next message come behind them.
    pub const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many messages the socket took whole since the connection began.
    #[must_use]
    pub fn messages_written(&self) -> u64 {
        self.messages - self.ends.len() as u64
    }

    const fn check_open(&self) -> Result<(), SendRefused<E::Error>> {
        match self.state {
            SendState::Open => Ok(()),
            SendState::Finishing | SendState::Finished => Err(SendRefused::Finished),
            SendState::Failed => Err(SendRefused::Failed),
        }
    }

    const fn count_accepted(&mut self, frame_len: usize) -> Ticket {
        let start = self.accepted;
        self.accepted += frame_len as u64;
        self.messages += 1;
        Ticket { start, end: self.accepted }
    }

    fn queued(&self) -> &[u8] {
        self.queue.get(self.start..).unwrap_or_default()
    }

    /// Makes room for one frame at once, so that its bytes are copied once. What was written before is forgotten where
    /// that is most of the queue: one that is never wholly out would grow with all that ever went through it.
    fn make_room(&mut self, count: usize) {
        if self.start > self.queue.len() / 2 {
            self.queue.drain(..self.start);
            self.start = 0;
        }
        self.queue.reserve(count);
    }

    /// Bytes of a message went, and not only of a heartbeat.
    fn touch(&self, now: Duration) {
        if let Some(activity) = &self.activity {
            activity.touch(now);
        }
    }

    /// Sent bytes show the peer that we live.
    #[inline]
    fn count_written(&mut self, count: usize, now: Duration) {
        self.written.add(count);
        if let Some(liveness) = &self.liveness {
            let beat = self.beat.take_if(|(end, _)| *end <= self.written.get());
            liveness.on_sent(now, beat.is_some_and(|(_, is_ours)| is_ours));
        }
    }
}

/// Lengths and states only: card numbers travel in the bytes.
impl<E: Encode + fmt::Debug> fmt::Debug for Sending<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("framing", &self.framing)
            .field("queued_len", &self.queued_len())
            .field("state", &self.state)
            .field("written", &self.written.get())
            .finish_non_exhaustive()
    }
}
