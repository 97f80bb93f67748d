//! The receiving half: bytes in, messages out.

mod early;
mod empties;
mod ending;
mod extras;
mod forwarding;
mod limits;
mod opening;
mod place;
mod proxy_header;
mod room;
mod unfinished;
mod unread;

pub(crate) use early::EarlyFrame;
pub use opening::WrongPreamble;
pub use place::MessagePlace;
pub use proxy_header::ProxyHeader;
pub use unfinished::{Part, Unfinished};
pub use unread::OnUnread;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Codec, Decode, Decoded, End, Ends, Fault, Frame, ReadBuffer};
use framelink_heartbeat::Moment;

use self::empties::Empties;
use self::extras::Extras;
use self::opening::Expected;
use self::place::Chunk;
use self::proxy_header::{Watch, Watching};
use self::room::Room;
use crate::liveness::LivenessHandle;
use crate::message::Message;
use crate::shared::{ByteCount, SharedState, Way};

/// The receiving half of a session.
///
/// Call [`poll`](Self::poll) until it returns [`Received::Wait`]. Then read once into [`space`](Self::space), and
/// report the result: [`on_read`](Self::on_read), [`on_closed`](Self::on_closed), or [`on_deadline`](Self::on_deadline)
/// if no byte arrived before the deadline. Read before you look at the clock: bytes that have arrived count.
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
    /// When the first byte of the unfinished message was received.
    begun_at: Option<Moment>,
    /// When bytes were received last, as far as the time [is wanted](Self::wants_time).
    pub(super) heard_at: Moment,
    /// Counts the received bytes, and says whether the other half saw the connection fail.
    shared: Arc<SharedState>,
    /// The number of messages delivered.
    messages: u64,
    /// The number of frames received, heartbeats included.
    frames: u64,
    /// At least so many bytes are missing to the unfinished message; 0 if that is unknown.
    missing: usize,
    liveness: Option<LivenessHandle>,
    /// The counted memory of the buffer.
    room: Room,
    /// A copy of bytes that wait for the next messages, until the buffer is released. Boxed, because idle connections
    /// have none.
    chunk: Option<Box<Chunk>>,
    extras: Option<Box<Extras>>,
    /// Why no more bytes are expected for now. Applies to the bytes in the buffer.
    end: Option<End>,
    /// Whether a message was delivered and the application has not asked for the next one yet.
    is_away: bool,
    /// Whether the driver was told that a heartbeat is due.
    has_told_beat: bool,
    messages_are: Messages,
    /// The last byte of `messages` when [`may_read_first`](Self::may_read_first) was asked.
    messages_at_check: u8,
    /// Whether only the framing has to look at the next message: see [`whole_place`](Self::whole_place).
    is_checked: bool,
    /// Looks for a PROXY protocol header, if headers are refused.
    watch: Option<Watch>,
}

/// How messages are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Messages {
    /// Messages are not counted.
    Plain,
    /// Messages are requests, each counted until it is answered.
    Requests,
    /// Like `Requests`, but each is answered before the next: heartbeats wait until then.
    RequestsInTurn,
}

/// What the received bytes contain. The enum is exhaustive.
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
pub enum Received<M = Message> {
    /// A message.
    Message(M),
    /// The peer closed its side between two messages. No more messages follow.
    Closed,
    /// There is no whole message. Read more, and call [`Receiving::on_deadline`] if no byte arrives by then.
    Wait {
        /// The deadline, if silence ends a message.
        until: Option<Duration>,
    },
}

impl<D: Decode> Receiving<D> {
    /// Creates the receiving half of a new connection. It holds no buffer yet.
    pub fn new(framing: D) -> Self {
        Self {
            codec: Codec::new(framing),
            buffer: ReadBuffer::new(),
            begun_at: None,
            heard_at: Moment::START,
            shared: Arc::default(),
            messages: 0,
            frames: 0,
            messages_at_check: 0,
            missing: 0,
            liveness: None,
            room: Room::default(),
            chunk: None,
            extras: None,
            end: None,
            is_away: false,
            has_told_beat: false,
            messages_are: Messages::Plain,
            is_checked: false,
            watch: None,
        }
    }

    /// Sets whether messages are requests, each counted until it is answered.
    pub const fn take_requests(&mut self, yes: bool) {
        self.messages_are = match self.messages_are {
            _ if !yes => Messages::Plain,
            Messages::Plain | Messages::Requests => Messages::Requests,
            Messages::RequestsInTurn => Messages::RequestsInTurn,
        };
        self.is_checked = false;
    }

