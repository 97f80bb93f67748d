//! Many calls at a time on one connection, in one loop.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token, event};

use super::{Connection, WriteStream};
use crate::drive::{self, Calls, Clock as _, Taken};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{CallId, Matching, Sent, Ticket};
use crate::{DecodeError, Directions, EncodeError, Incoming, Message, TryRecv, TrySend};

type Result<T, C> = std::result::Result<T, crate::connection::ErrorOf<C>>;
type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;
type CallResult<T, C> = std::result::Result<T, CallError<<C as Decode>::Error, <C as Encode>::Error>>;
pub(super) type EventOf<C> = Event<<C as Decode>::Error, <C as Encode>::Error>;

/// Sends requests on a connection, many at a time, and receives the reply to each; its operations answer at once.
///
/// Made by [`Connection::duplex`], and driven like one: register it for reading and writing, and
///
/// - when an event comes, [`try_flush`](Self::try_flush), then [`try_recv`](Self::try_recv) until it says
///   [`TryRecv::Nothing`];
/// - wait no longer than [`deadline`](Self::deadline) says, and then do the same though no event has come.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(unix)] {
/// use std::{net::{TcpListener, TcpStream}, time::Duration};
/// use framelink_transport::{Framing, TryRecv, nonblocking::{Connection, Event, TryCall}};
/// use framelink_transport::session::{KeyRule, Matching};
///
/// let framing: Framing = "net:2".parse()?;
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let ours = Connection::from_stream(TcpStream::connect(listener.local_addr()?)?, framing)?;
/// let mut theirs = Connection::from_stream(listener.accept()?.0, framing)?;
///
/// let mut ours = ours.duplex(Matching::by_key(KeyRule::at("0:2".parse()?)));
/// let TryCall::Begun(call) = ours.try_call(b"01 hello", Duration::from_secs(5))? else { panic!() };
/// theirs.recv_within(Duration::from_secs(5))?;
/// theirs.send_within(b"01 good day", Duration::from_secs(5))?;
/// let TryRecv::Message(Event::Reply { call: of, message }) = ours.recv_within(Duration::from_secs(5))? else { panic!() };
/// assert_eq!((of, &message[..]), (call, &b"01 good day"[..]));
/// # }
/// # Ok(())
/// # }
/// ```
pub struct Duplex<C: Decode + Encode = Directions, S = TcpStream> {
    pub(super) connection: Connection<C, S>,
    /// Of a pair: the connection that is only for sending, while the other one is only for receiving.
    pub(super) sending: Option<Box<Connection<C, S>>>,
    calls: Calls<Waiter, <C as Decode>::Error, <C as Encode>::Error>,
    /// What has happened and was not told yet.
    events: VecDeque<EventOf<C>>,
    /// Why nothing more can be sent, from the moment that this was seen until what had come before has been taken.
    failed: Option<CauseOf<C>>,
    /// Since when it has been known that a call's time is over, while more comes.
    late_since: Option<Duration>,
}

/// What had come when a call's time was over is taken for so much longer, where something always comes.
const GRACE: Duration = Duration::from_millis(250);

/// What is known of a call that is waited for.
#[derive(Clone, Copy)]
struct Waiter {
    /// Both from the moment when its request was accepted.
    sent: Option<(CallId, Ticket)>,
    within: Duration,
}

/// What happened on a connection with calls in flight. Complete by nature.
///
/// See [`Duplex`] for an example.
#[derive(Debug)]
pub enum Event<D = DecodeError, E = EncodeError> {
    /// A call was answered.
    Reply {
        /// Which.
        call: CallId,
        /// With this.
        message: Message,
    },
    /// A call will not be answered, or too late.
    Failed {
        /// Which.
        call: CallId,
        /// Why, and what the peer may have seen of it.
        error: CallError<D, E>,
    },
    /// Something came that answers no call that is waited for.
    Incoming(Incoming),
}

/// What came of beginning a call. Complete by nature.
///
/// See [`Duplex`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TryCall {
    /// Its request is on its way.
    Begun(CallId),
    /// Nothing was sent, for too many calls are in flight, or too many bytes queued, or another one with this key is to be answered
    /// first: try again when something has happened.
    Full,
}

