//! Many calls at a time on one connection: what its callers and its receiver share.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::Cause;
use crate::session::{Arrived, CallId, InFlight, Incoming, LateReply, Matching, NotBegun, Sent, Ticket, Unclean};
use crate::{Message, session::Ended};

/// The calls in flight, and why there can be no more. `T` is what each is waited for with.
pub(crate) struct Calls<T, D, E> {
    in_flight: InFlight<T>,
    /// Why there can be no more calls.
    over: Option<Cause<D, E>>,
}

/// What a message came to.
pub(crate) enum Taken<T> {
    /// The reply to a call. It is late if the call is given up before it has the reply.
    Reply(T, LateReply),
    /// Something for the receiver.
    Incoming(Incoming),
    /// Nobody can tell whose it is, and the connection [must end](Calls::must_end).
    Untold,
}

impl<T, D: Copy, E: Copy> Calls<T, D, E> {
    pub(crate) fn new(matching: Matching) -> Self {
        Self { in_flight: InFlight::new(matching), over: None }
    }

    /// See [`InFlight::begin`].
    pub(crate) fn begin(
        &mut self,
        request: &mut Cow<'_, [u8]>,
        waiter: T,
        now: Duration,
        deadline: Duration,
    ) -> Result<CallId, Cause<D, E>> {
        if let Some(cause) = &self.over {
            return Err(cause.again());
        }
        self.in_flight.begin(request, waiter, now, deadline).map_err(Cause::NotBegun)
    }

    pub(crate) fn forget(&mut self, call: CallId) {
        self.in_flight.forget(call);
    }

    /// Tells replies from the rest.
    pub(crate) fn take(&mut self, message: Message, now: Duration) -> Taken<T> {
        match self.in_flight.claim(&message, now) {
            Ok((Some(waiter), late)) => Taken::Reply(waiter, LateReply::new(message, late)),
            Ok((None, late)) => Taken::Incoming(Incoming::Late(LateReply::new(message, late))),
            Err(Arrived::Untold) => Taken::Untold,
            Err(_) => Taken::Incoming(Incoming::Message(message)),
        }
    }

    /// There can be no more calls, for this reason unless there was one before. Those that are told so.
    pub(crate) fn end(&mut self, cause: &Cause<D, E>) -> Vec<T> {
        self.over.get_or_insert_with(|| cause.again());
        self.in_flight.fail()
    }

    /// Why the connection has to be given up, if a call that was given up is a reason for that.
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

    /// Why there can be no more calls.
    pub(crate) const fn over(&self) -> Option<&Cause<D, E>> {
        self.over.as_ref()
    }
}

/// Whether a call may begin later, after another one has been answered.
pub(crate) const fn may_wait(why: NotBegun, matching: &Matching) -> bool {
    match why {
        NotBegun::Full { .. } => true,
        NotBegun::DuplicateKey => matching.is_serialized(),
        _ => false,
    }
}

/// The same of a request whose call was given up. Where the link goes on, what waits to be written of it leaves still.
pub(crate) fn sent_of_given_up<D, E>(ticket: Ticket, written: u64, cause: &Cause<D, E>, goes_on: bool) -> Sent {
    match sent_of(ticket, written, cause) {
        Sent::Not if goes_on => Sent::Perhaps,
        sent => sent,
    }
}

/// What the peer may have seen of a request that failed, if so many bytes were written in all.
pub(crate) fn sent_of<D, E>(ticket: Ticket, written: u64, cause: &Cause<D, E>) -> Sent {
    match ticket.sent(written) {
        Sent::Perhaps if matches!(cause, Cause::TimedOut { .. }) && ticket.is_written(written) => Sent::NoReply,
        sent => sent,
    }
}
