//! A connection: a socket and a session.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token, event};

use super::port::{Port, SecuredPort};
use super::{RecvHalf, SendHalf, WriteStream};
use crate::admission::Permit;
use crate::connection::peer_addr::PeerAddr;
use crate::connection::setup::ConnectionSetup;
use crate::connection::{self, CallErrorOf, CauseOf, Endpoint, ErrorOf, Open, SessionParts, docs};
use crate::drive::{self, Call, Clock as _, Delivery, LayersBox, Progress, Secured, TryRecv};
use crate::error::{Cause, Operation};
use crate::net::clock::Clock;
use crate::registry::Mailbox;
use crate::session::{Ending, MessageRef, Sending, Sent, Session};
use crate::tls::WriterBox;
use crate::{FramingPair, Message};

/// A connection that sends and receives messages, with operations that return at once.
///
/// A [`Connector`](super::Connector), a [`Listener`](super::Listener) or [`from_stream`](Self::from_stream) makes it.
/// It is an [`event::Source`] of mio. Register it for reading and writing. At each event, and when the time of
/// [`deadline`](Self::deadline) is over without an event:
///
/// 1. Call [`try_flush`](Self::try_flush).
/// 2. Call [`try_recv`](Self::try_recv) until it returns [`TryRecv::Nothing`], or [`try_reply`](Self::try_reply) during
///    a call.
///
/// Without an event loop, on Unix, [`recv_within`](Self::recv_within), [`send_within`](Self::send_within) and
/// [`call`](Self::call) wait for the connection's socket up to a limit.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::net::{TcpListener, TcpStream};
/// use framelink_transport::{Framing, TryRecv, TrySend, nonblocking::Connection};
///
/// let framing: Framing = "net:2".parse()?;
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut ours = Connection::from_stream(TcpStream::connect(listener.local_addr()?)?, framing)?;
/// let mut theirs = Connection::from_stream(listener.accept()?.0, framing)?;
///
/// assert_eq!(theirs.try_recv()?, TryRecv::Nothing);
/// assert_eq!(ours.try_send(b"hello")?, TrySend::Written); // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
/// let message = loop {
///     if let TryRecv::Message(message) = theirs.try_recv()? {
///         break message;
///     }
/// };
/// assert_eq!(&message[..], b"hello");
/// # Ok(())
/// # }
/// ```
pub struct Connection<C: Decode + Encode = FramingPair, S = TcpStream> {
    /// `None` after we gave up the connection.
    pub(super) stream: Option<S>,
    pub(super) session: Session<Arc<C>, Arc<C>>,
    pub(super) clock: Clock,
    pub(super) peer: PeerAddr,
    /// When the session is to be asked again, even if nothing arrives.
    until: Option<Duration>,
    /// A call that has not been answered.
    call: Option<CallUnderWay>,
    /// Whether connecting was begun and no operation has succeeded since.
    pub(super) is_connecting: bool,
    /// Whether the last read left nothing behind, if the socket is only waited for with `poll`.
    pub(super) is_dry: Option<bool>,
    /// Whether something may happen that wakes no wait for the socket: the connection has to make room for a newer one,
    /// or a message is pushed to it.
    pub(super) has_unseen: bool,
    /// The messages that a registry pushes to this connection. `None` if the connection has joined no registry.
    pub(super) mailbox: Option<Box<Mailbox<C>>>,
    layers: Option<(LayersBox, Option<WriterBox>)>,
}