impl<C: Decode + Encode, S> Duplex<C, S> {
    pub(super) fn new(connection: Connection<C, S>, matching: Matching) -> Self {
        Self {
            connection,
            sending: None,
            calls: Calls::new(matching),
            events: VecDeque::new(),
            failed: None,
            late_since: None,
        }
    }

    /// Of a pair.
    pub(super) fn paired(self, sending: Connection<C, S>) -> Self {
        Self { sending: Some(Box::new(sending)), ..self }
    }

    /// The connection that is sent on.
    pub(super) fn sender(&self) -> &Connection<C, S> {
        self.sending.as_deref().unwrap_or(&self.connection)
    }

    fn sender_mut(&mut self) -> &mut Connection<C, S> {
        self.sending.as_deref_mut().unwrap_or(&mut self.connection)
    }

    /// After so long it is to be asked again, though no event comes: a call's time may be over, or silence ends a message.
    pub fn deadline(&self) -> Option<Duration> {
        if !self.events.is_empty() {
            return Some(Duration::ZERO);
        }
        let calls = self.calls.in_flight().deadline().map(|at| at.saturating_sub(self.connection.clock.now()));
        let sending = self.sending.as_ref().filter(|sending| sending.stream.is_some());
        let sending = sending.and_then(|sending| sending.deadline());
        [calls, self.connection.deadline(), sending].into_iter().flatten().min()
    }

    /// Nobody waits for the call any more. Its reply is [`Incoming::Late`] when it comes. False if the call was over.
    pub fn cancel(&mut self, call: CallId) -> bool {
        let was_waited_for = self.calls.in_flight_mut().cancel(call);
        if let Some(cause) = self.calls.must_end() {
            self.end(&cause);
        }
        was_waited_for
    }

    /// How many calls are waited for.
    pub fn in_flight(&self) -> usize {
        self.calls.in_flight().len()
    }

    /// How many calls were given up and are not answered yet.
    pub fn unanswered(&self) -> usize {
        self.calls.in_flight().unanswered()
    }

    /// How many bytes of accepted messages are still to be written: an event for writing is worth waiting for.
    pub fn unwritten_bytes(&self) -> usize {
        self.sender().unwritten_bytes()
    }

    /// The address of the other side, where it has one.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.connection.peer_addr()
    }

    /// The stream, to look at it or to set options of its own; `None` after it was closed because of an error.
    pub const fn stream(&self) -> Option<&S> {
        self.connection.stream()
    }

    /// The connection is given up.
    fn end(&mut self, cause: &CauseOf<C>) {
        self.connection.close_now();
        self.sender_mut().close_now();
        self.end_calls(cause, false);
    }

    /// No reply comes any more.
    fn end_calls(&mut self, cause: &CauseOf<C>, sending_goes_on: bool) {
        for waiter in self.calls.end(cause) {
            self.fail(waiter, cause.again(), sending_goes_on);
        }
    }

    fn fail(&mut self, waiter: Waiter, cause: CauseOf<C>, goes_on: bool) {
        let Some((call, ticket)) = waiter.sent else { return };
        let written = self.sender().session.sending.byte_count().get();
        let sent = drive::sent_of_given_up(ticket, written, &cause, goes_on);
        let error = CallError::new(sent, self.connection.error(Operation::Call, cause));
        self.events.push_back(Event::Failed { call, error });
    }
}

