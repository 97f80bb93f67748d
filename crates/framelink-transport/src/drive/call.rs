//! One request and its reply.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::reading::Read;
use super::receive::{has_started, next, unsolicited};
use super::send::make_room;
use super::{AT_ONCE, Came, Clock, Input, Open, Port, Progress, Turn, Wants, put};
use crate::Message;
use crate::error::Cause;
use crate::session::{Exchange, Received, Receiving, Sending, Sent, Ticket};

/// A request and the wait for its reply.
///
/// A call that is dropped before its reply leaves the exchange open: the connection can no longer be used.
pub(crate) struct Call<P> {
    request: P,
    half_close: bool,
    stage: CallStage,
    /// The bytes of the request in the stream, once it is accepted.
    ticket: Option<Ticket>,
}

#[derive(Clone, Copy, Debug)]
enum CallStage {
    /// Preambles are sent and received before anything else.
    Greet,
    /// Checks that no bytes arrived before the request that could be taken for its reply.
    Look,
    Put,
    Flush,
    Reply,
}

/// The next stage, or what to wait for first.
type Next = Result<CallStage, Wants>;

impl<P: AsRef<[u8]>> Call<P> {
    /// Begins a call. A request that cannot be sent is refused first, because it harms nothing.
    pub(crate) fn begin<D, E: Encode>(
        exchange: &mut Exchange,
        sending: &Sending<E>,
        request: P,
        half_close: bool,
    ) -> Result<Self, Cause<D, E::Error>> {
        exchange.check().map_err(Cause::Unclean)?;
        sending.outgoing(request.as_ref()).map_err(Cause::Refused)?;
        exchange.begin().map_err(Cause::Unclean)?;
        Ok(Self { request, half_close, stage: CallStage::Greet, ticket: None })
    }

    /// Makes progress as far as the socket allows. Returns the reply, or what to wait for.
    pub(crate) fn advance<D: Decode, E: Encode, O: Port, K: Clock>(
        &mut self,
        open: &mut Open<'_, D, E, O, K>,
    ) -> Result<Result<Message, Wants>, Cause<D::Error, E::Error>> {
        if let Err(wants) = open.shake_hands()? {
            return Ok(Err(wants));
        }
        let mut round = Round { open, turn: Turn::default(), looks: 0 };
        loop {
            let next = match self.stage {
                CallStage::Greet if has_started(round.open.receiving)? => Ok(CallStage::Look),
                CallStage::Greet => round.greet()?,
                CallStage::Look => round.look()?,
                // Making room may take long, and bytes that arrive meanwhile are no reply. So it looks again.
                CallStage::Put if !round.open.sending.has_room() => {
                    self.stage = CallStage::Look;
                    round.make_room()?
                }
                CallStage::Put => {
                    let Open { sending, port, clock, .. } = &mut *round.open;
                    match put(sending, port.output(), *clock, self.request.as_ref())? {
                        None => Err(Wants::Write),
                        ticket => {
                            self.ticket = ticket;
                            round.open.receiving.hold_heartbeats();
                            if self.half_close {
                                round.open.sending.finish();
                            }
                            Ok(CallStage::Flush)
                        }
                    }
                }
                CallStage::Flush if round.open.flush()? == Progress::Done => Ok(CallStage::Reply),
                // A peer may answer while it reads, and may stop reading until this side has read.
                CallStage::Flush => match round.open.receive_in(&mut round.turn, false)? {
                    // The heartbeat is written after the request.
                    Came::Beat => Ok(CallStage::Flush),
                    Came::Message(message) if self.sent_now(round.open.sending) == Sent::Not => {
                        return Err(unsolicited(round.open.receiving, message));
                    }
                    came => return answer(round.open.receiving, came, Wants::Both),
                },
                CallStage::Reply => {
                    let came = round.open.attend_in(&mut round.turn)?;
                    let Open { receiving, sending, .. } = &mut *round.open;
                    // The read would have to wait, and the write too, unless everything is written.
                    return answer(receiving, came, |until| match sending.has_output() {
                        true => Wants::Both(until),
                        false => Wants::Read(until),
                    });
                }
            };
            match next {
                Ok(stage) => self.stage = stage,
                Err(wants) => return Ok(Err(wants)),
            }
        }
    }

    /// Returns what the peer may have seen of a failed call.
    pub(crate) fn sent<D, E: Encode>(&self, sending: &Sending<E>, cause: &Cause<D, E::Error>) -> Sent {
        match self.ticket {
            Some(ticket) if matches!(cause, Cause::TimedOut { .. }) && sending.is_written(ticket) => Sent::NoReply,
            _ => self.sent_now(sending),
        }
    }

