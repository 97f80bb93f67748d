//! Many calls at a time in one event loop.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::table::sent_of;
use super::{CallTable, Event, Refusal, Taken, TryCall};
use crate::Message;
use crate::drive::TryRecv;
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{CallId, Matching, Sent, Ticket, Unfinished};

/// One connection of the loop. All its operations return at once.
pub(crate) trait Leg<D, E> {
    fn now(&self) -> Duration;
    fn receive(&mut self) -> Result<TryRecv, Error<D, E>>;
    /// Returns whether the last [`receive`](Self::receive) stopped to let others have their turn, with more to read.
    fn is_to_go_on(&self) -> bool;
    /// Returns what is known of a message that has arrived only in part.
    fn unfinished(&self) -> Option<Unfinished>;
    /// Returns whether a heartbeat is due. [`receive`](Self::receive) sends it.
    fn owes_beat(&self) -> bool;
    /// Accepts a message. Returns `None` if there is no room for it. With `gathers` it is written later, with others.
    fn put(&mut self, message: &[u8], gathers: bool) -> Result<Option<Ticket>, Cause<D, E>>;
    /// Returns how many bytes the socket has taken in total.
    fn written(&self) -> u64;
    /// Returns whether the connection is open on this side.
    fn is_open(&self) -> bool;
    fn close(&mut self);
}

/// The connection of the calls, or the two connections of a simplex pair.
pub(crate) struct Legs<'l, L> {
    /// The connection that receives. In a pair, it only receives.
    pub(crate) receiving: &'l mut L,
    /// The second connection of a pair, which only sends.
    pub(crate) sending: Option<&'l mut L>,
    /// Whether requests wait for others, because the loop takes another message at once.
    pub(crate) gathers: bool,
}

impl<L> Legs<'_, L> {
    /// Returns the connection that sends.
    pub(crate) const fn sender(&mut self) -> &mut L {
        match &mut self.sending {
            Some(sending) => sending,
            None => self.receiving,
        }
    }
}

/// The calls in flight of one event loop, and the events that it has not returned yet.
pub(crate) struct CallLoop<D, E> {
    table: CallTable<Waiter, D, E>,
    events: VecDeque<Event<D, E>>,
    /// Since when a call has been overdue while more messages keep arriving.
    late_since: Option<Duration>,
    peer: Option<SocketAddr>,
}

/// How long an overdue call is kept while messages arrive. Messages that arrived before its deadline are read first.
const GRACE: Duration = Duration::from_millis(250);

/// What is stored for a call in flight.
#[derive(Clone, Copy)]
struct Waiter {
    /// The call and its request, once the request is accepted.
    sent: Option<(CallId, Ticket)>,
    within: Duration,
}

impl<D: Copy, E: Copy> CallLoop<D, E> {
    pub(crate) fn new(matching: Matching, peer: Option<SocketAddr>) -> Self {
        Self { table: CallTable::new(matching), events: VecDeque::new(), late_since: None, peer }
    }

    /// Returns after what time to call [`next`](Self::next) even if no message arrives.
    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        match self.events.is_empty() {
            true => self.table.in_flight().deadline().map(|at| at.saturating_sub(now)),
            false => Some(Duration::ZERO),
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.table.in_flight().len()
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.table.in_flight().unanswered()
    }

    /// Begins a call: accepts its request, and writes as much of it as the socket takes at once.
    pub(crate) fn begin(
        &mut self,
        legs: &mut Legs<'_, impl Leg<D, E>>,
        request: &[u8],
        within: Duration,
    ) -> Result<TryCall, CallError<D, E>> {
        let begun = self.begin_on(legs, request, within);
        begun.map_err(|cause| CallError::new(Sent::Not, Error::new(Operation::Call, self.peer, cause)))
    }

    fn begin_on(
        &mut self,
        legs: &mut Legs<'_, impl Leg<D, E>>,
        request: &[u8],
        within: Duration,
    ) -> Result<TryCall, Cause<D, E>> {
        let (now, waiter) = (legs.receiving.now(), Waiter { sent: None, within });
        let mut request = Cow::Borrowed(request);
        let call = match self.table.begin(&mut request, waiter, now, now.saturating_add(within)) {
            Ok(call) => call,
            Err(Refusal::Later(_)) => return Ok(TryCall::Full),
            Err(Refusal::Never(cause)) => return Err(cause),
            Err(Refusal::Ends(cause)) => {
                self.end(legs, &cause);
                return Err(cause);
            }
        };
        let gathers = legs.gathers;
        let put = legs.sender().put(&request, gathers).inspect_err(|cause| self.note(cause));
        let Ok(Some(ticket)) = put else {
            self.table.forget(call);
            return put.map(|_| TryCall::Full);
        };
        if let Some(waiter) = self.table.in_flight_mut().waiter_mut(call) {
            waiter.sent = Some((call, ticket));
        }
        Ok(TryCall::Begun(call))
    }

    /// Cancels a call. Returns false if the call was over.
    pub(crate) fn cancel(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>, call: CallId) -> bool {
        let was_waited_for = self.table.in_flight_mut().cancel(call);
        self.end_if_needed(legs);
        was_waited_for
    }

    /// Notes why a message could not be sent. Messages that arrived before that are still received first.
    pub(crate) fn note(&mut self, cause: &Cause<D, E>) {
        if !matches!(cause, Cause::Refused(_)) {
            self.table.fail(cause);
        }
    }

