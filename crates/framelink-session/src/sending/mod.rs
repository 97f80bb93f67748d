//! The sending half: messages in, bytes to write out.

mod batch;
mod frame;
mod in_place;
mod queue_memory;
mod ticket;

pub use frame::{OutgoingFrame, Packed};
pub use in_place::Reply;
pub use ticket::{SendRefused, Sent, Ticket};

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Encode, Envelope};
use framelink_heartbeat::{Form, Numbered};
use framelink_template::{Inputs, NumberSource};

use crate::append::append;
use crate::lifetime::{Activity, Ending};
use crate::liveness::LivenessHandle;
use crate::memory::Held;
use crate::shared::{ByteCount, SharedState, Way};

/// The sending half of a session.
///
/// There are two ways to send a message. Either [queue](Self::queue) it, and write what [`poll`](Self::poll) returns.
/// Or, if nothing is queued, write an [`OutgoingFrame`] from where the payload lies, and [queue the
/// rest](Self::queue_rest) that the socket did not take. Either way, frames are written one after the other, and each
/// is completed before the next begins.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::{Sending, Transmit};
///
/// let mut sending = Sending::new("net:2".parse::<Framing>()?);
/// let outgoing = sending.outgoing(b"hello")?;
/// // The socket took four of seven bytes.
/// sending.queue_rest(&outgoing, 4, Duration::ZERO);
/// assert!(matches!(sending.poll(), Transmit::Write(b"llo")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sending<E: Encode> {
    framing: E,
    /// The bytes to write, from `start` on.
    queue: Vec<u8>,
    start: usize,
    /// Where each queued message ends, counted like `accepted`.
    ends: Vec<u64>,
    /// All bytes accepted.
    accepted: u64,
    /// Counts the bytes that the socket took, and tells the other half that the connection failed.
    shared: Arc<SharedState>,
    /// The number of messages accepted.
    messages: u64,
    /// The most bytes in the queue before `has_room` returns false.
    limit: usize,
    /// The most messages in the queue before `has_room` returns false.
    most: u32,
    state: SendState,
    /// Whether the stream still holds bytes that it could not flush, as TLS does.
    owes_flush: bool,
    /// Whether the queued heartbeat is one of this side and not an answer.
    beat_is_ours: bool,
    liveness: Option<LivenessHandle>,
    /// Where the queued heartbeat ends, counted like `accepted`.
    beat: Option<NonZeroU64>,
    /// Tells the other half when a message was written, and has the notice.
    activity: Option<Activity>,
    /// The counted memory of the queue.
    memory: Held,
    /// The length of the last head that was filled in after its payload.
    head_len: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SendState {
    Open,
    /// No more messages are accepted. Writing is shut down when the queue is empty.
    Finishing,
    Finished,
    Failed,
}

/// The default limit of the queue in bytes: 64 KiB.
const QUEUE_LIMIT: usize = 64 * 1024;

/// The default limit of the queue in messages: 4096.
const MESSAGE_LIMIT: u32 = 4096;

/// What the socket has to do.
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
    /// Write these bytes, or as many of them as the socket takes.
    Write(&'a [u8]),
    /// Shut down writing.
    ShutDown,
    /// There is nothing to do.
    Idle,
    /// The connection failed. Queued bytes are lost, and nothing can be written any more.
    Failed,
}

impl<E: Encode> Sending<E> {
    /// Creates the sending half of a new connection. It holds no buffer yet.
    pub fn new(framing: E) -> Self {
        Self::beside(framing, Arc::default())
    }

    /// Creates a sending half that reports failures to the other half.
    pub(super) fn beside(framing: E, shared: Arc<SharedState>) -> Self {
        Self {
            framing,
            queue: Vec::new(),
            start: 0,
            ends: Vec::new(),
            state: SendState::Open,
            accepted: 0,
            shared,
            owes_flush: false,
            messages: 0,
            limit: QUEUE_LIMIT,
            most: MESSAGE_LIMIT,
            liveness: None,
            beat: None,
            beat_is_ours: false,
            activity: None,
            memory: Held::default(),
            head_len: 0,
        }
    }

    /// Counts the memory of the queue from now on.
    pub fn count_memory(&mut self, memory: Held) {
        self.memory = memory;
        self.on_queued();
    }

    /// Returns the memory account of the connection.
    pub const fn memory(&self) -> &Held {
        &self.memory
    }

    /// Updates the counted memory of the queue. Call this if bytes stay queued, not if they are written at once.
    #[inline]
    pub fn on_queued(&mut self) {
        self.memory.set(self.queue.capacity());
    }

