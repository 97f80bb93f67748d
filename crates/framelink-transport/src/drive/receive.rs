//! Bytes in, messages out.

use std::io;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::{AT_ONCE, Clock, Input, Now, Port, Progress, Wants, flush, is_wait};
use crate::Message;
#[cfg(feature = "nonblocking")]
use crate::TryRecv;
use crate::error::Cause;
use crate::session::{Ending, Received, Receiving, Sending};

/// What came of receiving.
#[derive(Debug)]
pub(crate) enum Came {
    Message(Message),
    /// The peer closed its side between two messages.
    Closed,
    /// Nothing more can be read now, and if nothing comes until then the session wants to know.
    Wait(Option<Duration>),
    /// A heartbeat is to be sent. Whoever has the sending half as well does that, and goes on.
    Beat,
}

#[cfg(feature = "nonblocking")]
impl Came {
    /// In the words of what answers at once, and when to ask again though nothing comes.
    pub(crate) fn at_once(self) -> (TryRecv, Option<Duration>) {
        match self {
            Self::Message(message) => (TryRecv::Message(message), None),
            Self::Closed => (TryRecv::Closed, None),
            Self::Wait(until) => (TryRecv::Nothing, until),
            Self::Beat => (TryRecv::Nothing, AT_ONCE),
        }
    }
}

/// Reads until there is a message, the end, or nothing more to be read. What has come is looked at before the clock.
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) fn receive<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<Came, Cause<D::Error, E>> {
    Turn::default().receive(receiving, input, clock)
}

/// What is done before others have their turn: a peer whose bytes make no message, heartbeats say, is not read without end.
#[derive(Default)]
pub(crate) struct Turn {
    reading: Reading,
    reads: u32,
    /// How many frames had come when it read first.
    frames_before: Option<u64>,
}

/// So many reads of up to 64 KiB are one turn.
const READS: u32 = 16;
/// And no more are made after so many frames: each heartbeat costs about what a message costs.
const FRAMES: u64 = 1024;

impl Turn {
    /// Reads until there is a message, the end, a heartbeat that is due, or nothing more to be read in this turn.
    #[inline]
    pub(crate) fn receive<D: Decode, E>(
        &mut self,
        receiving: &mut Receiving<D>,
        input: &mut impl Input,
        clock: &impl Clock,
    ) -> Result<Came, Cause<D::Error, E>> {
        if receiving.wants_asking() {
            receiving.on_asked(clock.now());
        }
        loop {
            if receiving.beat_is_due() {
                return Ok(Came::Beat);
            }
            let until = match next(receiving)? {
                Received::Message(message) => {
                    receiving.on_idle(input.waits());
                    return Ok(Came::Message(message));
                }
                Received::Closed => return Ok(Came::Closed),
                Received::Wait { until } => until,
            };
            receiving.judge().map_err(Cause::Dead)?;
            if receiving.beat_is_due() {
                return Ok(Came::Beat);
            }
            if receiving.counts_memory()
                && let Some(until) = starved(receiving, input, clock)?
            {
                return Ok(Came::Wait(Some(until)));
            }
            if let Read::Wait(until) = self.read(receiving, input, clock, until)? {
                return Ok(Came::Wait(until));
            }
        }
    }

    /// Reads once, unless that would be once too often.
    fn read<D: Decode, E>(
        &mut self,
        receiving: &mut Receiving<D>,
        input: &mut impl Input,
        clock: &impl Clock,
        until: Option<Duration>,
    ) -> Result<Read, Cause<D::Error, E>> {
        if (self.reads >= READS || self.is_long(receiving)) && !input.waits() {
            return Ok(Read::Wait(AT_ONCE));
        }
        self.reads = self.reads.saturating_add(1);
        self.reading.once(receiving, input, clock, until)
    }

    /// Whether so many frames have come since it was asked first that others are to have their turn.
    pub(super) fn is_long<D: Decode>(&mut self, receiving: &Receiving<D>) -> bool {
        let frames = receiving.frames_received();
        frames - *self.frames_before.get_or_insert(frames) >= FRAMES
    }
}

/// Waits for memory for the next read, where the memory of a server is used up: until connections that were told to end have given theirs
/// back. Where reads do not wait: when to try again.
fn starved<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<Option<Duration>, Cause<D::Error, E>> {
    const AGAIN: Duration = Duration::from_millis(2);
    while !receiving.make_room(input.waits(), || clock.now()) {
        if let Some(ending) = receiving.told() {
            return Err(ended(receiving, ending));
        }
        if !input.pause(AGAIN) {
            return Ok(Some(clock.now().saturating_add(AGAIN)));
        }
    }
    Ok(None)
}

