//! Receiving: bytes in, messages out.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::reading::{Read, Reading};
use super::{AT_ONCE, Clock, Inbound, Input, Open, Port};
use crate::Message;
use crate::drive::TryRecv;
use crate::error::Cause;
use crate::session::{DialogueError, MessagePlace, Received, Receiving};

/// The result of receiving.
#[derive(Debug)]
pub(crate) enum Came<M = Message> {
    Message(M),
    /// The peer closed its side between two messages.
    Closed,
    /// Nothing more can be read now. The session wants to be asked again at this time, even if nothing arrives.
    Wait(Option<Duration>),
    /// A heartbeat is to be sent. A caller with the sending half sends it and continues.
    Beat,
}

impl Came<MessagePlace> {
    /// Delivers the message. `waits`: reads wait for data.
    #[inline]
    fn deliver<M: Delivery, D: Decode>(self, receiving: &mut Receiving<D>, waits: bool) -> Came<M> {
        match self {
            Self::Message(place) => Came::Message(deliver(receiving, place, waits)),
            Self::Closed => Came::Closed,
            Self::Wait(until) => Came::Wait(until),
            Self::Beat => Came::Beat,
        }
    }
}

impl<M> Came<M> {
    /// Converts to `TryRecv`, and the time after which to ask again even if nothing arrives.
    #[inline]
    pub(crate) fn at_once(self) -> (TryRecv<M>, Option<Duration>) {
        match self {
            Self::Message(message) => (TryRecv::Message(message), None),
            Self::Closed => (TryRecv::Closed, None),
            Self::Wait(until) => (TryRecv::Nothing, until),
            Self::Beat => (TryRecv::Nothing, AT_ONCE),
        }
    }
}

/// A message as the receiver wants it: taken out of the read buffer, or left there until the next call.
pub(crate) trait Delivery: Sized {
    /// Whether the message stays in the read buffer.
    const IN_BUFFER: bool;

    fn of<D: Decode>(receiving: &mut Receiving<D>, place: MessagePlace) -> Self;
}

impl Delivery for Message {
    const IN_BUFFER: bool = false;

    #[inline]
    fn of<D: Decode>(receiving: &mut Receiving<D>, place: MessagePlace) -> Self {
        receiving.take_at(place)
    }
}

impl Delivery for MessagePlace {
    const IN_BUFFER: bool = true;

    #[inline]
    fn of<D: Decode>(_: &mut Receiving<D>, place: MessagePlace) -> Self {
        place
    }
}

/// The work of one turn, after which others have theirs. It limits the reading of heartbeats and partial messages.
#[derive(Default)]
pub(crate) struct Turn {
    reading: Reading,
    reads: u32,
    /// The number of received frames at the start of the turn.
    frames_before: Option<u64>,
}

impl Turn {
    /// Returns whether this turn has received its share of frames. A heartbeat costs about as much as a message.
    pub(crate) fn is_long<D: Decode>(&mut self, receiving: &Receiving<D>) -> bool {
        self.frames_left(receiving) == 0
    }

    /// Returns how many more frames this turn may receive.
    pub(crate) fn frames_left<D: Decode>(&mut self, receiving: &Receiving<D>) -> u64 {
        const FRAMES: u64 = 1024;
        let frames = receiving.frames_received();
        (*self.frames_before.get_or_insert(frames) + FRAMES).saturating_sub(frames)
    }
}

/// The maximum number of reads of a connection that is not received from, in case its peer never stops sending.
const LOOKS: usize = 64;

impl<D: Decode, E: Encode, P: Port, K: Clock> Open<'_, D, E, P, K> {
    #[inline]
    pub(super) fn receive_in<M: Delivery>(
        &mut self,
        turn: &mut Turn,
        may_wait: bool,
    ) -> Result<Came<M>, Cause<D::Error, E::Error>> {
        self.inbound(may_wait).receive_in(turn)
    }

    /// Like `attend`, in a turn that has begun.
    #[inline]
    pub(super) fn attend_in<M: Delivery>(&mut self, turn: &mut Turn) -> Result<Came<M>, Cause<D::Error, E::Error>> {
        let waits = self.port.input().waits();
        Ok(self.attend_to_place(turn)?.deliver(self.receiving, waits))
    }
}