    /// Limits empty messages per second, heartbeats included. Defaults to no limit.
    pub fn limit_empty(&mut self, most: u32) {
        match &mut self.extras_mut().empties {
            Some(empties) if empties.is_flooded() => {}
            empties => *empties = Some(Empties::new(most)),
        }
    }

    /// Returns the limit of empty messages once it was exceeded. No message is delivered any more.
    #[must_use]
    pub fn flooded(&self) -> Option<u32> {
        self.empties().filter(|empties| empties.is_flooded()).map(|empties| empties.most)
    }

    pub(super) fn shared(&self) -> Arc<SharedState> {
        Arc::clone(&self.shared)
    }

    /// Returns whether the connection failed while sending. If so, an end of stream is not a clean close.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.shared.has_failed()
    }

    /// Records that the application asks for the next message. The time for the part of that message which has already
    /// arrived starts now: nothing was read while the last message was handled, so the sender may have had to wait.
    pub fn on_asked(&mut self, now: Duration) {
        if !std::mem::take(&mut self.is_away) {
            return;
        }
        if self.begun_at.is_some() {
            self.begun_at = Some(Moment::at(now));
        }
        let heard_at = self.heard_at.time();
        if let Some(liveness) = &self.liveness {
            liveness.back(heard_at, now);
        }
        let Some(extras) = &mut self.extras else { return };
        if let Some(lifetime) = &extras.lifetime {
            lifetime.activity().touch(now);
        }
        if let Some(empties) = &mut extras.empties {
            empties.on_unread(now.saturating_sub(heard_at));
        }
    }

    /// Returns whether [`on_asked`](Self::on_asked) has any effect, so that the clock must be read.
    #[must_use]
    pub fn wants_asking(&self) -> bool {
        self.is_away
            && (self.liveness.is_some()
                || self.extras.as_ref().is_some_and(|extras| {
                    extras.lifetime.is_some()
                        || extras.empties.is_some()
                        || (extras.limits.frame.is_some() && self.begun_at.is_some())
                }))
    }

    /// Returns the space for the next read, never empty. The memory is held until [`release`](Self::release).
    pub fn space(&mut self) -> &mut [u8] {
        if self.buffer.is_small() {
            self.buffer.reuse(room::take_spare());
        }
        match self.codec.framing().ends() {
            Ends::Read(size) => self.buffer.space_of(size),
            _ => self.buffer.space_for(self.missing),
        }
    }

    /// Records that a read put `count` bytes, more than 0, into the space.
    pub fn on_read(&mut self, count: usize, now: Duration) {
        self.buffer.filled(count);
        self.heard(count, now);
    }

    /// Adds bytes from elsewhere, as if one read had returned them.
    pub fn on_bytes(&mut self, bytes: &[u8], now: Duration) {
        self.buffer.extend(bytes);
        self.heard(bytes.len(), now);
    }

    /// Returns whether the time matters that is passed when bytes were read, so that the clock must be read.
    #[must_use]
    pub fn wants_time(&self) -> bool {
        self.liveness.is_some()
            || self.extras.is_some()
            || self.watch.is_some()
            || matches!(self.codec.framing().ends(), Ends::Quiet(_))
    }

    /// Returns a counter of all received bytes that others can watch.
    #[must_use]
    pub fn byte_count(&self) -> ByteCount {
        self.shared.watch(Way::Received)
    }

    /// Records that the peer closed its side.
    pub const fn on_closed(&mut self) {
        self.end = Some(End::Closed);
    }

    /// Returns what ends the messages.
    pub fn ends(&self) -> Ends {
        self.codec.framing().ends()
    }

    /// Records that no byte arrived until `now`. Has no effect before the deadline that [`Received::Wait`] or
    /// [`kept_until`](Self::kept_until) named.
    pub fn on_deadline(&mut self, now: Duration) {
        if self.end.is_none() && self.deadline().is_some_and(|at| at <= now) {
            self.end = Some(End::Quiet);
        }
        if self.kept_until().is_some_and(|at| at <= now)
            && let Some(watch) = &mut self.watch
        {
            watch.state = Watching::LetGo;
        }
    }

    /// Returns the next message, if it is whole.
    ///
    /// # Errors
    /// Returns a fault if the bytes are no frame, or the peer closed inside a frame. Later calls return this fault
    /// again.
    #[inline]
    pub fn poll(&mut self) -> Result<Received, Fault<D::Error>> {
        Ok(match self.poll_place()? {
            Received::Message(place) => Received::Message(self.take_at(place)),
            Received::Closed => Received::Closed,
            Received::Wait { until } => Received::Wait { until },
        })
    }

    /// Like [`poll`](Self::poll), but leaves the payload in the read buffer and returns its place. Call
    /// [`message_at`](Self::message_at) to read it there, or [`take_at`](Self::take_at) to take it out, before any
    /// other method that changes the session. Otherwise the message is lost.
    ///
    /// ```
    /// use std::time::Duration;
    /// use framelink_profile::Framing;
    /// use framelink_session::{Received, Receiving};
    ///
    /// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
    /// receiving.on_bytes(b"\x00\x05hello", Duration::ZERO);
    /// let Received::Message(place) = receiving.poll_place()? else { panic!() };
    /// assert_eq!(&receiving.message_at(place)[..], b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns a fault as [`poll`](Self::poll) does.
    pub fn poll_place(&mut self) -> Result<Received<MessagePlace>, Fault<D::Error>> {
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
                    self.missing = 0;
                    self.frames += 1;
                    if self.empties().is_some() && frame.payload_len() == 0 && self.is_one_too_many() {
                        continue;
                    }
                    if self.is_heartbeat(&frame) {
                        self.on_rest();
                        continue;
                    }
                    let place = self.take_frame(&frame);
                    if let Some(extras) = &mut self.extras {
                        extras.limits.on_message();
                    }
                    self.on_taken();
                    if self.messages_are == Messages::RequestsInTurn {
                        self.hold_heartbeats();
                    }
                    self.is_checked = self.is_plain();
                    return Ok(Received::Message(place));
                }
                Decoded::Incomplete(need) => {
                    self.missing = need.missing;
                    return Ok(Received::Wait { until: self.deadline() });
                }
            }
        }
    }

    /// The shortcut of [`poll_place`](Self::poll_place), for messages that only the framing has to look at: on a
    /// connection without heartbeats, limits and a preamble, and otherwise after the first message of a read, because
    /// the limits look at the time, which is that of the read. `None` only means that `poll_place` has to be called, after
    /// [`poll_preamble`](Self::poll_preamble).
    #[inline(always)] // A call with a result in memory takes as long as the rest.
    pub fn whole_place(&mut self) -> Option<MessagePlace> {
        if !self.is_checked {
            return None;
        }
        let frame = self.codec.whole_frame(self.buffer.as_ref())?;
        if frame.payload_len() == 0 {
            // Empty messages may be counted.
            return None;
        }
        self.missing = 0;
        self.frames += 1;
        Some(self.take_frame(&frame))
    }

    /// Takes a frame that is a message.
    #[inline]
    fn take_frame(&mut self, frame: &Frame) -> MessagePlace {
        let place = self.leave(frame);
        self.on_rest();
        self.is_away = true;
        self.messages += 1;
        place
    }

    /// Records that the remaining bytes belong to the next message. They arrived with the last read.
    #[inline]
    fn on_rest(&mut self) {
        self.begun_at = (!self.buffer.is_empty()).then_some(self.heard_at);
    }

    /// Removes the heartbeats before the next message. Returns true if that message is whole, or may end with silence.
    /// The message stays for [`poll`](Self::poll), and nothing must be read behind it.
    ///
    /// # Errors
    /// Returns a fault as [`poll`](Self::poll) does.
    pub fn take_heartbeats(&mut self) -> Result<bool, Fault<D::Error>> {
        while !self.buffer.is_empty() && !self.is_flooded() {
            match self.codec.cut(self.buffer.as_ref(), self.end)? {
                Decoded::Frame(frame) if self.is_heartbeat(&frame) => {
                    self.missing = 0;
                    self.frames += 1;
                    self.on_rest();
                    if frame.payload_len() == 0 && self.empties().is_some() {
                        self.is_one_too_many();
                    }
                }
                Decoded::Frame(_) => return Ok(true),
                Decoded::Incomplete(need) => {
                    self.missing = need.missing;
                    return Ok(self.deadline().is_some());
                }
            }
        }
        Ok(false)
    }

    /// Counts an empty message. Returns whether there was one too many.
    #[cold]
    fn is_one_too_many(&mut self) -> bool {
        if let Some(Extras { empties: Some(empties), .. }) = self.extras.as_deref_mut() {
            empties.take(self.heard_at);
        }
        self.is_flooded()
    }

    #[inline]
    fn is_flooded(&self) -> bool {
        self.empties().is_some_and(Empties::is_flooded)
    }

    /// Records a delivered message, which may be a request.
    fn on_taken(&mut self) {
        if let Some(lifetime) = self.lifetime() {
            let activity = lifetime.activity();
            activity.touch_at(self.heard_at);
            if self.messages_are != Messages::Plain {
                activity.on_taken(1);
            }
        }
    }

    /// Returns whether a frame is a heartbeat, and removes it.
    #[inline]
    fn is_heartbeat(&mut self, frame: &Frame) -> bool {
        let Some(liveness) = &self.liveness else { return false };
        let is_heartbeat = liveness.takes(frame.payload(self.buffer.as_ref()), self.heard_at.time());
        if is_heartbeat {
            self.buffer.take(frame.frame_len);
        }
        is_heartbeat
    }

    /// Frees the buffer if it holds few bytes. Call this when there is nothing to read: an idle connection holds no
    /// buffer.
    pub fn release(&mut self) {
        if self.buffer.has_releasable() {
            self.chunk = None;
            room::keep_spare(self.buffer.release_memory());
        }
    }

    /// Returns whether the peer has closed its side. Messages from before may still be undelivered.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.end, Some(End::Closed))
    }

    /// Returns how many messages were delivered since the connection began.
    #[must_use]
    pub const fn messages_received(&self) -> u64 {
        self.messages
    }

    /// Returns how many frames were received since the connection began, heartbeats included.
    pub const fn frames_received(&self) -> u64 {
        self.frames
    }

    /// The shortcut of [`poll_place`](Self::poll_place) before a read: returns whether there is nothing to return.
    #[inline]
    pub fn awaits_bytes(&self) -> bool {
        self.buffer.is_empty()
            && self.end.is_none()
            && self.has_started()
            && !self.is_flooded()
            && !self.codec.has_failed()
    }

    /// Returns whether a message has begun and is not whole.
    #[must_use]
    pub const fn is_inside_message(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Returns what is known of the unfinished message, to report a wait that took too long.
    #[must_use]
    pub fn unfinished(&self) -> Option<Unfinished> {
        if let Some((came, missing)) = self.preamble().and_then(Expected::unfinished) {
            return Some(Unfinished { came, missing, guess: None, of: Part::Preamble });
        }
        let came = self.buffer.len();
        if let Some(awaited) = self.dialogue().and_then(|dialogue| Unfinished::of_dialogue(dialogue, came)) {
            return Some(awaited);
        }
        let missing = self.missing.max(1);
        let guess = || self.codec.guess(self.buffer.as_ref());
        (came > 0).then(|| Unfinished { came, missing, guess: guess(), of: Part::Message })
    }

    /// Like [`unfinished`](Self::unfinished), but also reports a connection that received only heartbeats.
    pub fn overdue(&self) -> Option<Unfinished> {
        let has_only_beats = self.frames > 0 && self.messages == 0;
        let only_beats = Unfinished { came: 0, missing: 1, guess: None, of: Part::First };
        self.unfinished().or(has_only_beats.then_some(only_beats))
    }

    fn heard(&mut self, count: usize, now: Duration) {
        self.shared.add(Way::Received, count);
        self.heard_at = Moment::at(now);
        if let Some(liveness) = &self.liveness {
            liveness.on_heard(now);
        }
        self.begun_at.get_or_insert(self.heard_at);
        self.is_checked = self.liveness.is_none() && self.extras.is_none() && self.watch.is_none();
        self.end = matches!(self.codec.framing().ends(), Ends::Read(_)).then_some(End::Read);
    }

    fn without_bytes<M>(&mut self) -> Received<M> {
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
            // A silence that ended no message is over. Only bytes are worth waiting for.
            Ends::Quiet(silence) if !self.buffer.is_empty() && self.end.is_none() => {
                Some(self.heard_at.time().saturating_add(silence))
            }
            _ => None,
        }
    }
}

/// Shows lengths and times only, because payloads may contain card numbers.
impl<D: Decode + fmt::Debug> fmt::Debug for Receiving<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving")
            .field("framing", self.codec.framing())
            .field("buffer", &self.buffer)
            .field("heard_at", &self.heard_at)
            .field("end", &self.end)
            .field("lifetime", &self.lifetime())
            .finish_non_exhaustive()
    }
}