/// What ends at once needs nothing of what has come.
fn ended<D: Decode, E>(receiving: &mut Receiving<D>, ending: Ending) -> Cause<D::Error, E> {
    // What a drain cuts is counted.
    if ending.is_abrupt() && ending != Ending::Cut {
        receiving.forget();
    }
    Cause::Ended(ending)
}

/// Whether what was read before a request has anything in it but heartbeats, which would be taken for its reply. While that cannot be
/// told: what has to be waited for before it is read on. What is to be written leaves meanwhile.
pub(super) fn is_unsure<D: Decode, E: Encode>(
    turn: &mut Turn,
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    port: &mut impl Port,
    clock: &impl Clock,
) -> Result<Option<Wants>, Cause<D::Error, E::Error>> {
    if receiving.pulse().is_none() {
        return if receiving.is_inside_message() { Err(Cause::Unasked) } else { Ok(None) };
    }
    loop {
        let until = match next(receiving)? {
            Received::Message(_) => return Err(Cause::Unasked),
            Received::Closed => return Err(Cause::NoReply),
            Received::Wait { .. } if !receiving.is_inside_message() => return Ok(None),
            Received::Wait { until } => until,
        };
        let is_blocked = sending.has_output() && flush(sending, port.output(), clock)? == Progress::Blocked;
        // The beginning of a heartbeat, or of something that nobody asked for.
        let read = match is_blocked && port.input().waits() {
            true => turn.read(receiving, &mut Now(port.input()), clock, until)?,
            false => turn.read(receiving, port.input(), clock, until)?,
        };
        if let Read::Wait(until) = read {
            return Ok(Some(if is_blocked { Wants::Both(until) } else { Wants::Read(until) }));
        }
    }
}

/// The next message that has been read already.
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) fn buffered<D: Decode, E>(receiving: &mut Receiving<D>) -> Result<Option<Message>, Cause<D::Error, E>> {
    match next(receiving)? {
        Received::Message(message) => Ok(Some(message)),
        Received::Closed | Received::Wait { .. } => Ok(None),
    }
}

/// A message came by itself, where it could be taken for the next reply.
pub(super) fn unasked<D: Decode, E>(receiving: &Receiving<D>, message: Message) -> Cause<D::Error, E> {
    receiving.on_unread(message);
    Cause::Unasked
}

/// Reads what is there already, and hands over the messages that no operation returns: for a connection that is given up.
pub(crate) fn give_unread<D: Decode>(receiving: &mut Receiving<D>, input: &mut impl Input, clock: &impl Clock) {
    /// A peer that sends without end is not listened to without end.
    const LOOKS: usize = 64;
    for _ in 0..LOOKS {
        receiving.give_unread();
        if !receiving.has_unread() || receiving.is_closed() {
            return;
        }
        let read = input.read_now(receiving.space());
        if !took(receiving, read, clock).unwrap_or(false) {
            break;
        }
    }
    receiving.give_unread();
}

/// Reads until the peer's preamble is there. Where nothing more can be read before: until when that may last.
pub(super) fn greeted<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<Result<(), Option<Duration>>, Cause<D::Error, E>> {
    let mut reading = Reading::default();
    while !has_started(receiving)? {
        let until = receiving.kept_until();
        if let Read::Wait(until) = reading.once(receiving, input, clock, until)? {
            return Ok(Err(until));
        }
    }
    Ok(Ok(()))
}

/// Reads until a byte came that is the peer's own, or the peer has closed: whether any byte came. Takes no message.
#[cfg(feature = "tokio")]
pub(crate) fn begun<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<Result<bool, Option<Duration>>, Cause<D::Error, E>> {
    let mut reading = Reading::default();
    loop {
        let has_started = has_started(receiving)?;
        let has_bytes = receiving.byte_count().get() > 0;
        if receiving.is_closed() || (has_started && has_bytes && !receiving.may_be_proxy_header()) {
            return Ok(Ok(has_bytes));
        }
        let until = receiving.kept_until();
        if let Read::Wait(until) = reading.once(receiving, input, clock, until)? {
            return Ok(Err(until));
        }
    }
}

/// Takes what is there already into the session, and waits for nothing. True if that is the end; `None` if it could not be seen.
/// Where something waits to be taken already there is no more to be learned, and nothing to be piled up.
pub(crate) fn look<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<Option<bool>, Cause<D::Error, E>> {
    if receiving.is_inside_message() {
        return Ok(Some(false));
    }
    let read = input.read_now(receiving.space());
    let looked = took(receiving, read, clock);
    receiving.release();
    let has_read = looked.map_err(Cause::of_io)?;
    Ok((has_read || !input.is_starved()).then(|| receiving.is_closed()))
}

