//! One request and its reply.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::attend::attend_in;
use super::receive::{greeted, has_started, is_unsure, look, unasked};
use super::send::make_room;
use super::{AT_ONCE, Came, Clock, Now, Port, Progress, Turn, Wants, flush, put};
use crate::Message;
use crate::error::Cause;
use crate::session::{Exchange, Receiving, Sending, Sent, Ticket};

/// A request that is under way.
///
/// Whoever gives it up before it has answered leaves the exchange open: the connection is of no more use then, for the
/// reply may still come.
pub(crate) struct Call<P> {
    request: P,
    half_close: bool,
    stage: Stage,
    /// Which bytes it is, from the moment it is accepted.
    ticket: Option<Ticket>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Preambles go and come before anything else.
    Greet,
    /// Nothing may have come before the request goes out that could be taken for its reply.
    Look,
    Put,
    Flush,
    Reply,
}

/// How far a call got.
#[derive(Debug)]
pub(crate) enum Answer {
    Reply(Message),
    Wait(Wants),
}

impl<P: AsRef<[u8]>> Call<P> {
    /// Begins a call. What cannot be sent harms nothing, so it is refused before anything else is asked.
    pub(crate) fn begin<D, E: Encode>(
        exchange: &mut Exchange,
        sending: &Sending<E>,
        request: P,
        half_close: bool,
    ) -> Result<Self, Cause<D, E::Error>> {
        exchange.check().map_err(Cause::Unclean)?;
        sending.outgoing(request.as_ref()).map_err(Cause::Refused)?;
        exchange.begin().map_err(Cause::Unclean)?;
        Ok(Self { request, half_close, stage: Stage::Greet, ticket: None })
    }

    /// Goes as far as the socket lets it.
    pub(crate) fn advance<D: Decode, E: Encode>(
        &mut self,
        receiving: &mut Receiving<D>,
        sending: &mut Sending<E>,
        port: &mut impl Port,
        clock: &impl Clock,
    ) -> Result<Answer, Cause<D::Error, E::Error>> {
        /// So often at most without a look at anything else.
        const LOOKS: u32 = 64;
        let (mut looks, mut turn) = (0, Turn::default());
        loop {
            self.stage = match self.stage {
                Stage::Greet if has_started(receiving)? => Stage::Look,
                Stage::Greet => match flush(sending, port.output(), clock)? {
                    Progress::Done => match greeted(receiving, port.input(), clock)? {
                        Ok(()) => Stage::Look,
                        Err(until) => return Ok(Answer::Wait(Wants::Read(until))),
                    },
                    // The peer may wait with reading until we have read.
                    Progress::Blocked => match greeted(receiving, &mut Now(port.input()), clock)? {
                        Ok(()) => Stage::Look,
                        Err(until) => return Ok(Answer::Wait(Wants::Both(until))),
                    },
                },
                Stage::Look => {
                    let before = receiving.byte_count().get();
                    // From here on it counts.
                    let was_long = turn.is_long(receiving);
                    let looked = look(receiving, port.input(), clock);
                    if receiving.is_inside_message()
                        && let Some(wants) = is_unsure(&mut turn, receiving, sending, port, clock)?
                    {
                        return Ok(Answer::Wait(wants));
                    }
                    match looked? {
                        Some(true) => return Err(Cause::NoReply),
                        // Those were heartbeats, and there may be more behind them; at last the deadline is looked at.
                        Some(false) if receiving.byte_count().get() != before && (looks == LOOKS || was_long) => {
                            return Ok(Answer::Wait(Wants::Read(AT_ONCE)));
                        }
                        Some(false) if receiving.byte_count().get() != before => {
                            looks += 1;
                            Stage::Look
                        }
                        Some(false) => Stage::Put,
                        None => return Ok(Answer::Wait(Wants::Read(None))),
                    }
                }
                // What comes before the request is accepted is no reply to it, and making room may take long: then it looks again.
                Stage::Put if !sending.has_room() => match make_room(sending, port.output(), clock)? {
                    Progress::Done => Stage::Look,
                    Progress::Blocked => match turn.receive(receiving, &mut Now(port.input()), clock)? {
                        Came::Message(message) => return Err(unasked(receiving, message)),
                        Came::Closed => return Err(Cause::NoReply),
                        Came::Beat => Stage::Put,
                        Came::Wait(until) => {
                            self.stage = Stage::Look;
                            return Ok(Answer::Wait(Wants::Both(until)));
                        }
                    },
                },
                Stage::Put => match put(sending, port.output(), clock, self.request.as_ref())? {
                    Some(ticket) => {
                        self.ticket = Some(ticket);
                        receiving.hold_pulse();
                        if self.half_close {
                            sending.finish();
                        }
                        Stage::Flush
                    }
                    None => return Ok(Answer::Wait(Wants::Write)),
                },
                Stage::Flush => match flush(sending, port.output(), clock)? {
                    Progress::Done => Stage::Reply,
                    // A peer may answer while it reads, and wait with reading until we have read.
                    Progress::Blocked => match turn.receive(receiving, &mut Now(port.input()), clock)? {
                        // It leaves behind the request.
                        Came::Beat => Stage::Flush,
                        Came::Message(message)
                            if self.ticket.is_some_and(|ticket| sending.sent(ticket) == Sent::Not) =>
                        {
                            return Err(unasked(receiving, message));
                        }
                        came => return answer(receiving, came, Wants::Both),
                    },
                },
                Stage::Reply => {
                    let came = attend_in(&mut turn, receiving, sending, port, clock)?;
                    // Both have said that they would have to wait, or everything is out.
                    let wants = if sending.has_output() { Wants::Both } else { Wants::Read };
                    return answer(receiving, came, wants);
                }
            };
        }
    }

    /// What the peer may have seen of a call that failed.
    pub(crate) fn sent<D, E: Encode>(&self, sending: &Sending<E>, cause: &Cause<D, E::Error>) -> Sent {
        match self.ticket {
            None => Sent::Not,
            Some(ticket) if matches!(cause, Cause::TimedOut { .. }) && sending.is_written(ticket) => Sent::NoReply,
            Some(ticket) => sending.sent(ticket),
        }
    }
}

fn answer<D: Decode, E>(
    receiving: &mut Receiving<D>,
    came: Came,
    wants: impl FnOnce(Option<Duration>) -> Wants,
) -> Result<Answer, Cause<D::Error, E>> {
    match came {
        Came::Message(reply) => {
            receiving.resume_pulse();
            receiving.release();
            Ok(Answer::Reply(reply))
        }
        Came::Closed => Err(Cause::NoReply),
        Came::Wait(until) => Ok(Answer::Wait(wants(until))),
        Came::Beat => Ok(Answer::Wait(Wants::Both(None))),
    }
}
