//! The receiving half: bytes in, messages out.

mod empties;
mod ending;
mod limits;
mod opening;
mod proxy_header;
mod room;
mod unfinished;
mod unread;

pub use opening::WrongPreamble;
pub use proxy_header::ProxyHeader;
pub use unfinished::{Part, Unfinished};
pub use unread::OnUnread;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use framelink_codec::{Codec, Decode, Decoded, End, Ends, Fault, Frame, Need, ReadBuffer};

use self::empties::Empties;
use self::limits::Limits;
use self::opening::Opening;
use self::proxy_header::Watching;
use self::room::Room;
use crate::append::append;
use crate::lifetime::Lifetime;
use crate::liveness::LivenessHandle;
use crate::message::Message;
use crate::shared::{ByteCount, FailedFlag};

/// The receiving half of a session.
///
/// Ask [`poll`](Self::poll) until it says [`Received::Wait`]. Then read once into [`space`](Self::space) and say what
/// came: [`on_read`](Self::on_read), [`on_closed`](Self::on_closed), or, when nothing came until the deadline,
/// [`on_deadline`](Self::on_deadline). Read first and look at the clock then: what has arrived counts.
///
/// ```
/// use std::time::Duration;
/// use framelink_codec::EndedBy;
/// use framelink_profile::Framing;
/// use framelink_session::{Receiving, Received};
///
/// let mut receiving = Receiving::new("quiet:50ms".parse::<Framing>()?);
/// receiving.space()[..2].copy_from_slice(b"hi");
/// receiving.on_read(2, Duration::from_millis(10));
/// assert!(matches!(receiving.poll()?, Received::Wait { until: Some(at) } if at == Duration::from_millis(60)));
/// receiving.on_deadline(Duration::from_millis(60));
/// assert!(matches!(receiving.poll()?, Received::Message(m) if &m[..] == b"hi" && m.ended_by() == EndedBy::Quiet));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiving<D: Decode> {
    codec: Codec<D>,
    buffer: ReadBuffer,
    /// What has to come before the first message.
    opening: Option<Opening>,
    /// How long what is to come may take.
    limits: Limits,
    /// When the first byte of the message that is unfinished came.
    begun_at: Option<Duration>,
    /// Whether a message was delivered, and the application has not asked for the next one yet.
    is_away: bool,
    /// When bytes came last.
    heard_at: Duration,
    /// All bytes that ever came.
    count: ByteCount,
    /// All messages that were ever delivered.
    messages: u64,
    /// Why no more bytes come for now; said of what waits in the buffer.
    end: Option<End>,
    /// What the message that is unfinished needs.
    need: Option<Need>,
    /// Whether the other half has seen the connection fail.
    failed_flag: FailedFlag,
    /// Whether the other side lives, where heartbeats tell.
    liveness: Option<LivenessHandle>,
    /// The driver was told that a heartbeat is due.
    has_told_beat: bool,
    messages_are: Messages,
    /// For how long the connection may stay.
    lifetime: Option<Box<Lifetime>>,
    /// Where empty messages are limited.
    empties: Option<Empties>,
    /// All frames that ever came.
    frames: u64,
    /// Is given each whole message that is dropped without having been received.
    unread: Option<OnUnread>,
    /// What is given back when the last part of the connection is gone.
    held: Option<Arc<dyn Any + Send + Sync>>,
    /// The memory of the buffer, where that is counted.
    room: Room,
}

/// What the messages are to this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Messages {
    /// Messages, of which none is counted.
    Plain,
    /// Requests, each counted until it is answered.
    Requests,
    /// The same, and each is answered before the next: heartbeats wait until then.
    RequestsInTurn,
}

/// What came of what was received. Complete by nature.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::{Received, Receiving};
///
/// // 0x00 0x02 | 'h' 'i' | 0x00 …
/// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
/// receiving.on_bytes(b"\x00\x02hi\x00", Duration::ZERO);
/// assert!(matches!(receiving.poll()?, Received::Message(message) if &message[..] == b"hi"));
/// assert!(matches!(receiving.poll()?, Received::Wait { until: None }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub enum Received {
    /// A message.
    Message(Message),
    /// The peer closed its side between two messages; nothing comes any more.
    Closed,
    /// No whole message is there. More has to be read, and if nothing comes until then, the session wants to know.
    Wait {
        /// The deadline, if silence means something.
        until: Option<Duration>,
    },
}

