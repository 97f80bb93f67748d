//! The receiving half: bytes in, messages out.

#[cfg(feature = "socket")]
mod room;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use framelink_codec::{Codec, Decode, Decoded, End, Ends, Fault, Frame, Need, ReadBuffer};
use framelink_heartbeat::Verdict;

#[cfg(feature = "blocking")]
use super::Notice;
use super::append::append;
use super::empties::Empties;
use super::memory::Held;
use super::preamble::Expected;
use super::proxy_header::{self, First, Watch};
use super::spare;
use super::tenure::Standing;
use super::torn::Torn;
use super::{ByteCount, Ending, Part, ProxyHeader, Pulse, Stage, Tenure, Unfinished, WrongPreamble};
use crate::Message;

/// The receiving half of a session.
///
/// Ask [`poll`](Self::poll) until it says [`Received::Wait`]. Then read once into [`space`](Self::space) and say what
/// came: [`on_read`](Self::on_read), [`on_closed`](Self::on_closed), or, when nothing came until the deadline,
/// [`on_deadline`](Self::on_deadline). Read first and look at the clock then: what has arrived counts.
///
/// ```
/// use std::time::Duration;
/// use framelink_transport::{EndedBy, Framing, session::{Receiving, Received}};
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
    /// What comes before the first message.
    preamble: Expected,
    /// Nothing but messages can come any more: no preamble is expected, and no header of a proxy.
    is_started: bool,
    /// Where a header of a proxy may come.
    watch: Option<Watch>,
    /// How long the preamble may take, since the start.
    preamble_within: Option<Duration>,
    /// How long the first byte of the first message may take, since the start; and of a peer that has sent a heartbeat.
    first_within: Option<Duration>,
    first_request_within: Option<Duration>,
    /// A heartbeat is as good as a first message.
    is_heartbeat_enough: bool,
    /// The limit that was over when it was looked at, and since when bytes come all the same.
    late_since: Option<(Duration, Duration)>,
    /// How long a message may take from its first byte to its last.
    frame_within: Option<Duration>,
    /// When the first byte of the message that is unfinished came.
    begun_at: Option<Duration>,
    /// Whether a message was delivered, and nobody has asked for the next one yet.
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
    torn: Torn,
    /// Whether the other side lives, where heartbeats tell.
    pulse: Option<Pulse>,
    /// Somebody was told that a heartbeat is due.
    #[cfg_attr(not(feature = "socket"), expect(dead_code))]
    has_told: bool,
    /// Each message is a request that is answered before the next.
    #[cfg_attr(not(feature = "socket"), expect(dead_code))]
    takes_turns: bool,
    /// Each message is a request, and counted until it is answered.
    is_served: bool,
    /// For how long the connection may stay.
    tenure: Option<Box<Tenure>>,
    /// How many empty messages may come, and whether one came too many.
    empties: Option<Empties>,
    is_flooded: bool,
    /// All frames that ever came.
    frames: u64,
    /// Is given each whole message that is dropped without having been received.
    unread: Option<OnUnread>,
    /// What is given back when the last part of the connection is gone.
    held: Option<Arc<dyn Any + Send + Sync>>,
    /// The memory of the buffer, where that is counted, and since when there has been too little.
    #[cfg_attr(not(feature = "socket"), expect(dead_code))]
    memory: Held,
    #[cfg_attr(not(feature = "socket"), expect(dead_code))]
    starved_since: Option<Duration>,
}

/// Is given the messages that no operation receives.
pub(crate) type OnUnread = Arc<dyn Fn(Message) + Send + Sync>;

