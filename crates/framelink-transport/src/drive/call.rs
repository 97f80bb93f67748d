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
        let mut round = Round { receiving, sending, port, clock, turn: Turn::default(), looks: 0 };
        loop {
            let next = match self.stage {
                Stage::Greet => round.greet()?,
                Stage::Look => round.look()?,
                Stage::Put if !round.sending.has_room() => round.make_room()?,
                Stage::Put => self.put(&mut round)?,
                Stage::Flush => round.flush(self.ticket)?,
                Stage::Reply => round.reply()?,
            };
            match next {
                Next::Stage(stage) => self.stage = stage,
                Next::Wait(wants, stage) => {
                    self.stage = stage;
                    return Ok(Answer::Wait(wants));
                }
                Next::Reply(reply) => return Ok(Answer::Reply(reply)),
            }
        }
    }

    #[inline]
    fn put<D: Decode, E: Encode, O: Port, K: Clock>(
        &mut self,
        round: &mut Round<'_, D, E, O, K>,
    ) -> Result<Next, Cause<D::Error, E::Error>> {
        let put = put(round.sending, round.port.output(), round.clock, self.request.as_ref())?;
        let Some(ticket) = put else { return Ok(Next::Wait(Wants::Write, Stage::Put)) };
        self.ticket = Some(ticket);
        round.receiving.hold_pulse();
        if self.half_close {
            round.sending.finish();
        }
        Ok(Next::Stage(Stage::Flush))
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

/// What a stage came to.
enum Next {
    Stage(Stage),
    /// This has to be waited for; then the call goes on with that stage.
    Wait(Wants, Stage),
    Reply(Message),
}

/// What the stages of a call work with, until one has to wait.
struct Round<'r, D: Decode, E: Encode, P, K> {
    receiving: &'r mut Receiving<D>,
    sending: &'r mut Sending<E>,
    port: &'r mut P,
    clock: &'r K,
    turn: Turn,
    /// How often it has looked for what came before the request.
    looks: u32,
}

/// So often at most it looks for what came before the request, without a look at anything else.
const LOOKS: u32 = 64;

impl<D: Decode, E: Encode, P: Port, K: Clock> Round<'_, D, E, P, K> {
    #[inline]
    fn greet(&mut self) -> Result<Next, Cause<D::Error, E::Error>> {
        if has_started(self.receiving)? {
            return Ok(Next::Stage(Stage::Look));
        }
        let is_out = flush(self.sending, self.port.output(), self.clock)? == Progress::Done;
        // While our preamble is not out the peer may wait with reading until we have read.
        let greeted = match is_out {
            true => greeted(self.receiving, self.port.input(), self.clock)?,
            false => greeted(self.receiving, &mut Now(self.port.input()), self.clock)?,
        };
        Ok(match greeted {
            Ok(()) => Next::Stage(Stage::Look),
            Err(until) if is_out => Next::Wait(Wants::Read(until), Stage::Greet),
            Err(until) => Next::Wait(Wants::Both(until), Stage::Greet),
        })
    }

    /// Looks whether anything has come that could be taken for the reply.
    #[inline]
    fn look(&mut self) -> Result<Next, Cause<D::Error, E::Error>> {
        let before = self.receiving.byte_count().get();
        // From the first look on the frames are counted.
        let was_long = self.turn.is_long(self.receiving);
        let looked = look(self.receiving, self.port.input(), self.clock);
        if self.receiving.is_inside_message()
            && let Some(wants) = is_unsure(&mut self.turn, self.receiving, self.sending, self.port, self.clock)?
        {
            return Ok(Next::Wait(wants, Stage::Look));
        }
        let Some(has_ended) = looked? else { return Ok(Next::Wait(Wants::Read(None), Stage::Look)) };
        if has_ended {
            return Err(Cause::NoReply);
        }
        if self.receiving.byte_count().get() == before {
            return Ok(Next::Stage(Stage::Put));
        }
        // Those were heartbeats, and there may be more behind them; at last the deadline is looked at.
        if self.looks == LOOKS || was_long {
            return Ok(Next::Wait(Wants::Read(AT_ONCE), Stage::Look));
        }
        self.looks += 1;
        Ok(Next::Stage(Stage::Look))
    }

    /// What comes before the request is accepted is no reply to it, and making room may take long: then it looks again.
    fn make_room(&mut self) -> Result<Next, Cause<D::Error, E::Error>> {
        if make_room(self.sending, self.port.output(), self.clock)? == Progress::Done {
            return Ok(Next::Stage(Stage::Look));
        }
        match self.turn.receive(self.receiving, &mut Now(self.port.input()), self.clock)? {
            Came::Message(message) => Err(unasked(self.receiving, message)),
            Came::Closed => Err(Cause::NoReply),
            Came::Beat => Ok(Next::Stage(Stage::Put)),
            Came::Wait(until) => Ok(Next::Wait(Wants::Both(until), Stage::Look)),
        }
    }

    #[inline]
    fn flush(&mut self, ticket: Option<Ticket>) -> Result<Next, Cause<D::Error, E::Error>> {
        if flush(self.sending, self.port.output(), self.clock)? == Progress::Done {
            return Ok(Next::Stage(Stage::Reply));
        }
        // A peer may answer while it reads, and wait with reading until we have read.
        match self.turn.receive(self.receiving, &mut Now(self.port.input()), self.clock)? {
            // The heartbeat leaves behind the request.
            Came::Beat => Ok(Next::Stage(Stage::Flush)),
            Came::Message(message) if ticket.is_some_and(|ticket| self.sending.sent(ticket) == Sent::Not) => {
                Err(unasked(self.receiving, message))
            }
            came => self.answer(came, Wants::Both, Stage::Flush),
        }
    }

    #[inline]
    fn reply(&mut self) -> Result<Next, Cause<D::Error, E::Error>> {
        let came = attend_in(&mut self.turn, self.receiving, self.sending, self.port, self.clock)?;
        // Both have said that they would have to wait, or everything is out.
        let wants = if self.sending.has_output() { Wants::Both } else { Wants::Read };
        self.answer(came, wants, Stage::Reply)
    }

    #[inline]
    fn answer(
        &mut self,
        came: Came,
        wants: impl FnOnce(Option<Duration>) -> Wants,
        stage: Stage,
    ) -> Result<Next, Cause<D::Error, E::Error>> {
        match came {
            Came::Message(reply) => {
                self.receiving.resume_pulse();
                self.receiving.release();
                Ok(Next::Reply(reply))
            }
            Came::Closed => Err(Cause::NoReply),
            Came::Wait(until) => Ok(Next::Wait(wants(until), stage)),
            Came::Beat => Ok(Next::Wait(Wants::Both(None), stage)),
        }
    }
}