impl<C: Decode + Encode> Connection<C> {
    /// Makes a connection from a connected TCP socket, which is made non-blocking. Its other options stay.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn from_stream<F: Into<Arc<C>>>(stream: std::net::TcpStream, framing: F) -> io::Result<Self> {
        let peer = stream.peer_addr().ok();
        stream.set_nonblocking(true)?;
        Ok(Self::with_peer(TcpStream::from_std(stream), framing.into(), peer.into()))
    }

    connection::socket_connection_methods!(admitted_as: note_permit);

    /// Splits the connection into two halves, for two threads or two event loops. Each half has its own descriptor of
    /// the socket. Split the connection before it is registered. Calls need both halves and are no longer possible.
    ///
    /// After a call that was given up both halves are closed, because its late reply could not be recognised.
    ///
    /// # Errors
    /// When the system cannot duplicate the descriptor of the socket. [`io::ErrorKind::NotConnected`] when the
    /// connection was closed, or a call was given up.
    #[cfg(unix)]
    pub fn split(self) -> io::Result<(RecvHalf<C>, SendHalf<C>)> {
        let stream = match self.stream {
            Some(stream) if self.session.exchange.check().is_ok() => stream,
            _ => return Err(io::ErrorKind::NotConnected.into()),
        };
        let reader = std::net::TcpStream::from(std::os::fd::OwnedFd::from(stream));
        let writer = TcpStream::from_std(reader.try_clone()?);
        let reader = TcpStream::from_std(reader);
        let Session { receiving, sending, .. } = self.session;
        let mut receiver = RecvHalf::assemble(reader, receiving, self.clock, self.peer.clone());
        let mut sender = SendHalf::assemble(writer, sending, self.clock, self.peer);
        (receiver.is_connecting, sender.is_connecting) = (self.is_connecting, self.is_connecting);
        if let Some((layers, writer)) = self.layers {
            layers.end_handshake();
            (receiver.layers, sender.tls) = (Some(layers), writer);
        }
        Ok((receiver, sender))
    }

    fn note_permit(&mut self, permit: Option<&Permit>) {
        self.has_unseen = permit.is_some_and(Permit::can_be_dropped);
    }

    /// Sends the preamble at once.
    fn greet(&mut self) {
        #[cfg(unix)]
        if let Some(stream) = &self.stream {
            crate::connection::setup::greet(stream, &mut self.session.sending);
        }
    }
}

impl<C: Decode + Encode, S> Connection<C, S> {
    /// Makes a connection from any stream whose operations return at once.
    pub fn new<F: Into<Arc<C>>>(stream: S, framing: F) -> Self {
        Self::with_peer(stream, framing.into(), PeerAddr::None)
    }

    /// The peer's address is a parameter because a socket that was reset can no longer tell it.
    pub(super) fn with_peer(stream: S, framing: Arc<C>, peer: PeerAddr) -> Self {
        Self {
            stream: Some(stream),
            session: Session::new(Arc::clone(&framing), framing),
            clock: Clock::start(),
            peer,
            until: None,
            call: None,
            is_connecting: false,
            is_dry: None,
            has_unseen: false,
            mailbox: None,
            layers: None,
        }
    }

    connection::connection_methods!(peer: peer, receiving: session.receiving);

    fn set_layers(&mut self, layers: LayersBox, writer: Option<WriterBox>) {
        self.layers = Some((layers, writer));
    }

    #[doc = docs!(stream)]
    pub const fn stream(&self) -> Option<&S> {
        self.stream.as_ref()
    }

    /// Returns how many accepted messages are not wholly written.
    pub fn unwritten(&self) -> usize {
        self.session.sending.unwritten()
    }

    /// Returns how many bytes are still to be written. While there are any, wait for events for writing.
    pub fn unwritten_bytes(&self) -> usize {
        self.session.sending.queued_len()
    }

    /// Returns whether bytes have been read that were not delivered yet. No event will tell of them.
    pub const fn has_more(&self) -> bool {
        self.session.receiving.is_inside_message()
    }

    /// Sets what is woken when the connection is to end although nothing arrives, for example because it has to [make
    /// room](crate::Admission) for a newer one. A loop that does not accept the newer connections itself needs this to
    /// look at [`deadline`](Self::deadline) in time.
    pub fn set_waker(&self, waker: &Waker) {
        self.session.receiving.wake_when_told(waker);
    }

    /// Returns after how long to call again without an event: silence ends a message, or a call's time is over.
    pub fn deadline(&self) -> Option<Duration> {
        if self.told().is_some() {
            return Some(Duration::ZERO);
        }
        let (now, receiving) = (self.clock.now(), &self.session.receiving);
        let call = self.call.as_ref().map(|under_way| under_way.deadline);
        let overdue = receiving.overdue_at().map(|(at, _)| at);
        let handshake = self.layers().and_then(|layers| layers.handshake_until());
        let until = [self.until, call, overdue, receiving.alive_at(), receiving.ends_at(now), handshake];
        Some(until.into_iter().flatten().min()?.saturating_sub(now))
    }