impl<D: Decode> Receiving<D> {
    /// At the start of a connection. It holds no buffer.
    pub fn new(framing: D) -> Self {
        Self {
            codec: Codec::new(framing),
            buffer: ReadBuffer::new(),
            opening: None,
            limits: Limits::default(),
            begun_at: None,
            is_away: false,
            heard_at: Duration::ZERO,
            count: ByteCount::default(),
            messages: 0,
            end: None,
            need: None,
            failed_flag: FailedFlag::default(),
            liveness: None,
            has_told_beat: false,
            messages_are: Messages::Plain,
            lifetime: None,
            empties: None,
            frames: 0,
            unread: None,
            held: None,
            room: Room::default(),
        }
    }

    /// Keeps something for as long as this half is there.
    pub fn hold(&mut self, held: Arc<dyn Any + Send + Sync>) {
        self.held = Some(held);
    }

    /// Messages are requests from now on, each counted until it is answered; or not any more.
    pub const fn take_requests(&mut self, yes: bool) {
        self.messages_are = match self.messages_are {
            _ if !yes => Messages::Plain,
            Messages::Plain | Messages::Requests => Messages::Requests,
            Messages::RequestsInTurn => Messages::RequestsInTurn,
        };
    }

    /// So many empty messages may come a second, heartbeats among them. Defaults to any number.
    pub const fn limit_empty(&mut self, most: u32) {
        match &mut self.empties {
            Some(empties) if empties.is_flooded() => {}
            empties => *empties = Some(Empties::new(most)),
        }
    }

    /// The limit for empty messages, once more came. No message comes any more.
    #[must_use]
    pub fn flooded(&self) -> Option<u32> {
        self.empties.filter(Empties::is_flooded).map(|empties| empties.most)
    }

    pub(super) fn failed_flag(&self) -> FailedFlag {
        self.failed_flag.clone()
    }