    fn sent_now<E: Encode>(&self, sending: &Sending<E>) -> Sent {
        self.ticket.map_or(Sent::Not, |ticket| sending.sent(ticket))
    }
}

/// The state of one `advance`, until a stage has to wait.
struct Round<'r, 'o, D: Decode, E: Encode, P, K> {
    open: &'r mut Open<'o, D, E, P, K>,
    turn: Turn,
    /// How often this has looked for bytes before the request.
    looks: u32,
}

impl<D: Decode, E: Encode, P: Port, K: Clock> Round<'_, '_, D, E, P, K> {
    fn greet(&mut self) -> Result<Next, Cause<D::Error, E::Error>> {
        let is_out = self.open.flush()? == Progress::Done;
        // While the preamble is not written, the peer may stop reading until this side has read.
        Ok(match self.open.inbound(is_out).greeted()? {
            Ok(()) => Ok(CallStage::Look),
            Err(until) if is_out => Err(Wants::Read(until)),
            Err(until) => Err(Wants::Both(until)),
        })
    }

    /// Checks whether anything has arrived that could be taken for the reply.
    #[inline]
    fn look(&mut self) -> Result<Next, Cause<D::Error, E::Error>> {
        /// The maximum number of looks in one turn.
        const LOOKS: u32 = 64;
        let before = self.open.receiving.byte_count().get();
        // The count of frames starts with the first look.
        let was_long = self.turn.is_long(self.open.receiving);
        let looked = self.open.inbound(true).look();
        if self.open.receiving.is_inside_message()
            && let Some(wants) = self.is_unsure()?
        {
            return Ok(Err(wants));
        }
        let Some(has_ended) = looked? else { return Ok(Err(Wants::Read(None))) };
        if has_ended {
            return Err(Cause::NoReply);
        }
        if self.open.receiving.byte_count().get() == before {
            return Ok(Ok(CallStage::Put));
        }
        // Heartbeats were read, and there may be more behind them. After a full turn the caller checks the deadline.
        if self.looks == LOOKS || was_long {
            return Ok(Err(Wants::Read(AT_ONCE)));
        }
        self.looks += 1;
        Ok(Ok(CallStage::Look))
    }

    /// Checks that only heartbeats were read before the request; anything else could be taken for its reply. While that
    /// is undecided, returns what to wait for. Writes what is due meanwhile.
    fn is_unsure(&mut self) -> Result<Option<Wants>, Cause<D::Error, E::Error>> {
        if self.open.receiving.liveness().is_none() {
            return if self.open.receiving.is_inside_message() { Err(Cause::Unsolicited) } else { Ok(None) };
        }
        loop {
            let until = match next(self.open.receiving)? {
                Received::Message(_) => return Err(Cause::Unsolicited),
                Received::Closed => return Err(Cause::NoReply),
                Received::Wait { .. } if !self.open.receiving.is_inside_message() => return Ok(None),
                Received::Wait { until } => until,
            };
            let is_blocked = self.open.sending.has_output() && self.open.flush()? == Progress::Blocked;
            // This is the beginning of a heartbeat or of an unsolicited message.
            let may_wait = !(is_blocked && self.open.port.input().waits());
            if let Read::Wait(until) = self.open.inbound(may_wait).read_in(&mut self.turn, until)? {
                return Ok(Some(if is_blocked { Wants::Both(until) } else { Wants::Read(until) }));
            }
        }
    }

    fn make_room(&mut self) -> Result<Next, Cause<D::Error, E::Error>> {
        if make_room(self.open.sending, self.open.port.output(), self.open.clock)? == Progress::Done {
            return Ok(Ok(CallStage::Look));
        }
        match self.open.receive_in(&mut self.turn, false)? {
            Came::Message(message) => Err(unsolicited(self.open.receiving, message)),
            Came::Closed => Err(Cause::NoReply),
            Came::Beat => Ok(Ok(CallStage::Put)),
            Came::Wait(until) => Ok(Err(Wants::Both(until))),
        }
    }
}

#[inline]
fn answer<D: Decode, E>(
    receiving: &mut Receiving<D>,
    came: Came,
    wants: impl FnOnce(Option<Duration>) -> Wants,
) -> Result<Result<Message, Wants>, Cause<D::Error, E>> {
    match came {
        Came::Message(reply) => {
            receiving.resume_heartbeats();
            receiving.release();
            Ok(Ok(reply))
        }
        Came::Closed => Err(Cause::NoReply),
        Came::Wait(until) => Ok(Err(wants(until))),
        Came::Beat => Ok(Err(Wants::Both(None))),
    }
}