    /// Returns how the connection was told to end, if it was and has not ended yet.
    pub(super) fn told(&self) -> Option<Ending> {
        self.stream.as_ref().and_then(|_| self.session.receiving.told())
    }

    /// Returns whether the last operation stopped only to let others have their turn.
    pub(super) fn is_to_go_on(&self) -> bool {
        self.until == drive::AT_ONCE
    }

    /// Closes the socket.
    pub(super) fn close_now(&mut self) {
        self.stream = None;
        self.session.sending.on_failed();
        self.session.receiving.forget_if_told();
    }

    pub(super) fn error(&self, operation: Operation, cause: CauseOf<C>) -> ErrorOf<C> {
        crate::error::Error::new(operation, self.peer.get(), cause)
    }
}

/// A call that has not been answered.
struct CallUnderWay {
    call: Call<Vec<u8>>,
    within: Duration,
    deadline: Duration,
}

impl<C: Decode + Encode, S: Read + WriteStream> Connection<C, S> {
    connection::polled_send_methods!();
    connection::maintaining_connection_methods!();

    /// Advances what is exchanged before the first message. Returns whether it is finished.
    pub(super) fn try_opening(&mut self) -> Result<bool, ErrorOf<C>> {
        let advanced = self.advance_opening(()).map_err(|cause| self.opening_failed(cause))?;
        self.until = advanced.err().and_then(drive::Wants::until);
        Ok(advanced.is_ok())
    }

    /// Returns the next message if it has arrived; see [`RecvHalf::try_recv`]. If not, writes what the socket takes.
    ///
    /// # Errors
    /// As [`RecvHalf::try_recv`], and when an earlier call was given up or a call is under way.
    pub fn try_recv(&mut self) -> Result<TryRecv, ErrorOf<C>> {
        self.check(Operation::Receive)?;
        self.receive()
    }

    #[doc = docs!(try_recv_ref)]
    pub fn try_recv_ref(&mut self) -> Result<TryRecv<MessageRef<'_>>, ErrorOf<C>> {
        self.check(Operation::Receive)?;
        let place = self.receive()?;
        Ok(place.map(|place| self.session.receiving.message_at(place)))
    }

    /// Begins a call: writes the request as far as the socket takes it. Returns the reply if it has arrived already.
    /// Otherwise [`try_reply`](Self::try_reply) returns it later. One deadline covers the whole call;
    /// [`deadline`](Self::deadline) takes it into account.
    ///
    /// If the call fails, the connection can no longer be used, because a late reply must not answer the next request.
    /// The error says what the peer may have seen of the request.
    ///
    /// # Errors
    /// When the request could not be sent, when the peer closed instead of replying, when bytes arrived before the
    /// request was sent, or when an earlier call was given up or is under way.
    pub fn try_call(&mut self, request: &[u8], within: Duration) -> Result<Option<Message>, CallErrorOf<C>> {
        self.try_exchange(request, within, false)
    }

    /// Returns the reply to the call that is under way, if it has arrived.
    ///
    /// # Errors
    /// As [`try_call`](Self::try_call), and when the call's time is over. [`Cause::NoCall`] if no call is under way.
    pub fn try_reply(&mut self) -> Result<Option<Message>, CallErrorOf<C>> {
        let Some(mut under_way) = self.call.take() else {
            self.check(Operation::Call).map_err(|error| CallErrorOf::<C>::new(Sent::Not, error))?;
            let cause = if self.stream.is_none() { Cause::Closed } else { Cause::NoCall };
            return Err(self.call_error(Sent::Not, cause));
        };
        match self.advance_call(&mut under_way.call, ()) {
            Ok(Ok(reply)) => {
                self.until = None;
                Ok(Some(reply))
            }
            // The clock is checked last, because a reply that has arrived counts even after the deadline.
            Ok(Err(_)) if self.clock.now() >= under_way.deadline => {
                Err(self.time_out(&under_way.call, under_way.within))
            }
            Ok(Err(wants)) => {
                self.until = wants.until();
                self.call = Some(under_way);
                Ok(None)
            }
            Err(cause) => Err(self.call_failed(&under_way.call, cause)),
        }
    }

    /// Begins a call. With `half_close`, our side ends after the request.
    pub(super) fn try_exchange(
        &mut self,
        request: &[u8],
        within: Duration,
        half_close: bool,
    ) -> Result<Option<Message>, CallErrorOf<C>> {
        let call = self.begin_call(request.to_vec(), half_close)?;
        self.call = Some(CallUnderWay { call, within, deadline: self.clock.within(within) });
        self.try_reply()
    }

    pub(super) fn receive<M: Delivery>(&mut self) -> Result<TryRecv<M>, ErrorOf<C>> {
        self.until = None;
        let (came, until) = self.attend(())?.at_once();
        self.until = until;
        Ok(came)
    }

    /// During a call the call itself writes, and `try_reply` reports failures.
    fn flush_now(&mut self) -> Result<bool, ErrorOf<C>> {
        if self.call.is_some() {
            return Ok(self.unwritten_bytes() == 0);
        }
        self.output(|sending, port, clock| Ok(drive::flush(sending, port, clock)? == Progress::Done))
    }

    fn output<T>(
        &mut self,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut SecuredPort<'_, S>, &Clock) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        self.check(Operation::Send)?;
        self.both(|session, port, clock| work(&mut session.sending, port, clock))
            .map_err(|cause| self.error(Operation::Send, cause))
    }

    /// Runs `work` on the session and the socket.
    pub(super) fn both<T>(
        &mut self,
        work: impl FnOnce(&mut Session<Arc<C>, Arc<C>>, &mut SecuredPort<'_, S>, &Clock) -> Result<T, CauseOf<C>>,
    ) -> Result<T, CauseOf<C>> {
        let Some(stream) = &mut self.stream else { return Err(Cause::Closed) };
        let socket = Port { stream, is_connecting: &mut self.is_connecting, is_dry: None };
        work(&mut self.session, &mut Secured::both(socket, &mut self.layers), &self.clock)
    }
}

