//! Many calls at a time on one connection, in an event loop.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token, event};

use super::{Connection, WriteStream};
use crate::FramingPair;
use crate::calls::{CallLoop, CauseOf, Event, Leg, Legs, TryCall};
use crate::connection::{Endpoint as _, docs};
use crate::drive::{self, Clock as _, TryRecv, TrySend};
use crate::error::{CallError, Cause, Error};
use crate::server::ServedOutput;
use crate::session::{CallId, Matching, Ticket, Unfinished};

type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type CallResult<T, C> = std::result::Result<T, CallError<<C as Decode>::Error, <C as Encode>::Error>>;
type CallLoopOf<C> = CallLoop<<C as Decode>::Error, <C as Encode>::Error>;
pub(super) type EventOf<C> = Event<<C as Decode>::Error, <C as Encode>::Error>;

/// A connection with many calls in flight, with operations that return at once.
///
/// [`Connection::duplex`] makes it. Register it for reading and writing. At each event, and when the time of
/// [`deadline`](Self::deadline) is over without an event:
///
/// 1. Call [`try_flush`](Self::try_flush).
/// 2. Call [`try_recv`](Self::try_recv) until it returns [`TryRecv::Nothing`].
///
/// Requests that are ready together share a write. While another whole message has arrived, a request is queued, up to 64
/// KiB. It is written with the others before `try_recv` returns `Nothing`.
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
pub struct Duplex<C: Decode + Encode = FramingPair, S = TcpStream> {
    pub(super) connection: Connection<C, S>,
    /// For a simplex pair: the connection for sending. `connection` is then the connection for receiving.
    pub(super) sending: Option<Box<Connection<C, S>>>,
    calls: CallLoopOf<C>,
}

impl<C: Decode + Encode, S: Read + WriteStream> Connection<C, S> {
    #[doc = docs!(duplex)]
    pub fn duplex(mut self, matching: Matching) -> Duplex<C, S> {
        let matching = self.begin_duplex(matching);
        Duplex::new(self, matching)
    }

    #[doc = docs!(simplex)]
    pub fn simplex(mut self, mut receiving: Self, matching: Matching) -> Duplex<C, S> {
        let matching = self.begin_simplex(&mut receiving, matching);
        receiving.duplex(matching).paired(self)
    }
}

impl<C: Decode + Encode, S> Duplex<C, S> {
    fn new(connection: Connection<C, S>, matching: Matching) -> Self {
        Self { calls: CallLoop::new(matching, connection.peer_addr()), connection, sending: None }
    }

    /// Adds the sending connection of a simplex pair.
    fn paired(self, sending: Connection<C, S>) -> Self {
        Self { sending: Some(Box::new(sending)), ..self }
    }

    /// Returns after how long to call again without an event: a call's time is over, or silence ends a message.
    pub fn deadline(&self) -> Option<Duration> {
        let sending = self.sending.as_ref().filter(|sending| sending.stream.is_some());
        let sending = sending.and_then(|sending| sending.deadline());
        let calls = self.calls.deadline(self.connection.clock.now());
        [calls, self.connection.deadline(), sending].into_iter().flatten().min()
    }

    /// Returns how many calls wait for their reply.
    pub fn in_flight(&self) -> usize {
        self.calls.in_flight()
    }

    /// Returns how many calls were given up and are not answered yet.
    pub fn unanswered(&self) -> usize {
        self.calls.unanswered()
    }

    /// Returns how many bytes are still to be written. While there are any, wait for events for writing.
    pub fn unwritten_bytes(&self) -> usize {
        self.sending.as_deref().unwrap_or(&self.connection).unwritten_bytes()
    }

    /// Returns the address of the peer. `None` for a stream without an address.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.connection.peer_addr()
    }

    /// Returns the stream, to look at it or to set options. `None` after an error has closed the connection.
    pub const fn stream(&self) -> Option<&S> {
        self.connection.stream()
    }

    fn each(&mut self, mut work: impl FnMut(&mut Connection<C, S>) -> io::Result<()>) -> io::Result<()> {
        self.sending.as_deref_mut().map_or(Ok(()), &mut work)?;
        work(&mut self.connection)
    }
}