/// Whether the connection has ended while nobody looked, as far as can be seen. Where nobody takes what comes it is dropped, so
/// that it hides no end.
pub(crate) fn has_ended<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
    is_heard: bool,
) -> Result<bool, Cause<D::Error, E>> {
    /// A peer that sends without end is not listened to without end.
    const LOOKS: usize = 64;
    for _ in 0..LOOKS {
        if !is_heard && has_started(receiving)? {
            receiving.discard();
        }
        let before = receiving.byte_count().get();
        let looked = look(receiving, input, clock)?;
        if is_heard || looked != Some(false) || receiving.byte_count().get() == before {
            return Ok(looked == Some(true));
        }
    }
    Ok(false)
}

/// Reads and drops, message or not. True at the end, false when nothing more can be read now.
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) fn discard<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<bool, Cause<D::Error, E>> {
    while !receiving.is_closed() {
        receiving.discard();
        let read = input.read(receiving.space(), None);
        if !took(receiving, read, clock).map_err(Cause::of_io)? {
            receiving.release();
            return Ok(false);
        }
    }
    Ok(true)
}

/// The next thing in what has been read. Before the first message there may be a preamble.
fn next<D: Decode, E>(receiving: &mut Receiving<D>) -> Result<Received, Cause<D::Error, E>> {
    match has_started(receiving)? {
        true => match (receiving.poll().map_err(Cause::Fault)?, receiving.flooded()) {
            (Received::Wait { .. }, Some(most)) => Err(Cause::TooManyEmpty { most }),
            (received, _) => Ok(received),
        },
        false => Ok(Received::Wait { until: receiving.kept_until() }),
    }
}

/// Whether what comes before the first message has come.
#[inline]
pub(super) fn has_started<D: Decode, E>(receiving: &mut Receiving<D>) -> Result<bool, Cause<D::Error, E>> {
    if receiving.poll_preamble().map_err(Cause::Preamble)? {
        return Ok(true);
    }
    receiving.proxy_header().map_or(Ok(false), |header| Err(Cause::ProxyHeader(header)))
}

/// Reads one after the other.
#[derive(Default)]
struct Reading {
    /// Since when, where there is a limit.
    began: Option<Duration>,
    /// The last read would have had to wait.
    is_dry: bool,
}

/// What one read came to.
enum Read {
    /// Ask the session again.
    Again,
    /// Nothing more can be read now, until then.
    Wait(Option<Duration>),
}

/// When the session wants to be asked though nothing has come.
struct Deadlines {
    /// What it waits for, silence say.
    until: Option<Duration>,
    /// Heartbeats.
    alive: Option<Duration>,
    /// The first of these and of all limits.
    soonest: Option<Duration>,
}

impl Reading {
    /// Reads once, where the session waits for more until then.
    fn once<D: Decode, E>(
        &mut self,
        receiving: &mut Receiving<D>,
        input: &mut impl Input,
        clock: &impl Clock,
        until: Option<Duration>,
    ) -> Result<Read, Cause<D::Error, E>> {
        let overdue = self.check_limit(receiving, clock)?;
        let alive = receiving.alive_at();
        let ends = match receiving.has_tenure() {
            false => None,
            true => match self.check_tenure(receiving, input, clock)? {
                Read::Again => return Ok(Read::Again),
                Read::Wait(ends) => ends,
            },
        };
        let soonest = [until, overdue, alive, ends].into_iter().flatten().min();
        let read = read(receiving, input, soonest);
        if let Some(ending) = receiving.told() {
            // It is what ended the read.
            return Err(ended(receiving, ending));
        }
        if took(receiving, read, clock).map_err(Cause::of_io)? {
            self.is_dry = false;
            return Ok(Read::Again);
        }
        self.on_dry(receiving, input, clock, &Deadlines { until, alive, soonest })
    }

    /// An error if a message, or the first one, has taken too long; otherwise until when it may.
    fn check_limit<D: Decode, E>(
        &mut self,
        receiving: &mut Receiving<D>,
        clock: &impl Clock,
    ) -> Result<Option<Duration>, Cause<D::Error, E>> {
        let Some((at, after)) = receiving.overdue_at() else { return Ok(None) };
        if self.is_over(receiving, at, after, clock) {
            return Err(Cause::TimedOut { after, unwritten_bytes: 0, unfinished: receiving.overdue() });
        }
        Ok(Some(at))
    }