impl<C: Decode + Encode, S> SessionParts for Connection<C, S> {
    connection::session_parts!(session.receiving, session.sending, session.exchange, clock, peer);

    #[inline]
    fn has_socket(&self) -> bool {
        self.stream.is_some()
    }

    fn close_socket(&mut self) {
        self.close_now();
    }

    fn close_reading(&mut self) {
        self.stream = None;
    }

    fn count_like(&mut self, clock: Clock) {
        self.clock = clock;
    }

    fn is_calling(&self) -> bool {
        self.call.is_some()
    }

    #[inline]
    fn layers(&self) -> Option<&LayersBox> {
        self.layers.as_ref().map(|(layers, _)| layers)
    }
}

impl<C: Decode + Encode, S: Read + WriteStream> Endpoint for Connection<C, S> {
    type Wait<'w> = ();

    const AT_ONCE: () = ();

    fn open<'p, 'w: 'p>(&'p mut self, (): ()) -> Result<Open<'p, C, impl drive::Port, Clock>, CauseOf<C>> {
        let Some(stream) = &mut self.stream else { return Err(Cause::Closed) };
        let socket = Port { stream, is_connecting: &mut self.is_connecting, is_dry: self.is_dry.as_mut() };
        let port = Secured::both(socket, &mut self.layers);
        let Session { receiving, sending, .. } = &mut self.session;
        Ok(Open { receiving, sending, port, clock: &self.clock })
    }
}

/// Shows lengths and states only: card numbers travel in requests.
impl<C: Decode + Encode, S> fmt::Debug for Connection<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &self.peer)
            .field("is_open", &self.stream.is_some())
            .field("is_calling", &self.call.is_some())
            .field("unwritten_bytes", &self.unwritten_bytes())
            .finish_non_exhaustive()
    }
}

/// After an error has closed the connection there is nothing to register.
impl<C: Decode + Encode, S: event::Source> event::Source for Connection<C, S> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        open(&mut self.stream)?.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        open(&mut self.stream)?.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        open(&mut self.stream)?.deregister(registry)
    }
}

fn open<S>(stream: &mut Option<S>) -> io::Result<&mut S> {
    stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
}