    /// Whether the connection failed while something was sent: the end that a read meets then is none in good order.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed_flag.has_failed()
    }

    /// The application asks for the next message. What has begun of that message may take its time from now on: nothing was read while the last
    /// message was dealt with, so the sender may have had to wait.
    pub fn on_asked(&mut self, now: Duration) {
        if !std::mem::take(&mut self.is_away) {
            return;
        }
        if self.begun_at.is_some() {
            self.begun_at = Some(now);
        }
        if let Some(liveness) = &self.liveness {
            liveness.back(self.heard_at, now);
        }
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.activity().touch(now);
        }
        if let Some(empties) = &mut self.empties {
            empties.on_unread(now.saturating_sub(self.heard_at));
        }
    }

    /// Whether [`on_asked`](Self::on_asked) has anything to say, so that the clock is worth a look.
    #[must_use]
    pub const fn wants_asking(&self) -> bool {
        self.is_away
            && (self.liveness.is_some()
                || self.lifetime.is_some()
                || self.empties.is_some()
                || (self.limits.frame.is_some() && self.begun_at.is_some()))
    }

    /// Where the next read puts its bytes, never empty. The memory is there from this call until
    /// [`release`](Self::release).
    pub fn space(&mut self) -> &mut [u8] {
        if self.buffer.is_small() {
            self.buffer.reuse(room::take_spare());
        }
        match self.codec.framing().ends() {
            Ends::Read(size) => self.buffer.space_of(size),
            _ => self.buffer.space_for(self.need.map_or(0, |need| need.missing)),
        }
    }

    /// A read has put `count` bytes, more than 0, into the space.
    pub fn on_read(&mut self, count: usize, now: Duration) {
        self.buffer.filled(count);
        self.heard(count, now);
    }

    /// Bytes have come from elsewhere, as one read would have brought them.
    pub fn on_bytes(&mut self, bytes: &[u8], now: Duration) {
        self.buffer.extend(bytes);
        self.heard(bytes.len(), now);
    }

    /// All bytes that ever came, to be watched from elsewhere.
    #[must_use]
    pub fn byte_count(&self) -> ByteCount {
        self.count.clone()
    }

    /// The peer has closed its side.
    pub const fn on_closed(&mut self) {
        self.end = Some(End::Closed);
    }

    /// Nothing came until `now`. Changes nothing before the deadline that [`Received::Wait`] or
    /// [`kept_until`](Self::kept_until) named.
    pub fn on_deadline(&mut self, now: Duration) {
        if self.end.is_none() && self.deadline().is_some_and(|at| at <= now) {
            self.end = Some(End::Quiet);
        }
        if self.kept_until().is_some_and(|at| at <= now)
            && let Some(Opening { watch: Some(watch), .. }) = &mut self.opening
        {
            watch.state = Watching::LetGo;
        }
    }

    /// The next message, if it is there.
    ///
    /// # Errors
    /// When the bytes are no frame, or the peer closed inside one; the same for ever after.
    #[inline]
    pub fn poll(&mut self) -> Result<Received, Fault<D::Error>> {
        loop {
            if self.is_flooded() {
                return Ok(Received::Wait { until: None });
            }
            if self.buffer.is_empty() {
                return match self.codec.fault() {
                    Some(fault) => Err(fault),
                    None => Ok(self.without_bytes()),
                };
            }
            match self.codec.cut(self.buffer.as_ref(), self.end)? {
                Decoded::Frame(frame) => {
                    self.need = None;
                    self.frames += 1;
                    if frame.payload_len() == 0 && self.empties.is_some() && self.is_one_too_many() {
                        continue;
                    }
                    let message = if self.is_heartbeat(&frame) { None } else { Some(self.take(&frame)) };
                    // What is left came with the last read, and belongs to the next one.
                    self.begun_at = (!self.buffer.is_empty()).then_some(self.heard_at);
                    if let Some(message) = message {
                        self.limits.on_message();
                        self.is_away = true;
                        self.on_taken();
                        self.messages += 1;
                        if self.messages_are == Messages::RequestsInTurn {
                            self.hold_heartbeats();
                        }
                        return Ok(Received::Message(message));
                    }
                }
                Decoded::Incomplete(need) => {
                    self.need = Some(need);
                    return Ok(Received::Wait { until: self.deadline() });
                }
            }
        }
    }

    /// Takes the heartbeats that came before the next message. True if that message has come, or may end with a silence: it stays for
    /// [`poll`](Self::poll), and nothing is to be read behind it.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn take_heartbeats(&mut self) -> Result<bool, Fault<D::Error>> {
        while !self.buffer.is_empty() && !self.is_flooded() {
            match self.codec.cut(self.buffer.as_ref(), self.end)? {
                Decoded::Frame(frame) if self.is_heartbeat(&frame) => {
                    self.need = None;
                    self.frames += 1;
                    self.begun_at = (!self.buffer.is_empty()).then_some(self.heard_at);
                    if frame.payload_len() == 0 && self.empties.is_some() {
                        self.is_one_too_many();
                    }
                }
                Decoded::Frame(_) => return Ok(true),
                Decoded::Incomplete(need) => {
                    self.need = Some(need);
                    return Ok(self.deadline().is_some());
                }
            }
        }
        Ok(false)
    }

    /// Another empty message came.
    #[cold]
    fn is_one_too_many(&mut self) -> bool {
        if let Some(empties) = &mut self.empties {
            empties.take(self.heard_at);
        }
        self.is_flooded()
    }

    #[inline]
    fn is_flooded(&self) -> bool {
        self.empties.as_ref().is_some_and(Empties::is_flooded)
    }

    /// A message came, and may be a request.
    fn on_taken(&mut self) {
        if let Some(lifetime) = &mut self.lifetime {
            let activity = lifetime.activity();
            activity.touch(self.heard_at);
            if self.messages_are != Messages::Plain {
                activity.on_taken();
            }
        }
    }

    /// Whether a frame is a heartbeat, which is for us and not for the application.
    #[inline]
    fn is_heartbeat(&mut self, frame: &Frame) -> bool {
        let Some(liveness) = &self.liveness else { return false };
        let is_heartbeat = liveness.takes(frame.payload(self.buffer.as_ref()), self.heard_at);
        if is_heartbeat {
            self.buffer.take(frame.frame_len);
        }
        is_heartbeat
    }

    /// Gives the buffer back if nothing waits in it, or next to nothing. For when there is nothing to read: an idle connection holds none.
    pub fn release(&mut self) {
        if self.buffer.capacity() > 0 {
            room::keep_spare(self.buffer.release_memory());
        }
    }

    /// Whether the peer has closed its side, be it that messages from before that are still to be taken.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.end, Some(End::Closed))
    }

    /// How many messages were delivered since the connection began.
    #[must_use]
    pub const fn messages_received(&self) -> u64 {
        self.messages
    }

    /// How many frames came since then, heartbeats among them.
    pub const fn frames_received(&self) -> u64 {
        self.frames
    }

    /// Whether a message has begun to come and is not whole.
    #[must_use]
    pub const fn is_inside_message(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// What is known of the message that is unfinished, for the report of a wait that took too long.
    #[must_use]
    pub fn unfinished(&self) -> Option<Unfinished> {
        if let Some((came, missing)) = self.opening.as_ref().and_then(|opening| opening.preamble.unfinished()) {
            return Some(Unfinished { came, missing, guess: None, of: Part::Preamble });
        }
        let came = self.buffer.len();
        let missing = self.need.map_or(1, |need| need.missing);
        let guess = || self.codec.guess(self.buffer.as_ref());
        (came > 0).then(|| Unfinished { came, missing, guess: guess(), of: Part::Message })
    }

    /// The same for the report of a limit that is over: also that nothing but heartbeats came.
    pub fn overdue(&self) -> Option<Unfinished> {
        let has_only_beats = self.frames > 0 && self.messages == 0;
        let only_beats = Unfinished { came: 0, missing: 1, guess: None, of: Part::First };
        self.unfinished().or(has_only_beats.then_some(only_beats))
    }

    fn heard(&mut self, count: usize, now: Duration) {
        self.count.add(count);
        self.heard_at = now;
        if let Some(liveness) = &self.liveness {
            liveness.on_heard(now);
        }
        self.begun_at.get_or_insert(now);
        self.end = matches!(self.codec.framing().ends(), Ends::Read(_)).then_some(End::Read);
    }

    fn without_bytes(&mut self) -> Received {
        match self.end {
            Some(End::Closed) => Received::Closed,
            _ => {
                self.end = None;
                Received::Wait { until: None }
            }
        }
    }

    fn deadline(&self) -> Option<Duration> {
        match self.codec.framing().ends() {
            // A silence that ended nothing is over: only bytes are worth waiting for.
            Ends::Quiet(silence) if !self.buffer.is_empty() && self.end.is_none() => {
                Some(self.heard_at.saturating_add(silence))
            }
            _ => None,
        }
    }

    /// Takes the message out: a copy where it is small beside the buffer, which then goes on being used; else the buffer
    /// itself, so that what is large is not copied.
    fn take(&mut self, frame: &Frame) -> Message {
        const SMALL: usize = 128 * 1024;
        if let Some(message) = Message::short(frame.payload(self.buffer.as_ref()), frame.ended_by) {
            self.buffer.take(frame.frame_len);
            return message;
        }
        let payload_len = frame.payload_len();
        let payload = if payload_len < SMALL || payload_len < self.buffer.capacity() / 2 {
            let payload = copy(frame.payload(self.buffer.as_ref()));
            self.buffer.take(frame.frame_len);
            payload
        } else {
            self.hand_over(frame)
        };
        Message::new(payload, frame.ended_by)
    }

    fn hand_over(&mut self, frame: &Frame) -> Bytes {
        let (memory, waiting) = self.buffer.take_all();
        let start = waiting.start;
        self.buffer.extend(memory.get(start + frame.frame_len..waiting.end).unwrap_or_default());
        Bytes::from(memory).slice(start + frame.payload_start..start + frame.payload_end)
    }
}

/// Memory of its own for a payload.
fn copy(payload: &[u8]) -> Bytes {
    let mut copy = Vec::with_capacity(payload.len());
    append(&mut copy, payload);
    Bytes::from(copy)
}

/// Lengths and times only: card numbers travel in the bytes.
impl<D: Decode + fmt::Debug> fmt::Debug for Receiving<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving")
            .field("framing", self.codec.framing())
            .field("buffer", &self.buffer)
            .field("heard_at", &self.heard_at)
            .field("end", &self.end)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