    /// Like [`on_queued`](Self::on_queued), inside a lock. Call [`settle`](Held::settle) after the lock is released.
    pub fn note_queued(&mut self) {
        self.memory.note(self.queue.capacity());
    }

    pub(super) fn set_lifetime(&mut self, activity: Activity) {
        self.activity = Some(activity);
    }

    /// Records that requests were taken which the receiving half did not [count](crate::Receiving::take_requests).
    pub fn on_taken(&self, count: u64) {
        if let Some(activity) = &self.activity {
            activity.on_taken(count);
        }
    }

    /// Records how many of the received requests were answered since the connection began.
    pub fn on_answered(&self, answered: u64, now: Duration) {
        if let Some(activity) = &self.activity {
            activity.on_answered(answered, now);
        }
    }

    /// Returns why the connection must end at once, if it was told so.
    #[must_use]
    pub fn told(&self) -> Option<Ending> {
        self.activity.as_ref()?.notice()?.abrupt()
    }

    /// Sets the waker that is woken when the notice changes.
    pub fn wake_when_told(&self, waker: &Waker) {
        if let Some(notice) = self.activity.as_ref().and_then(Activity::notice) {
            notice.wake_sender(waker);
        }
    }

    pub(crate) fn set_liveness(&mut self, liveness: Option<LivenessHandle>) {
        self.liveness = liveness;
    }

    /// Returns the liveness of the connection, if it has heartbeats.
    #[must_use]
    pub const fn liveness(&self) -> Option<&LivenessHandle> {
        self.liveness.as_ref()
    }

    /// Checks for a due heartbeat when the receiving half may not be polled. Only heartbeats that show our own life are
    /// sent. Returns when to call this again.
    pub fn on_time(&mut self, now: Duration) -> Option<Duration> {
        self.liveness.as_ref().and_then(|liveness| liveness.on_time_unread(now))
    }

    /// Sets the waker that is woken when a heartbeat is due.
    pub fn wake(&self, waker: &Waker) {
        if let Some(liveness) = &self.liveness {
            liveness.wake(waker);
        }
    }

    /// Returns whether a heartbeat is due or not completely written.
    #[must_use]
    pub fn owes_beat(&self) -> bool {
        self.beat.is_some() || self.liveness.as_ref().is_some_and(LivenessHandle::has_due)
    }

    /// Returns whether there is anything to write or to flush, or writing must be shut down.
    pub fn has_output(&self) -> bool {
        self.owes_beat() || self.owes_flush || matches!(self.poll(), Transmit::Write(_) | Transmit::ShutDown)
    }

    /// Returns whether the stream must be flushed before anything else is written.
    pub const fn owes_flush(&self) -> bool {
        self.owes_flush
    }

    /// Records whether a flush succeeded or must be repeated.
    pub fn on_flush(&mut self, is_flushed: bool) {
        if self.owes_flush && is_flushed {
            self.shared.set_flushed(self.written());
        }
        self.owes_flush = !is_flushed;
    }