impl<C: Decode + Encode, S: Read + WriteStream> Duplex<C, S> {
    /// Begins a call: the request goes out as far as the socket takes it. What becomes of it, [`try_recv`](Self::try_recv) tells:
    /// each call that was begun is answered or fails, exactly once, unless it is [cancelled](Self::cancel). All of it must happen
    /// within one deadline.
    ///
    /// # Errors
    /// When the request was refused (its key is in flight, say), and when the connection was lost.
    pub fn try_call(&mut self, request: &[u8], within: Duration) -> CallResult<TryCall, C> {
        let now = self.connection.clock.now();
        let waiter = Waiter { sent: None, within };
        let mut request = Cow::Borrowed(request);
        let call = match self.calls.begin(&mut request, waiter, now, now.saturating_add(within)) {
            Ok(call) => call,
            Err(Cause::NotBegun(why)) if drive::may_wait(why, self.calls.in_flight().matching()) => {
                return Ok(TryCall::Full);
            }
            Err(cause) => {
                if let Some(cause) = self.calls.must_end() {
                    self.end(&cause);
                }
                return Err(self.not_sent(cause));
            }
        };
        match self.put(&request) {
            Ok(Some(ticket)) => {
                if let Some(waiter) = self.calls.in_flight_mut().waiter_mut(call) {
                    waiter.sent = Some((call, ticket));
                }
                Ok(TryCall::Begun(call))
            }
            Ok(None) => {
                self.calls.forget(call);
                Ok(TryCall::Full)
            }
            Err(cause) => {
                self.calls.forget(call);
                Err(self.not_sent(cause))
            }
        }
    }

    /// Sends a message that is no request, as far as the socket takes it now.
    ///
    /// # Errors
    /// When the message cannot be sent with this framing, when our side has ended, or when the connection was lost.
    pub fn try_send(&mut self, message: &[u8]) -> Result<TrySend, C> {
        let sent = self.sender_mut().try_send(message);
        self.noting(sent)
    }

    /// Writes what is queued, as far as the socket takes it now; true when all of it is out.
    ///
    /// # Errors
    /// When the connection was lost.
    pub fn try_flush(&mut self) -> Result<bool, C> {
        let flushed = self.sender_mut().try_flush();
        self.noting(flushed)
    }

    /// Ends our side when what is queued is written. Replies that are owed can still come.
    ///
    /// # Errors
    /// When the connection was lost.
    pub fn try_finish(&mut self) -> Result<bool, C> {
        let finished = self.sender_mut().try_finish();
        self.noting(finished)
    }

