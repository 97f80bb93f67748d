//! The calls in flight on one connection, and the state of the connection.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::Cause;
use crate::session::{Arrived, CallId, Ended, InFlight, Matching, NotBegun, Sent, Ticket, Unclean};
use crate::{Incoming, LateReply, Message};

/// The calls in flight, and why no more calls are possible. `T` is what the driver stores for each call.
///
/// ```text
///   open ──► failed   nothing more can be sent; messages that arrived before are still received
///     │         │
///     │         ▼
///     ├────► over, and failed   the connection was closed on this side
///     │
///     └────► over               the peer has closed its side: no reply arrives, but sending can go on
/// ```
pub(crate) struct CallTable<T, D, E> {
    in_flight: InFlight<T>,
    /// Why no more calls are possible, and no reply arrives.
    over: Option<Cause<D, E>>,
    /// Why nothing more can be sent.
    failed: Option<Cause<D, E>>,
}

/// Why a call did not begin. Nothing of its request was sent.
pub(crate) enum Refusal<D, E> {
    /// The call can begin when another call is over.
    Later(NotBegun),
    /// The call cannot begin.
    Never(Cause<D, E>),
    /// No call can begin any more, and the connection must be closed for this reason.
    Ends(Cause<D, E>),
}

/// What a received message is.
pub(crate) enum Taken<T> {
    /// The reply to a call. It becomes late if the call is given up before it gets the reply.
    Reply(T, LateReply),
    /// A message for the receiver.
    Incoming(Incoming),
    /// A message that was read while the connection was closed on this side. The call that it may answer has failed.
    Unread(Message),
    /// A message that cannot be told from a late reply. The connection [must end](CallTable::must_end).
    Untold,
}

impl<T, D: Copy, E: Copy> CallTable<T, D, E> {
    pub(crate) fn new(matching: Matching) -> Self {
        Self { in_flight: InFlight::new(matching), over: None, failed: None }
    }

    /// See [`InFlight::begin`].
    pub(crate) fn begin(
        &mut self,
        request: &mut Cow<'_, [u8]>,
        waiter: T,
        now: Duration,
        deadline: Duration,
    ) -> Result<CallId, Refusal<D, E>> {
        if let Some(cause) = self.failed.as_ref().or(self.over.as_ref()) {
            return Err(Refusal::Never(cause.again()));
        }
        self.in_flight.begin(request, waiter, now, deadline).map_err(|why| match self.must_end() {
            Some(cause) => Refusal::Ends(cause),
            None if self.may_wait(&why) => Refusal::Later(why),
            None => Refusal::Never(Cause::NotBegun(why)),
        })
    }

    /// Removes a call of which no byte was sent. Returns its waiter, unless the call is over.
    pub(crate) fn forget(&mut self, call: CallId) -> Option<T> {
        self.in_flight.forget(call)
    }

    /// Decides whether a message is a reply, and to which call.
    pub(crate) fn take(&mut self, message: Message, now: Duration) -> Taken<T> {
        if self.is_lost() {
            return Taken::Unread(message);
        }
        match self.in_flight.claim(&message, now) {
            Ok((Some(waiter), late)) => Taken::Reply(waiter, LateReply::new(message, late)),
            Ok((None, late)) => Taken::Incoming(Incoming::Late(LateReply::new(message, late))),
            Err(Arrived::Untold) => Taken::Untold,
            Err(_) => Taken::Incoming(Incoming::Message(message)),
        }
    }

    /// Notes why nothing more can be sent. The first reason is kept.
    pub(crate) fn fail(&mut self, cause: &Cause<D, E>) {
        self.failed.get_or_insert_with(|| cause.again());
    }

    /// Notes that the connection is closed: nothing more is sent, and no reply arrives. Returns the calls that fail.
    pub(crate) fn end(&mut self, cause: &Cause<D, E>) -> Vec<T> {
        self.fail(cause);
        self.end_calls(cause)
    }

    /// Notes that no more replies arrive and no more calls are possible. Returns the calls that fail.
    pub(crate) fn end_calls(&mut self, cause: &Cause<D, E>) -> Vec<T> {
        self.over.get_or_insert_with(|| cause.again());
        self.in_flight.fail()
    }

    /// Returns why the connection must be closed, if a call that was given up requires it.
    pub(crate) fn must_end(&self) -> Option<Cause<D, E>> {
        match self.in_flight.ended()? {
            _ if self.over.is_some() => None,
            Ended::InOrder => Some(Cause::Unclean(Unclean)),
            ended => Some(Cause::NotBegun(NotBegun::Ended(ended))),
        }
    }

    pub(crate) const fn in_flight(&self) -> &InFlight<T> {
        &self.in_flight
    }

    pub(crate) const fn in_flight_mut(&mut self) -> &mut InFlight<T> {
        &mut self.in_flight
    }

    pub(crate) const fn over(&self) -> Option<&Cause<D, E>> {
        self.over.as_ref()
    }

    /// Returns why nothing more can be received or sent. After the peer has closed its side, sending can go on.
    pub(crate) fn lost(&self) -> Option<Cause<D, E>> {
        self.over.as_ref().filter(|_| self.is_lost()).map(Cause::again)
    }

    const fn is_lost(&self) -> bool {
        !matches!(self.over, None | Some(Cause::NoReply))
    }

    /// Returns why nothing more can be sent, while the receiver still reads the messages that arrived before. After the
    /// last of them, the connection is closed for this reason.
    pub(crate) fn failure(&self) -> Option<Cause<D, E>> {
        self.failed.as_ref().filter(|_| self.over.is_none()).map(Cause::again)
    }

    /// Returns why no more calls are possible, as far as is known.
    pub(crate) fn ended(&self) -> Option<Cause<D, E>> {
        self.over.as_ref().or(self.failed.as_ref()).map(Cause::again)
    }

    pub(crate) const fn failed(&self) -> Option<&Cause<D, E>> {
        self.failed.as_ref()
    }

    /// Returns whether a refused call can begin after another call has been answered.
    const fn may_wait(&self, why: &NotBegun) -> bool {
        match why {
            NotBegun::Full { .. } => true,
            NotBegun::DuplicateKey => self.in_flight.matching().is_serialized(),
            _ => false,
        }
    }
}

/// Returns what the peer may have seen of the request of a failed call, if the socket has taken `written` bytes in
/// total. If sending goes on, a queued request may still be written.
pub(crate) fn sent_of<D, E>(ticket: Ticket, written: u64, cause: &Cause<D, E>, goes_on: bool) -> Sent {
    match ticket.sent(written) {
        Sent::Not if goes_on => Sent::Perhaps,
        Sent::Perhaps if matches!(cause, Cause::TimedOut { .. }) && ticket.is_written(written) => Sent::NoReply,
        sent => sent,
    }
}