impl<C: Decode + Encode, S: Read + WriteStream> Duplex<C, S> {
    /// Begins a call: writes the request as far as the socket takes it. If another whole message has arrived, the request
    /// is written with those that follow until `try_recv` has returned it. [`try_recv`](Self::try_recv) returns how the
    /// call ends. Each call is answered or fails exactly once, unless it is [cancelled](Self::cancel). One deadline
    /// covers the whole call.
    ///
    /// # Errors
    /// When the request was refused, for example because its key is in flight, and when the connection was lost.
    pub fn try_call(&mut self, request: &[u8], within: Duration) -> CallResult<TryCall, C> {
        let gathers = self.may_gather() && self.connection.has_at_hand();
        let (calls, legs) = self.parts();
        let begun = calls.begin(&mut Legs { gathers, ..legs }, request, within)?;
        if begun != TryCall::Full && !(gathers && self.may_gather()) {
            // The request was accepted. If writing fails, the end of the connection reports it.
            let _ = self.try_flush();
        }
        Ok(begun)
    }

    /// Gives the call up. A later reply is [`Incoming::Late`](crate::Incoming::Late). Returns false if it was over.
    pub fn cancel(&mut self, call: CallId) -> bool {
        let (calls, mut legs) = self.parts();
        calls.cancel(&mut legs, call)
    }

    /// Sends a message that is no request, as far as the socket takes it now.
    ///
    /// # Errors
    /// When the message cannot be sent with this framing, when our side has ended, or when the connection was lost.
    pub fn try_send(&mut self, message: &[u8]) -> Result<TrySend, C> {
        self.noting(|sender| sender.try_send(message))
    }

    /// Writes what is queued, as far as the socket takes it now. Returns true when all of it is written.
    ///
    /// # Errors
    /// When the connection was lost.
    pub fn try_flush(&mut self) -> Result<bool, C> {
        self.noting(Connection::try_flush)
    }

    /// Ends our side when all queued bytes are written. Replies that are owed can still arrive.
    ///
    /// # Errors
    /// When the connection was lost.
    pub fn try_finish(&mut self) -> Result<bool, C> {
        self.noting(Connection::try_finish)
    }

    /// Returns the next event, if any. After an event of mio, call this until it returns [`TryRecv::Nothing`].
    ///
    /// A call times out even while messages arrive without end. A reply that has arrived is accepted for 250 ms more.
    ///
    /// # Errors
    /// When bytes arrived that are no frame, when the stream ended inside a frame, when the connection failed, or when
    /// it was given up because a reply did not arrive. Before the error, each call in flight has got its event.
    pub fn try_recv(&mut self) -> Result<TryRecv<EventOf<C>>, C> {
        let (calls, mut legs) = self.parts();
        calls.next(&mut legs)
    }

    fn noting<T>(&mut self, work: impl FnOnce(&mut Connection<C, S>) -> Result<T, C>) -> Result<T, C> {
        let (calls, mut legs) = self.parts();
        work(legs.sender()).inspect_err(|error| calls.note(error.cause()))
    }

    /// Returns whether a request may wait for others.
    fn may_gather(&self) -> bool {
        let sending = &self.sending.as_deref().unwrap_or(&self.connection).session.sending;
        ServedOutput::<C>::may_gather(sending) && sending.told().is_none()
    }

    fn parts(&mut self) -> (&mut CallLoopOf<C>, Legs<'_, Connection<C, S>>) {
        let Self { connection, sending, calls } = self;
        (calls, Legs { receiving: connection, sending: sending.as_deref_mut(), gathers: false })
    }
}

impl<C: Decode + Encode, S: Read + WriteStream> Leg<<C as Decode>::Error, <C as Encode>::Error> for Connection<C, S> {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn receive(&mut self) -> Result<TryRecv, C> {
        Self::receive(self)
    }

    fn is_to_go_on(&self) -> bool {
        Self::is_to_go_on(self)
    }

    fn unfinished(&self) -> Option<Unfinished> {
        self.session.receiving.unfinished()
    }

    fn owes_beat(&self) -> bool {
        self.session.sending.owes_beat()
    }

    fn put(&mut self, message: &[u8], gathers: bool) -> std::result::Result<Option<Ticket>, CauseOf<C>> {
        self.both(|session, port, clock| match gathers {
            true => {
                let ticket = session.sending.queue(message).map_err(Cause::Refused)?;
                session.sending.on_queued();
                Ok(Some(ticket))
            }
            false => drive::put(&mut session.sending, port, clock, message),
        })
    }

    fn written(&self) -> u64 {
        self.session.sending.byte_count().get()
    }

    fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    fn close(&mut self) {
        self.close_now();
    }
}

/// Shows lengths and states only: card numbers travel in requests.
impl<C: Decode + Encode, S> fmt::Debug for Duplex<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("connection", &self.connection)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

/// Both connections of a pair are registered with one token.
impl<C: Decode + Encode, S: event::Source> event::Source for Duplex<C, S> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.each(|connection| connection.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.each(|connection| connection.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.each(|connection| connection.deregister(registry))
    }
}