impl<D: Decode, I: Input, K: Clock> Inbound<'_, D, I, K> {
    /// Reads until there is a message, the end, or a heartbeat to send, or until nothing more can be read. Bytes that
    /// have arrived are read before the clock is checked.
    pub(crate) fn receive<M: Delivery, E>(&mut self) -> Result<Came<M>, Cause<D::Error, E>> {
        self.receive_in(&mut Turn::default())
    }

    /// Like `receive`, in a turn that may have begun.
    #[inline]
    pub(crate) fn receive_in<M: Delivery, E>(&mut self, turn: &mut Turn) -> Result<Came<M>, Cause<D::Error, E>> {
        let waits = self.waits();
        Ok(self.receive_place(turn)?.deliver(self.receiving, waits))
    }

    /// Like `receive_in`, but leaves the message in the read buffer.
    #[inline]
    pub(crate) fn receive_place<E>(&mut self, turn: &mut Turn) -> Result<Came<MessagePlace>, Cause<D::Error, E>> {
        loop {
            if self.receiving.beat_is_due() {
                return Ok(Came::Beat);
            }
            let next = match self.receiving.awaits_bytes() {
                true => Received::Wait { until: None },
                false => next_place(self.receiving)?,
            };
            let until = match next {
                Received::Message(place) => return Ok(Came::Message(place)),
                Received::Closed => return Ok(Came::Closed),
                Received::Wait { until } => until,
            };
            // Messages that have been read already are delivered without a look at the clock.
            if self.receiving.wants_asking() {
                self.receiving.on_asked(self.clock.now());
            }
            self.receiving.judge().map_err(Cause::Dead)?;
            if self.receiving.beat_is_due() {
                return Ok(Came::Beat);
            }
            if self.receiving.counts_memory()
                && let Some(until) = self.starved()?
            {
                return Ok(Came::Wait(Some(until)));
            }
            if let Read::Wait(until) = self.read_in(turn, until)? {
                return Ok(Came::Wait(until));
            }
        }
    }

    /// Reads once, unless the turn is over.
    pub(super) fn read_in<E>(&mut self, turn: &mut Turn, until: Option<Duration>) -> Result<Read, Cause<D::Error, E>> {
        /// The maximum number of reads, of up to 64 KiB each, in one turn.
        const READS: u32 = 16;
        if (turn.reads >= READS || turn.is_long(self.receiving)) && !self.waits() {
            return Ok(Read::Wait(AT_ONCE));
        }
        turn.reads = turn.reads.saturating_add(1);
        self.read_once(&mut turn.reading, until)
    }

    /// Waits for memory for the next read, until connections that were told to end have given theirs back. If reads do
    /// not wait, returns when to try again.
    fn starved<E>(&mut self) -> Result<Option<Duration>, Cause<D::Error, E>> {
        const AGAIN: Duration = Duration::from_millis(2);
        while !self.receiving.make_room(self.waits(), || self.clock.now()) {
            if let Some(ending) = self.receiving.told() {
                return Err(self.ended(ending));
            }
            if !(self.may_wait && self.input.pause(AGAIN)) {
                return Ok(Some(self.clock.now().saturating_add(AGAIN)));
            }
        }
        Ok(None)
    }

    /// Reads what has arrived on a connection that is being closed, and hands the messages over as unread.
    pub(crate) fn give_unread(&mut self) {
        for _ in 0..LOOKS {
            self.receiving.give_unread();
            if !self.receiving.has_unread() || self.receiving.is_closed() {
                return;
            }
            let read = self.input.read_now(self.receiving.space());
            if !self.took::<()>(read).unwrap_or(false) {
                break;
            }
        }
        self.receiving.give_unread();
    }

    /// Reads until the preamble of the peer has arrived. If that needs a wait, returns its deadline.
    pub(super) fn greeted<E>(&mut self) -> Result<Result<(), Option<Duration>>, Cause<D::Error, E>> {
        self.read_until(|receiving| Ok(has_started(receiving)?.then_some(())))
    }

    /// Reads to the first byte of the peer itself, or to its close. Returns whether any byte arrived. Takes no message.
    pub(crate) fn begun<E>(&mut self) -> Result<Result<bool, Option<Duration>>, Cause<D::Error, E>> {
        self.read_until(|receiving| {
            let has_started = has_started(receiving)?;
            let has_bytes = receiving.byte_count().get() > 0;
            let has_begun = has_started && has_bytes && !receiving.may_be_proxy_header();
            Ok((has_begun || receiving.is_closed()).then_some(has_bytes))
        })
    }

    /// Reads before the first message, until `is_enough` returns a value.
    fn read_until<T, E>(
        &mut self,
        is_enough: impl Fn(&mut Receiving<D>) -> Result<Option<T>, Cause<D::Error, E>>,
    ) -> Result<Result<T, Option<Duration>>, Cause<D::Error, E>> {
        let mut reading = Reading::default();
        loop {
            if let Some(enough) = is_enough(self.receiving)? {
                return Ok(Ok(enough));
            }
            let until = self.receiving.kept_until();
            if let Read::Wait(until) = self.read_once(&mut reading, until)? {
                return Ok(Err(until));
            }
        }
    }

    /// Reads what has arrived, without waiting. Returns whether the peer has closed, or `None` if that could not be
    /// determined. Reads nothing if an unread message has begun already, so that nothing piles up.
    pub(super) fn look<E>(&mut self) -> Result<Option<bool>, Cause<D::Error, E>> {
        if self.receiving.is_inside_message() {
            return Ok(Some(false));
        }
        let read = self.input.read_now(self.receiving.space());
        let looked = self.took(read);
        self.receiving.release();
        Ok((looked? || !self.input.is_starved()).then(|| self.receiving.is_closed()))
    }

    /// Returns whether the connection has ended while nothing was read, as far as can be seen. Messages that no
    /// operation returns are discarded, because they would hide the end.
    pub(crate) fn has_ended<E>(&mut self, is_heard: bool) -> Result<bool, Cause<D::Error, E>> {
        for _ in 0..LOOKS {
            if !is_heard && has_started(self.receiving)? {
                self.receiving.discard();
            }
            let before = self.receiving.byte_count().get();
            let looked = self.look()?;
            if is_heard || looked != Some(false) || self.receiving.byte_count().get() == before {
                return Ok(looked == Some(true));
            }
        }
        Ok(false)
    }

    /// Reads and discards everything. Returns true at the end, and false if nothing more can be read now.
    pub(crate) fn discard<E>(&mut self) -> Result<bool, Cause<D::Error, E>> {
        while !self.receiving.is_closed() {
            self.receiving.discard();
            let read = self.read(None);
            if !self.took(read)? {
                self.receiving.release();
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns the next message that has been read already.
pub(crate) fn buffered<M: Delivery, D: Decode, E>(
    receiving: &mut Receiving<D>,
) -> Result<Option<M>, Cause<D::Error, E>> {
    match next_place(receiving)? {
        Received::Message(place) => Ok(Some(M::of(receiving, place))),
        Received::Closed | Received::Wait { .. } => Ok(None),
    }
}

/// Returns the next message that has been read already, if it can be delivered at once, without the socket, the clock,
/// and the task to wake. Everything else, errors included, is left to a receive. `waits`: reads wait for data.
#[inline]
pub(crate) fn at_hand<M: Delivery, D: Decode>(receiving: &mut Receiving<D>, waits: bool) -> Option<M> {
    let place = place_at_hand(receiving)?;
    Some(deliver(receiving, place, waits))
}

/// Like `at_hand`, but the message is not delivered yet.
#[inline]
pub(crate) fn place_at_hand<D: Decode>(receiving: &mut Receiving<D>) -> Option<MessagePlace> {
    if !receiving.is_inside_message() {
        return None;
    }
    receiving.whole_place().or_else(|| checked_place_at_hand(receiving))
}

#[inline(never)] // so that the shortcut is short
fn checked_place_at_hand<D: Decode>(receiving: &mut Receiving<D>) -> Option<MessagePlace> {
    if !receiving.has_started() || receiving.still_owes_beat() {
        return None;
    }
    match receiving.poll_place() {
        Ok(Received::Message(place)) => Some(place),
        _ => None,
    }
}

/// Delivers the message that was found last. `waits`: reads wait for data.
#[inline]
pub(crate) fn deliver<M: Delivery, D: Decode>(receiving: &mut Receiving<D>, place: MessagePlace, waits: bool) -> M {
    receiving.on_idle(waits || M::IN_BUFFER);
    M::of(receiving, place)
}

/// Builds the error for an unsolicited message that could be taken for the next reply.
pub(super) fn unsolicited<D: Decode, E>(receiving: &Receiving<D>, message: Message) -> Cause<D::Error, E> {
    receiving.on_unread(message);
    Cause::Unsolicited
}

/// Returns the next item in the bytes that were read, and takes it out of the buffer.
pub(super) fn next<D: Decode, E>(receiving: &mut Receiving<D>) -> Result<Received, Cause<D::Error, E>> {
    Ok(match next_place(receiving)? {
        Received::Message(place) => Received::Message(receiving.take_at(place)),
        Received::Closed => Received::Closed,
        Received::Wait { until } => Received::Wait { until },
    })
}

/// Returns the next item in the bytes that were read. A preamble may precede the first message.
#[inline(always)] // A call with a result in memory takes as long as the rest.
fn next_place<D: Decode, E>(receiving: &mut Receiving<D>) -> Result<Received<MessagePlace>, Cause<D::Error, E>> {
    match has_started(receiving)? {
        true => match receiving.poll_place().map_err(Cause::Fault)? {
            Received::Wait { until } => match receiving.flooded() {
                Some(most) => Err(Cause::TooManyEmpty { most }),
                None => Ok(Received::Wait { until }),
            },
            received => Ok(received),
        },
        false => Ok(Received::Wait { until: receiving.kept_until() }),
    }
}

/// Returns whether everything that precedes the first message has arrived.
#[inline]
pub(super) fn has_started<D: Decode, E>(receiving: &mut Receiving<D>) -> Result<bool, Cause<D::Error, E>> {
    if receiving.poll_preamble().map_err(Cause::Preamble)? {
        return Ok(true);
    }
    if receiving.dialogue().is_some() {
        return Err(Cause::Dialogue(DialogueError::Unfinished));
    }
    receiving.proxy_header().map_or(Ok(false), |header| Err(Cause::ProxyHeader(header)))
}