    /// Queues the due heartbeat behind the messages, unless another heartbeat is queued. Returns whether it did. `inputs` is
    /// called for a heartbeat that is composed from a template; with sockets it calls [`Inputs::system`].
    ///
    /// # Errors
    /// Returns an error if the heartbeat cannot be composed, or the framing cannot encode it.
    #[inline]
    pub fn queue_beat(
        &mut self,
        inputs: impl for<'n> FnOnce(&'n dyn NumberSource) -> Inputs<'n>,
    ) -> Result<bool, SendRefused<E::Error>> {
        match &self.liveness {
            Some(liveness) if self.beat.is_none() && self.state == SendState::Open && liveness.has_due() => {
                self.take_beat(inputs)
            }
            _ => Ok(false),
        }
    }

    #[cold]
    fn take_beat(
        &mut self,
        inputs: impl for<'n> FnOnce(&'n dyn NumberSource) -> Inputs<'n>,
    ) -> Result<bool, SendRefused<E::Error>> {
        let Some(liveness) = &self.liveness else { return Ok(false) };
        let beat = liveness.take_due(inputs).map_err(|_| SendRefused::NotComposed)?;
        let Some(beat) = beat else { return Ok(false) };
        let bare;
        let outgoing = match self.outgoing(&beat.payload) {
            // The peer's probe carries more than this framing can send back, so there is no answer.
            Err(SendRefused::Encode(_)) if !beat.is_ours => return Ok(false),
            // The data may be what does not fit.
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
        // Not counted as a message of the application.
        self.accepted += frame_len as u64;
        (self.beat, self.beat_is_ours) = (NonZeroU64::new(self.accepted), beat.is_ours);
        Ok(true)
    }

    /// Sets how many bytes may be queued before [`has_room`](Self::has_room) returns false. Defaults to 64 KiB.
    pub const fn limit_queue(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Sets how many messages may be queued before [`has_room`](Self::has_room) returns false. Defaults to 4096.
    pub fn limit_messages(&mut self, most: usize) {
        self.most = u32::try_from(most).unwrap_or(u32::MAX);
    }

    /// Returns the framing.
    pub const fn framing(&self) -> &E {
        &self.framing
    }

    /// Returns the limit of the queue in bytes.
    #[must_use]
    pub const fn queue_limit(&self) -> usize {
        self.limit
    }

    /// Wraps a message to write it from where it lies. The message is accepted by [`queue_rest`](Self::queue_rest).
    ///
    /// # Errors
    /// Returns an error if the framing cannot encode the message, or if no message may follow the earlier ones.
    pub fn outgoing<'p>(&self, payload: &'p [u8]) -> Result<OutgoingFrame<'p>, SendRefused<E::Error>> {
        self.check_open()?;
        let mut outgoing = OutgoingFrame { envelope: Envelope::EMPTY, payload };
        self.framing.wrap(payload, &mut outgoing.envelope).map_err(SendRefused::Encode)?;
        Ok(outgoing)
    }

    /// Accepts a message and queues it without its first `written` bytes, which the socket took: 0 unless the queue is
    /// empty.
    pub fn queue_rest(&mut self, outgoing: &OutgoingFrame<'_>, written: usize, now: Duration) -> Ticket {
        let ticket = self.accept(outgoing, written);
        if written > 0 {
            self.touch(now);
            self.count_written(written, now);
        }
        ticket
    }

    /// Queues the rest of a frame after its first `written` bytes.
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
            self.ends.push(ticket.end);
        }
        if outgoing.envelope.ends_stream {
            self.state = SendState::Finishing;
        }
        ticket
    }

    /// Accepts a message and queues all of it.
    ///
    /// # Errors
    /// Returns the errors of [`outgoing`](Self::outgoing).
    #[inline(always)] // A call with a result in memory takes as long as the rest.
    pub fn queue(&mut self, payload: &[u8]) -> Result<Ticket, SendRefused<E::Error>> {
        match self.framing.short_head(payload.len()) {
            Some(head) if self.state == SendState::Open => {
                let head_len = usize::from(head.len);
                let frame_len = head_len + payload.len();
                self.make_room(head.bytes.len() + payload.len());
                // Eight bytes are copied faster than a number of bytes that the compiler does not know.
                let payload_at = self.queue.len() + head_len;
                self.queue.extend_from_slice(&head.bytes);
                self.queue.truncate(payload_at);
                append(&mut self.queue, payload);
                let ticket = self.count_accepted(frame_len);
                self.ends.push(ticket.end);
                Ok(ticket)
            }
            _ => self.queue_wrapped(payload),
        }
    }

    #[inline(never)] // so that `queue` is short
    fn queue_wrapped(&mut self, payload: &[u8]) -> Result<Ticket, SendRefused<E::Error>> {
        let outgoing = self.outgoing(payload)?;
        Ok(self.accept(&outgoing, 0))
    }

    /// Accepts and queues a frame that was packed for many connections.
    ///
    /// # Errors
    /// Returns an error if no message may follow the earlier ones.
    pub fn queue_packed(&mut self, frame: &Packed) -> Result<Ticket, SendRefused<E::Error>> {
        self.check_open()?;
        self.make_room(frame.frame_len());
        append(&mut self.queue, frame.as_ref());
        let ticket = self.count_accepted(frame.frame_len());
        self.ends.push(ticket.end);
        if frame.ends_stream {
            self.state = SendState::Finishing;
        }
        Ok(ticket)
    }

    /// Queues bytes that are not a message, to be written before the first message.
    pub fn queue_preamble(&mut self, bytes: &[u8]) {
        self.queue.extend_from_slice(bytes);
        self.accepted += bytes.len() as u64;
    }

    /// Returns what the socket has to do.
    pub fn poll(&self) -> Transmit<'_> {
        match self.queued() {
            _ if self.state == SendState::Failed => Transmit::Failed,
            [] if self.state == SendState::Finishing => Transmit::ShutDown,
            [] => Transmit::Idle,
            bytes => Transmit::Write(bytes),
        }
    }

    /// Records that the socket took `count` of the bytes that [`poll`](Self::poll) returned.
    pub fn on_written(&mut self, count: usize, now: Duration) {
        let count = count.min(self.queued_len());
        self.start += count;
        if !self.ends.is_empty() {
            self.touch(now);
        }
        self.count_written(count, now);
        if self.is_empty() {
            self.give_up_memory();
            return;
        }
        let written = self.written();
        let count = self.ends.partition_point(|&end| end <= written);
        self.ends.drain(..count);
    }

    /// Returns whether the time matters that is passed when bytes were written, so that the clock must be read.
    #[inline]
    #[must_use]
    pub const fn wants_time(&self) -> bool {
        self.activity.is_some() || self.liveness.is_some()
    }

    /// Records that writing was shut down.
    pub fn on_shut_down(&mut self) {
        if self.state == SendState::Finishing {
            self.state = SendState::Finished;
        }
    }

    /// Records that the connection failed. If this side had already ended cleanly, it stays finished.
    pub fn on_failed(&mut self) {
        self.shared.set_failed();
        if self.state != SendState::Finished {
            self.state = SendState::Failed;
        }
        self.owes_flush = false;
        self.queue = Vec::new();
        self.start = 0;
        self.memory.set(0);
    }

    /// Ends this side: no more messages are accepted, and writing is shut down when the queue is empty.
    pub fn finish(&mut self) {
        if self.state == SendState::Open {
            self.state = SendState::Finishing;
            if let Some(liveness) = &self.liveness {
                liveness.on_finished();
            }
        }
    }

    /// Returns whether this side ended cleanly: everything was written, and writing is shut down.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state == SendState::Finished
    }

    /// Returns whether another message may be queued now: the queue is below both limits.
    #[inline]
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queued_len() < self.limit && self.ends.len() < self.most as usize
    }

    /// Returns how many more messages may be queued before [`has_room`](Self::has_room) returns false.
    #[must_use]
    pub const fn messages_left(&self) -> usize {
        (self.most as usize).saturating_sub(self.ends.len())
    }

    /// Returns whether the queue is at most half full, so that a write was worthwhile.
    pub fn is_half_empty(&self) -> bool {
        self.queued_len() <= self.limit / 2 && self.ends.len() <= self.most as usize / 2
    }

    /// Returns whether no byte waits to be written.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.queue.len()
    }

    /// Returns how many bytes wait to be written.
    #[inline]
    #[must_use]
    pub const fn queued_len(&self) -> usize {
        self.queue.len() - self.start
    }

    /// Returns what the peer may have seen of a message.
    #[must_use]
    pub fn sent(&self, ticket: Ticket) -> Sent {
        ticket.sent(self.written())
    }

    /// Returns whether the socket took the whole message.
    #[must_use]
    pub fn is_written(&self, ticket: Ticket) -> bool {
        ticket.is_written(self.written())
    }

    /// Returns whether the socket took the whole message and the stream flushed it.
    pub fn is_out(&self, ticket: Ticket) -> bool {
        self.is_written(ticket) && (!self.owes_flush || ticket.is_written(self.shared.flushed()))
    }

    /// Returns how many messages wait to be written, wholly or in part.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.ends.len()
    }

    /// Returns a counter of all bytes that the socket took, which others can watch.
    #[must_use]
    pub fn byte_count(&self) -> ByteCount {
        self.shared.watch(Way::Sent)
    }

    /// Returns how many bytes were accepted. The next message begins at this position.
    pub const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns how many messages the socket took completely since the connection began.
    #[must_use]
    pub fn messages_written(&self) -> u64 {
        self.messages - self.ends.len() as u64
    }

    #[inline]
    fn written(&self) -> u64 {
        self.shared.count(Way::Sent)
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

    /// Records that bytes of a message were written, and not only of a heartbeat.
    fn touch(&self, now: Duration) {
        if let Some(activity) = &self.activity {
            activity.touch(now);
        }
    }

    /// Written bytes show the peer that this side lives.
    #[inline]
    fn count_written(&mut self, count: usize, now: Duration) {
        self.shared.add(Way::Sent, count);
        if let Some(liveness) = &self.liveness {
            let written = self.shared.count(Way::Sent);
            let beat = self.beat.take_if(|end| end.get() <= written);
            liveness.on_sent(now, beat.is_some() && self.beat_is_ours);
        }
    }
}

/// Shows lengths and states only, because payloads may contain card numbers.
impl<E: Encode + fmt::Debug> fmt::Debug for Sending<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("framing", &self.framing)
            .field("queued_len", &self.queued_len())
            .field("state", &self.state)
            .field("written", &self.written())
            .finish_non_exhaustive()
    }
}