/// What came of what was received.
///
/// ```
/// use std::time::Duration;
/// use framelink_transport::{Framing, session::{Received, Receiving}};
///
/// // 0x00 0x02 | 'h' 'i' | 0x00 …
/// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
/// receiving.on_bytes(b"\x00\x02hi\x00", Duration::ZERO);
/// assert!(matches!(receiving.poll()?, Received::Message(message) if &message[..] == b"hi"));
/// assert!(matches!(receiving.poll()?, Received::Wait { until: None }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
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
        let codec = Codec::new(framing);
        let count = ByteCount::default();
        let (buffer, preamble, heard_at) = (ReadBuffer::new(), Expected::none(), Duration::ZERO);
        Self {
            codec,
            buffer,
            preamble,
            is_started: true,
            watch: None,
            preamble_within: None,
            first_within: None,
            first_request_within: None,
            is_heartbeat_enough: false,
            late_since: None,
            frame_within: None,
            begun_at: None,
            is_away: false,
            heard_at,
            count,
            messages: 0,
            end: None,
            need: None,
            torn: Torn::default(),
            pulse: None,
            has_told: false,
            takes_turns: false,
            is_served: false,
            tenure: None,
            empties: None,
            is_flooded: false,
            frames: 0,
            unread: None,
            held: None,
            memory: Held::default(),
            starved_since: None,
        }
    }

    pub(super) fn set_tenure(&mut self, tenure: Tenure) {
        self.tenure = Some(Box::new(tenure));
    }

    /// Says who is given the messages that no operation receives.
    #[cfg_attr(not(feature = "socket"), expect(dead_code))]
    pub(crate) fn set_unread(&mut self, unread: Option<OnUnread>) {
        self.unread = unread;
    }

    /// Whether someone is given them.
    #[cfg(feature = "socket")]
    pub(crate) const fn has_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// A message was taken out that no operation returns.
    #[cfg(feature = "socket")]
    pub(crate) fn on_unread(&self, message: Message) {
        if let Some(unread) = &self.unread {
            give(unread, message);
        }
    }

    /// Hands over the whole messages that wait.
    pub(crate) fn give_unread(&mut self) {
        let Some(unread) = &self.unread else { return };
        let unread = Arc::clone(unread);
        if !matches!(self.poll_preamble(), Ok(true)) {
            return;
        }
        while let Ok(Received::Message(message)) = self.poll() {
            give(&unread, message);
        }
    }

    /// Keeps something for as long as this half is there.
    #[cfg_attr(not(feature = "socket"), expect(dead_code))]
    pub(crate) fn hold(&mut self, held: Arc<dyn Any + Send + Sync>) {
        self.held = Some(held);
    }

    /// Messages are requests from now on, each counted until it is answered; or not any more.
    #[cfg(feature = "socket")]
    pub(crate) const fn take_requests(&mut self, yes: bool) {
        self.is_served = yes;
    }

    /// Whether anything ends the connection but its peer.
    #[must_use]
    pub const fn has_tenure(&self) -> bool {
        self.tenure.is_some()
    }

    /// Whether the connection is to end, though its peer has not ended it. To be asked where no whole message is there, and again when
    /// a read found nothing more: `is_dry` says that it did.
    pub fn ending(&mut self, now: Duration, is_dry: bool) -> Option<Ending> {
        let (is_inside_message, frames) = (self.is_inside_message(), self.frames);
        self.tenure.as_mut()?.ending(Standing { now, is_dry, is_inside_message, frames })
    }

    /// When that has to be asked though nothing comes.
    #[must_use]
    pub fn ends_at(&self, now: Duration) -> Option<Duration> {
        self.tenure.as_ref()?.ends_at(now, self.is_inside_message())
    }

    /// Whether the connection is to end at its next quiet moment.
    #[must_use]
    pub fn is_draining(&self, now: Duration) -> bool {
        self.tenure.as_ref().is_some_and(|tenure| tenure.is_draining(now))
    }

    /// Whether nobody has told it to end.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.tenure.as_ref().and_then(|tenure| tenure.notice()).is_none_or(|notice| notice.stage() == Stage::Open)
    }

    /// Whether it was told to end at once, whatever is in flight.
    #[must_use]
    pub fn told(&self) -> Option<Ending> {
        self.tenure.as_ref()?.told()
    }

    /// What tells it to end.
    #[cfg(feature = "blocking")]
    pub(crate) fn notice(&self) -> Option<&Arc<Notice>> {
        self.tenure.as_ref()?.notice()
    }

    /// Whom to wake when it is told to end.
    pub fn wake_when_told(&self, waker: &Waker) {
        if let Some(notice) = self.tenure.as_ref().and_then(|tenure| tenure.notice()) {
            notice.wake_receiver(waker);
        }
    }

    /// So many empty messages may come a second, heartbeats among them. Defaults to any number.
    pub const fn limit_empty(&mut self, most: u32) {
        self.empties = Some(Empties::new(most));
    }

    /// The limit for empty messages, once more came. No message comes any more.
    #[must_use]
    pub fn flooded(&self) -> Option<u32> {
        self.empties.filter(|_| self.is_flooded).map(|empties| empties.most())
    }

    /// Where heartbeats are told, if they are.
    #[must_use]
    pub const fn pulse(&self) -> Option<&Pulse> {
        self.pulse.as_ref()
    }

    pub(crate) fn set_pulse(&mut self, pulse: Option<Pulse>) {
        self.pulse = pulse;
    }

    /// When heartbeats have something to say, if nothing comes or goes before.
    #[must_use]
    pub fn alive_at(&self) -> Option<Duration> {
        self.pulse.as_ref().and_then(Pulse::deadline)
    }

    /// All that came was looked at. Where something always comes, and is no heartbeat, nobody waits for the time that is over.
    ///
    /// # Errors
    /// When the peer is dead.
    pub fn judge(&mut self) -> Result<(), Verdict> {
        match &self.pulse {
            Some(pulse) if pulse.deadline().is_some_and(|at| at <= self.heard_at) => pulse.on_time(self.heard_at),
            _ => Ok(()),
        }
    }

    /// Time has passed, and what had come by now was looked at.
    ///
    /// # Errors
    /// When the peer is dead.
    pub fn on_time(&mut self, now: Duration) -> Result<(), Verdict> {
        self.pulse.as_ref().map_or(Ok(()), |pulse| pulse.on_time(now))
    }

    /// Whether a heartbeat is due that the sending half has not taken. Told once for each.
    #[cfg(feature = "socket")]
    pub(crate) fn beat_is_due(&mut self) -> bool {
        let is_due = self.pulse.as_ref().is_some_and(Pulse::has_due);
        let had_told = std::mem::replace(&mut self.has_told, is_due);
        is_due && !had_told
    }

    /// A request is under way to a peer that answers one at a time: it is not asked whether it lives meanwhile.
    #[cfg(feature = "socket")]
    pub(crate) fn hold_pulse(&self) {
        if let Some(pulse) = &self.pulse {
            pulse.hold();
        }
    }

    /// Messages are requests of a peer that has one at a time, and is not asked whether it lives while it waits for its reply: from each
    /// message on, until [`Pulse::resume`].
    #[cfg(feature = "socket")]
    pub(crate) fn one_at_a_time(&mut self) {
        self.takes_turns = true;
    }

    /// Its reply is there.
    #[cfg(feature = "socket")]
    pub(crate) fn resume_pulse(&self) {
        if let Some(pulse) = &self.pulse {
            pulse.resume(self.heard_at);
        }
    }

    pub(super) fn torn(&self) -> Torn {
        self.torn.clone()
    }

    /// Whether the connection failed while something was sent: the end that a read meets then is none in good order.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        self.torn.is_torn()
    }

    /// How long the preamble may take, since the start of the connection. Defaults to as long as the first message.
    pub const fn limit_preamble(&mut self, within: Duration) {
        self.preamble_within = Some(within);
    }

    /// How long the first message may take to begin, since the start of the connection. A heartbeat is not a message. Defaults to for ever.
    pub const fn limit_first(&mut self, within: Duration) {
        self.first_within = Some(within);
    }

    /// The same for a peer that has sent a heartbeat, where that may take longer. Defaults to no longer.
    pub const fn limit_first_request(&mut self, within: Duration) {
        self.first_request_within = Some(within);
    }

    /// The peer may never have anything to say but heartbeats, because it only listens: one of them is as good as a first message.
    #[cfg(feature = "socket")]
    pub(crate) const fn take_heartbeat_for_first(&mut self) {
        self.is_heartbeat_enough = true;
    }

    /// The first message may take as long as it likes to begin, for it is us who ask. What was said of the preamble stays.
    pub fn unlimit_first(&mut self) {
        if !self.preamble.is_over() {
            self.preamble_within = self.preamble_within.or(self.first_within);
        }
        self.first_within = None;
        if let Some(tenure) = &mut self.tenure {
            tenure.unlimit();
        }
    }

    /// How long a message may take from its first byte to its last, however its bytes dribble. Defaults to for ever.
    pub const fn limit_frame(&mut self, within: Duration) {
        self.frame_within = Some(within);
    }

    /// When the limit for what is to come is over, and the limit.
    #[must_use]
    pub fn overdue_at(&self) -> Option<(Duration, Duration)> {
        if !self.preamble.is_over() {
            let within = self.preamble_within.or(self.first_within)?;
            return Some((within, within));
        }
        let first = self.first_limit();
        let (since, within) = match self.begun_at {
            // Heartbeats that follow one another without a pause are no first message either.
            Some(begun_at) if first.is_none_or(|first| begun_at <= first) => (begun_at, self.frame_within?),
            _ => (Duration::ZERO, first?),
        };
        Some((since.saturating_add(within), within))
    }

    /// How long the first message may take to begin, while there was none.
    fn first_limit(&self) -> Option<Duration> {
        let first = self.first_within?;
        match self.frames {
            0 => Some(first),
            _ if self.is_heartbeat_enough => None,
            _ => Some(self.first_request_within.map_or(first, |longer| longer.max(first))),
        }
    }

    /// For how long bytes have come though the limit was over at that time.
    #[cfg(feature = "socket")]
    pub(crate) fn late_for(&mut self, limit_at: Duration, now: Duration) -> Duration {
        let (_, since) = *self.late_since.take_if(|(at, _)| *at == limit_at).get_or_insert((limit_at, now));
        self.late_since = Some((limit_at, since));
        now.saturating_sub(since)
    }

    /// Somebody asks for the next message. What has begun of it may take its time from now on: while the last one was dealt with
    /// nobody read, so that its sender may have had to wait.
    pub fn on_asked(&mut self, now: Duration) {
        if self.is_away && self.begun_at.is_some() {
            self.begun_at = Some(now);
        }
        #[cfg(feature = "socket")]
        if self.is_away
            && let Some(pulse) = &self.pulse
        {
            pulse.back(self.heard_at, now);
        }
        if self.is_away
            && let Some(tenure) = &mut self.tenure
        {
            tenure.activity().touch(now);
        }
        if self.is_away
            && let Some(empties) = &mut self.empties
        {
            empties.on_unread(now.saturating_sub(self.heard_at));
        }
        self.is_away = false;
    }

    /// Whether [`on_asked`](Self::on_asked) has anything to say, so that the clock is worth a look.
    #[must_use]
    pub const fn wants_asking(&self) -> bool {
        self.is_away
            && (self.pulse.is_some()
                || self.tenure.is_some()
                || self.empties.is_some()
                || (self.frame_within.is_some() && self.begun_at.is_some()))
    }

    /// Says which bytes the peer sends once, before its first message. To be said before anything has come.
    pub fn expect_preamble(&mut self, bytes: &[u8]) {
        self.preamble = Expected::new(bytes);
        self.is_started = self.preamble.is_over() && self.watch.is_none();
    }

    /// Has a PROXY protocol header at the start of the connection end it; see [`ProxyHeader`]. To be said before anything has come, and
    /// after [`expect_preamble`](Self::expect_preamble). A preamble that begins like a header is expected as before.
    ///
    /// From then on [`poll_preamble`](Self::poll_preamble) is false while the bytes that came may become a header. Bytes that are no
    /// frame are kept for 1 s after the last of them, and a message for 250 ms; then they are what the framing says, and nothing is kept
    /// any more.
    pub fn refuse_proxy_header(&mut self) {
        self.watch = Watch::new(self.preamble.bytes());
        self.is_started = self.preamble.is_over() && self.watch.is_none();
    }

    /// The PROXY protocol header that came, where it is [refused](Self::refuse_proxy_header). No message comes any more.
    #[must_use]
    pub fn proxy_header(&self) -> Option<ProxyHeader> {
        self.watch.and_then(|watch| watch.found)
    }

    /// Whether the bytes that came may become a PROXY protocol header.
    #[must_use]
    pub const fn may_be_proxy_header(&self) -> bool {
        self.watch.is_some() && !self.buffer.is_empty()
    }

    /// Until when bytes are kept that may become a PROXY protocol header. To be told of with [`on_deadline`](Self::on_deadline).
    #[must_use]
    pub fn kept_until(&self) -> Option<Duration> {
        let keep = self.watch.and_then(|watch| watch.keep)?;
        Some(self.heard_at.saturating_add(keep))
    }

    /// Whether what comes before the first message has come; true where nothing is expected. To be asked before [`poll`](Self::poll),
    /// until it is true.
    ///
    /// # Errors
    /// When another preamble came, or the peer closed instead; the same for ever after.
    #[inline]
    pub fn poll_preamble(&mut self) -> Result<bool, WrongPreamble> {
        if self.is_started { Ok(true) } else { self.poll_start() }
    }

    #[cold]
    fn poll_start(&mut self) -> Result<bool, WrongPreamble> {
        if self.is_kept() {
            return Ok(false);
        }
        let has_come = self.take_preamble();
        self.is_started = has_come == Ok(true) && self.watch.is_none();
        has_come
    }

    /// Whether what came is a PROXY protocol header, or is kept because it may become one.
    fn is_kept(&mut self) -> bool {
        let Some(mut watch) = self.watch.take() else { return false };
        let came = usize::try_from(self.count.get()).unwrap_or(usize::MAX);
        watch.keep = None;
        if watch.found.is_none() && !self.buffer.is_empty() {
            match watch.look(came - self.buffer.len(), self.buffer.as_ref()) {
                First::Header => {}
                First::Perhaps if self.end != Some(End::Closed) => {
                    watch.keep = if watch.has_let_go { None } else { self.keeps_for() };
                }
                First::Perhaps | First::Data => return false,
            }
        }
        self.watch = Some(watch);
        watch.found.is_some() || watch.keep.is_some()
    }

    /// For how long the beginning of a header is kept from the framing. Where a message is unfinished the framing waits by itself, and
    /// where silence ends one, that was waited for.
    fn keeps_for(&self) -> Option<Duration> {
        if !self.preamble.is_over() {
            return Some(proxy_header::FAULT);
        }
        match self.codec.framing().decode(self.buffer.as_ref(), 0, self.end) {
            Err(_) => Some(proxy_header::FAULT),
            Ok(Decoded::Frame(frame)) => {
                let payload = frame.payload(self.buffer.as_ref());
                let is_heartbeat = self.pulse.as_ref().is_some_and(|pulse| pulse.would_take(payload));
                (self.end != Some(End::Quiet) && !is_heartbeat).then_some(proxy_header::MESSAGE)
            }
            Ok(Decoded::Incomplete(_)) => None,
        }
    }

    fn take_preamble(&mut self) -> Result<bool, WrongPreamble> {
        if self.preamble.is_over() {
            return Ok(true);
        }
        let is_closed = self.is_closed();
        let taken = self.preamble.take(self.buffer.as_ref(), is_closed)?;
        self.buffer.take(taken);
        if self.buffer.is_empty() {
            self.begun_at = None;
        }
        if self.buffer.is_empty() && !is_closed {
            // The read that brought it has brought no message.
            self.end = None;
        }
        Ok(self.preamble.is_over())
    }

    /// Where the next read puts its bytes, never empty. The memory is there from this call until
    /// [`release`](Self::release).
    pub fn space(&mut self) -> &mut [u8] {
        if self.buffer.is_small() {
            self.buffer.reuse(spare::take());
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
            && let Some(watch) = &mut self.watch
        {
            watch.let_go();
        }
    }

    /// The next message, if it is there.
    ///
    /// # Errors
    /// When the bytes are no frame, or the peer closed inside one; the same for ever after.
    #[inline]
    pub fn poll(&mut self) -> Result<Received, Fault<D::Error>> {
        loop {
            if self.is_flooded {
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
                        (self.first_within, self.late_since) = (None, None);
                        self.is_away = true;
                        self.on_taken();
                        self.messages += 1;
                        #[cfg(feature = "socket")]
                        if self.takes_turns {
                            self.hold_pulse();
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

    /// Another empty message came.
    #[cold]
    fn is_one_too_many(&mut self) -> bool {
        self.is_flooded = self.empties.as_mut().is_some_and(|empties| !empties.take(self.heard_at));
        self.is_flooded
    }

    /// A message came, and may be a request.
    fn on_taken(&mut self) {
        if let Some(tenure) = &mut self.tenure {
            let activity = tenure.activity();
            activity.touch(self.heard_at);
            if self.is_served {
                activity.on_taken();
            }
        }
    }

    /// Whether a frame is a heartbeat, which is for us and not for the application.
    #[inline]
    fn is_heartbeat(&mut self, frame: &Frame) -> bool {
        let Some(pulse) = &self.pulse else { return false };
        let is_heartbeat = pulse.takes(frame.payload(self.buffer.as_ref()), self.heard_at);
        if is_heartbeat {
            self.buffer.take(frame.frame_len);
        }
        is_heartbeat
    }

    /// Gives the buffer back if nothing waits in it, or next to nothing. For when there is nothing to read: an idle connection holds none.
    pub fn release(&mut self) {
        if self.buffer.capacity() > 0 {
            spare::keep(self.buffer.release_memory());
        }
    }

    /// Whether the peer has closed its side, be it that messages from before that are still to be taken.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.end, Some(End::Closed))
    }

    /// Forgets the bytes that wait. For a connection that is only read to its end, so that it is closed in good order.
    pub fn discard(&mut self) {
        self.give_unread();
        if !self.buffer.is_empty() {
            // Without these bytes it is not known where the next message begins.
            self.unread = None;
        }
        self.buffer.take(self.buffer.len());
        self.begun_at = None;
    }

    /// How many messages were delivered since the connection began.
    #[must_use]
    pub const fn messages_received(&self) -> u64 {
        self.messages
    }

    /// How many frames came since then, heartbeats among them.
    #[cfg(feature = "socket")]
    pub(crate) const fn frames_received(&self) -> u64 {
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
        if let Some((came, missing)) = self.preamble.unfinished() {
            return Some(Unfinished { came, missing, guess: None, of: Part::Preamble });
        }
        let came = self.buffer.len();
        let missing = self.need.map_or(1, |need| need.missing);
        let guess = || self.codec.guess(self.buffer.as_ref());
        (came > 0).then(|| Unfinished { came, missing, guess: guess(), of: Part::Message })
    }

    /// The same for the report of a limit that is over: also that nothing but heartbeats came.
    #[cfg(feature = "socket")]
    pub(crate) fn overdue(&self) -> Option<Unfinished> {
        let has_only_beats = self.frames > 0 && self.messages == 0;
        let only_beats = Unfinished { came: 0, missing: 1, guess: None, of: Part::First };
        self.unfinished().or(has_only_beats.then_some(only_beats))
    }

    fn heard(&mut self, count: usize, now: Duration) {
        self.count.add(count);
        self.heard_at = now;
        if let Some(pulse) = &self.pulse {
            pulse.on_heard(now);
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

/// Messages that no operation has received are handed over where someone wants them.
impl<D: Decode> Drop for Receiving<D> {
    fn drop(&mut self) {
        if self.unread.is_some() && !std::thread::panicking() {
            self.give_unread();
        }
    }
}

/// A panic there neither hides how an operation ended nor keeps the messages behind this one.
fn give(unread: &OnUnread, message: Message) {
    let _ = catch_unwind(AssertUnwindSafe(|| unread(message)));
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
            .field("tenure", &self.tenure)
            .finish_non_exhaustive()
    }
}