    /// An error if the connection is to end now; otherwise when that has to be asked again, unless something has just come.
    fn check_tenure<D: Decode, E>(
        &mut self,
        receiving: &mut Receiving<D>,
        input: &mut impl Input,
        clock: &impl Clock,
    ) -> Result<Read, Cause<D::Error, E>> {
        let now = clock.now();
        match receiving.ending(now, self.is_dry) {
            Some(ending) => self.end(receiving, input, clock, ending),
            None => Ok(Read::Wait(self.ends_at(receiving, input, now))),
        }
    }

    /// A read has found nothing: what is due is told to the session, or this is waited for.
    fn on_dry<D: Decode, E>(
        &mut self,
        receiving: &mut Receiving<D>,
        input: &mut impl Input,
        clock: &impl Clock,
        deadlines: &Deadlines,
    ) -> Result<Read, Cause<D::Error, E>> {
        receiving.release();
        receiving.on_idle(false);
        if input.is_starved() {
            return Ok(Read::Wait(None));
        }
        self.is_dry = true;
        // Only a deadline is worth a look at the clock.
        let Some(soonest) = deadlines.soonest else { return Ok(Read::Wait(None)) };
        let now = clock.now();
        if soonest > now {
            return Ok(Read::Wait(Some(soonest)));
        }
        if deadlines.until.is_some_and(|at| at <= now) {
            receiving.on_deadline(now);
        }
        if deadlines.alive.is_some_and(|at| at <= now) {
            receiving.on_time(now).map_err(Cause::Dead)?;
        }
        Ok(Read::Again)
    }

    /// When the tenure has to be looked at again. While a quiet moment is waited for nobody tells a reader that waits by itself when the
    /// last reply is out.
    fn ends_at<D: Decode>(&self, receiving: &Receiving<D>, input: &impl Input, now: Duration) -> Option<Duration> {
        const SLICE: Duration = Duration::from_millis(20);
        let draining = match (receiving.is_draining(now), self.is_dry) {
            (true, false) => Some(now),
            (true, true) if input.waits() => Some(now.saturating_add(SLICE)),
            _ => None,
        };
        [receiving.ends_at(now), draining].into_iter().flatten().min()
    }

    /// The connection is to end, unless something has come that nobody has noticed yet.
    fn end<D: Decode, E>(
        &mut self,
        receiving: &mut Receiving<D>,
        input: &mut impl Input,
        clock: &impl Clock,
        ending: Ending,
    ) -> Result<Read, Cause<D::Error, E>> {
        if self.is_dry && !ending.is_abrupt() {
            let read = input.read_now(receiving.space());
            if took(receiving, read, clock).map_err(Cause::of_io)? {
                self.is_dry = false;
                return Ok(Read::Again);
            }
        }
        receiving.release();
        Err(ended(receiving, ending))
    }

    /// What has begun may only take so long, and neither may what has not begun. All that has come by then counts, however late we
    /// look; only reading it may not take longer than the limit once more.
    fn is_over<D: Decode>(
        &mut self,
        receiving: &mut Receiving<D>,
        at: Duration,
        after: Duration,
        clock: &impl Clock,
    ) -> bool {
        let now = clock.now();
        let began = *self.began.get_or_insert(now);
        at <= now && (self.is_dry || now.saturating_sub(began) >= after || receiving.late_for(at, now) >= after)
    }
}

/// Reads, or waits for something to read. An idle connection holds no buffer: where reads wait by themselves, what is there is looked for
/// before a large one is held for what may never come.
fn read<D: Decode>(receiving: &mut Receiving<D>, input: &mut impl Input, until: Option<Duration>) -> io::Result<usize> {
    if input.waits() && receiving.would_idle_with_much() {
        match input.read_now(receiving.space()) {
            Err(error) if is_wait(&error) => receiving.forget(),
            read => return read,
        }
    }
    input.read(receiving.space(), until)
}

/// Tells the session what a read brought. False if it would have to wait.
pub(super) fn took<D: Decode>(
    receiving: &mut Receiving<D>,
    read: io::Result<usize>,
    clock: &impl Clock,
) -> io::Result<bool> {
    match read {
        // Whoever wrote last was told of it, and whoever reads must be too.
        Ok(0) if receiving.is_torn() => return Err(io::ErrorKind::ConnectionReset.into()),
        Ok(0) => receiving.on_closed(),
        Ok(count) => receiving.on_read(count, clock.now()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) if is_wait(&error) => return Ok(false),
        Err(error) => return Err(error),
    }
    Ok(true)
}