    /// Returns the next event, if there is one.
    pub(crate) fn next(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>) -> Result<TryRecv<Event<D, E>>, Error<D, E>> {
        self.advance(legs).map_err(|cause| Error::new(Operation::Receive, self.peer, cause))
    }

    fn advance(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>) -> Result<TryRecv<Event<D, E>>, Cause<D, E>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(TryRecv::Message(event));
            }
            if let Some(cause) = self.table.lost() {
                return Err(cause);
            }
            match legs.receiving.receive() {
                Ok(TryRecv::Message(message)) => {
                    if let Some(event) = self.on_message(legs, message) {
                        return Ok(TryRecv::Message(event));
                    }
                }
                Ok(TryRecv::Nothing) => {
                    self.on_nothing(legs);
                    if self.events.is_empty() && self.table.lost().is_none() {
                        return Ok(TryRecv::Nothing);
                    }
                }
                Ok(TryRecv::Closed) => {
                    self.on_closed(legs);
                    if self.events.is_empty() {
                        return Ok(TryRecv::Closed);
                    }
                }
                Err(error) => {
                    self.end(legs, error.cause());
                    if self.events.is_empty() {
                        return Err(error.into_cause());
                    }
                }
            }
        }
    }

    fn on_message(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>, message: Message) -> Option<Event<D, E>> {
        let now = legs.receiving.now();
        let event = match self.table.take(message, now) {
            Taken::Incoming(incoming) => Some(Event::Incoming(incoming)),
            Taken::Reply(waiter, reply) => {
                waiter.sent.map(|(call, _)| Event::Reply { call, message: reply.into_message() })
            }
            Taken::Untold => {
                self.end_if_needed(legs);
                None
            }
            // A loop does not close the connection while it reads.
            Taken::Unread(_) => None,
        };
        self.expire_late(legs, now);
        if legs.sending.as_ref().is_some_and(|sending| sending.owes_beat()) {
            self.watch(legs);
        }
        event
    }

    fn on_nothing(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>) {
        self.watch(legs);
        let now = legs.receiving.now();
        // There is more to read, and others have their turn first.
        if legs.receiving.is_to_go_on() {
            return self.expire_late(legs, now);
        }
        // A reply that has arrived counts, so the clock is checked last.
        self.expire(legs, now);
        if let Some(cause) = self.table.failure() {
            self.end(legs, &cause);
        }
    }

    /// Ends the calls when the peer has closed. A pair also stops sending, because no reply can arrive.
    fn on_closed(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>) {
        let cause = Cause::NoReply;
        let waiters = match &mut legs.sending {
            Some(sending) => {
                sending.close();
                self.table.end(&cause)
            }
            None => self.table.end_calls(&cause),
        };
        self.tell(legs, waiters, &cause);
    }

    /// Checks the sending connection of a pair for its end, and writes the heartbeats that are due there.
    fn watch(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>) {
        let Some(sending) = &mut legs.sending else { return };
        let received = match sending.receive() {
            Ok(TryRecv::Nothing) => return,
            received => received.map(TryRecv::into_message),
        };
        self.table.fail(&Cause::of_one_way(received));
    }

    /// Ends overdue calls while messages keep arriving, after the grace time. By then, every reply that had arrived
    /// when the call became overdue has been read.
    fn expire_late(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>, now: Duration) {
        if self.table.in_flight().deadline().is_none_or(|at| at > now) {
            self.late_since = None;
            return;
        }
        let since = *self.late_since.get_or_insert(now);
        if now.saturating_sub(since) >= GRACE {
            self.expire(legs, since);
        }
    }

    /// Ends the calls whose deadline was before `at`.
    fn expire(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>, at: Duration) {
        self.late_since = None;
        let expired = self.table.in_flight_mut().expire(at);
        for waiter in expired.into_iter().filter_map(|(_, waiter)| waiter) {
            let unwritten_bytes = waiter.sent.map_or(0, |(_, ticket)| ticket.unwritten(legs.sender().written()));
            let unfinished = legs.receiving.unfinished();
            self.fail(legs, waiter, Cause::TimedOut { after: waiter.within, unwritten_bytes, unfinished });
        }
        self.end_if_needed(legs);
    }

    /// Closes the connection if a call that was given up makes that necessary.
    fn end_if_needed(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>) {
        if let Some(cause) = self.table.must_end() {
            self.end(legs, &cause);
        }
    }

    /// Closes the connection and fails all calls.
    fn end(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>, cause: &Cause<D, E>) {
        legs.receiving.close();
        legs.sender().close();
        let waiters = self.table.end(cause);
        self.tell(legs, waiters, cause);
    }

    fn tell(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>, waiters: Vec<Waiter>, cause: &Cause<D, E>) {
        for waiter in waiters {
            self.fail(legs, waiter, cause.again());
        }
    }

    fn fail(&mut self, legs: &mut Legs<'_, impl Leg<D, E>>, waiter: Waiter, cause: Cause<D, E>) {
        let Some((call, ticket)) = waiter.sent else { return };
        let goes_on = legs.sender().is_open() && self.table.must_end().is_none();
        let sent = sent_of(ticket, legs.sender().written(), &cause, goes_on);
        let error = CallError::new(sent, Error::new(Operation::Call, self.peer, cause));
        self.events.push_back(Event::Failed { call, error });
    }
}