    /// What happened next, if anything did. After an event of the system ask until the answer is [`TryRecv::Nothing`]. The time of calls
    /// is over also while messages come without end; a reply that had come by then is taken for 250 ms more.
    ///
    /// # Errors
    /// When what came is no frame, when the stream ended inside one, when the connection failed, or when it was given up because
    /// a reply did not come; after all calls in flight were told.
    pub fn try_recv(&mut self) -> Result<TryRecv<EventOf<C>>, C> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(TryRecv::Message(event));
            }
            if let Some(cause) = self.calls.over().filter(|cause| !matches!(cause, Cause::NoReply)) {
                return Err(self.connection.error(Operation::Receive, cause.again()));
            }
            match self.connection.receive() {
                Ok(TryRecv::Message(message)) => {
                    let now = self.connection.clock.now();
                    let event = self.take(message, now);
                    self.expire_late(now);
                    if self.sending.as_ref().is_some_and(|sending| sending.session.sending.owes_beat()) {
                        self.watch();
                    }
                    if let Some(event) = event {
                        return Ok(TryRecv::Message(event));
                    }
                }
                // There is more, and others have their turn first.
                Ok(TryRecv::Nothing) if self.connection.is_to_go_on() => {
                    self.watch();
                    self.expire_late(self.connection.clock.now());
                    if self.events.is_empty() && self.calls.over().is_none() {
                        return Ok(TryRecv::Nothing);
                    }
                }
                // What has come counts, so the clock is looked at last.
                Ok(TryRecv::Nothing) => {
                    self.watch();
                    self.expire(self.connection.clock.now());
                    match self.failed.take() {
                        Some(cause) => self.end(&cause),
                        None if self.events.is_empty() && self.calls.over().is_none() => return Ok(TryRecv::Nothing),
                        None => {}
                    }
                }
                Ok(TryRecv::Closed) => {
                    // Nothing is sent into a pair that cannot answer.
                    if let Some(sending) = &mut self.sending {
                        sending.close_now();
                    }
                    self.end_calls(&Cause::NoReply, self.sending.is_none());
                    if self.events.is_empty() {
                        return Ok(TryRecv::Closed);
                    }
                }
                Err(error) => self.end(error.cause()),
            }
        }
    }

    /// Looks for the end where only sending goes on. Heartbeats that are due leave there.
    fn watch(&mut self) {
        let Some(sending) = &mut self.sending else { return };
        let received = match sending.receive() {
            Ok(TryRecv::Nothing) => return,
            Ok(received) => Ok(received.into_message()),
            Err(error) => Err(error),
        };
        self.failed.get_or_insert(Cause::of_one_way(received));
    }

    fn take(&mut self, message: Message, now: Duration) -> Option<EventOf<C>> {
        match self.calls.take(message, now) {
            Taken::Incoming(incoming) => Some(Event::Incoming(incoming)),
            Taken::Reply(waiter, reply) => {
                waiter.sent.map(|(call, _)| Event::Reply { call, message: reply.into_message() })
            }
            Taken::Untold => {
                if let Some(cause) = self.calls.must_end() {
                    self.end(&cause);
                }
                None
            }
        }
    }

    /// Gives up the calls whose time is over, though something always comes. A reply that had come when that was seen has been taken
    /// by then.
    fn expire_late(&mut self, now: Duration) {
        if self.calls.in_flight().deadline().is_none_or(|at| at > now) {
            self.late_since = None;
            return;
        }
        let since = *self.late_since.get_or_insert(now);
        if now.saturating_sub(since) >= GRACE {
            self.expire(since);
        }
    }

    /// Gives up the calls whose time was over at that moment.
    fn expire(&mut self, at: Duration) {
        self.late_since = None;
        let expired = self.calls.in_flight_mut().expire(at);
        let must_end = self.calls.must_end();
        for waiter in expired.into_iter().filter_map(|(_, waiter)| waiter) {
            let cause = self.timed_out(waiter);
            self.fail(waiter, cause, must_end.is_none());
        }
        if let Some(cause) = must_end {
            self.end(&cause);
        }
    }

    fn timed_out(&self, waiter: Waiter) -> CauseOf<C> {
        let written = self.sender().session.sending.byte_count().get();
        let unwritten_bytes = waiter.sent.map_or(0, |(_, ticket)| ticket.unwritten(written));
        let unfinished = self.connection.session.receiving.unfinished();
        Cause::TimedOut { after: waiter.within, unwritten_bytes, unfinished }
    }

    /// Accepts a request if there is room for it, and writes as much as the socket takes.
    fn put(&mut self, request: &[u8]) -> std::result::Result<Option<Ticket>, CauseOf<C>> {
        let put = self.sender_mut().both(|session, port, clock| drive::put(&mut session.sending, port, clock, request));
        match put {
            Ok(Some(ticket)) => {
                // If that fails, it is not before the request was accepted: the end of the connection tells.
                let _ = self.try_flush();
                Ok(Some(ticket))
            }
            Ok(None) => Ok(None),
            Err(cause) => {
                self.note(&cause);
                Err(cause)
            }
        }
    }

    fn noting<T>(&mut self, done: Result<T, C>) -> Result<T, C> {
        if let Err(error) = &done {
            self.note(error.cause());
        }
        done
    }

    fn note(&mut self, cause: &CauseOf<C>) {
        if !matches!(cause, Cause::Refused(_)) {
            self.failed.get_or_insert_with(|| cause.again());
        }
    }

    fn not_sent(&self, cause: CauseOf<C>) -> CallError<<C as Decode>::Error, <C as Encode>::Error> {
        CallError::new(Sent::Not, Error::new(Operation::Call, self.peer_addr(), cause))
    }
}

/// Lengths and states only: card numbers travel in requests.
impl<C: Decode + Encode, S> fmt::Debug for Duplex<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("connection", &self.connection)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

/// Both connections of a pair have the same token.
impl<C: Decode + Encode, S: event::Source> event::Source for Duplex<C, S> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        if let Some(sending) = &mut self.sending {
            sending.register(registry, token, interests)?;
        }
        self.connection.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        if let Some(sending) = &mut self.sending {
            sending.reregister(registry, token, interests)?;
        }
        self.connection.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        if let Some(sending) = &mut self.sending {
            sending.deregister(registry)?;
        }
        self.connection.deregister(registry)
    }
}
