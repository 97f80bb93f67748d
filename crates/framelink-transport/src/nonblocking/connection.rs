//! A socket and a session.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token, event};

use super::port::Port;
use super::{RecvHalf, SendHalf, WriteStream};
use crate::admission::Permit;
use crate::connection::setup::ConnectionSetup;
use crate::connection::{self, CallErrorOf, CauseOf, Endpoint, ErrorOf, Open, SessionParts, docs};
use crate::drive::{self, Call, Clock as _, Progress, TryRecv};
use crate::error::{Cause, Operation};
use crate::net::clock::Clock;
use crate::registry::Mailbox;
use crate::session::{Ending, Sending, Sent, Session};
use crate::{FramingPair, Message};

/// A connection that exchanges messages, and whose operations answer at once.
///
/// Made by a [`Connector`](super::Connector), by a [`Listener`](super::Listener), or from a stream that is there already. It is
/// an [`event::Source`] of mio: register it for reading and writing, and
///
/// - when an event comes, [`try_flush`](Self::try_flush), then [`try_recv`](Self::try_recv) until it says
///   [`TryRecv::Nothing`] (or [`try_reply`](Self::try_reply), where a call is under way);
/// - wait no longer than [`deadline`](Self::deadline) says, and then do the same though no event has come.
///
/// Without an event loop, on Unix, [`recv_within`](Self::recv_within), [`send_within`](Self::send_within) and
/// [`call`](Self::call) wait for this one socket up to a limit.
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
    /// `None` after we gave the connection up.
    pub(super) stream: Option<S>,
    pub(super) session: Session<Arc<C>, Arc<C>>,
    pub(super) clock: Clock,
    pub(super) peer: Option<SocketAddr>,
    /// When the session wants to be asked again though nothing comes.
    until: Option<Duration>,
    /// One that was begun and has not been answered.
    call: Option<CallUnderWay>,
    /// Whether it was begun to be connected, and has done nothing since.
    pub(super) is_connecting: bool,
    /// Whether it may have to make room for a newer one.
    pub(super) can_be_dropped: bool,
    /// What is pushed to it, once it has joined a registry.
    pub(super) mailbox: Option<Mailbox<C>>,
}

impl<C: Decode + Encode> Connection<C> {
    /// A connection on a TCP socket that is connected already; it is made non-blocking, its other options are left as they are.
    ///
    /// # Errors
    /// As the system has it.
    pub fn from_stream<F: Into<Arc<C>>>(stream: std::net::TcpStream, framing: F) -> io::Result<Self> {
        let peer = stream.peer_addr().ok();
        stream.set_nonblocking(true)?;
        Ok(Self::with_peer(TcpStream::from_std(stream), framing.into(), peer))
    }

    connection::socket_connection_methods!(admitted_as: note_permit);

    /// The two halves, for two threads or two event loops: two descriptors of one socket. Calls need both and are no longer
    /// possible. To be done before the connection is registered anywhere.
    ///
    /// After a call that was given up they are closed: nothing could be told from its late reply.
    ///
    /// # Errors
    /// When the system has no other descriptor for the socket.
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
        let mut receiver = RecvHalf::assemble(reader, receiving, self.clock, self.peer);
        let mut sender = SendHalf::assemble(writer, sending, self.clock, self.peer);
        (receiver.is_connecting, sender.is_connecting) = (self.is_connecting, self.is_connecting);
        Ok((receiver, sender))
    }

    fn note_permit(&mut self, permit: Option<&Permit>) {
        self.can_be_dropped = permit.is_some_and(Permit::can_be_dropped);
    }

    /// A preamble goes out at once.
    fn greet(&mut self) {
        #[cfg(unix)]
        if let Some(stream) = &self.stream {
            crate::connection::setup::greet(stream, &mut self.session.sending);
        }
    }
}

impl<C: Decode + Encode, S> Connection<C, S> {
    /// A connection on any stream whose operations answer at once.
    pub fn new<F: Into<Arc<C>>>(stream: S, framing: F) -> Self {
        Self::with_peer(stream, framing.into(), None)
    }

    /// A socket that was reset already cannot say any more what the address of its peer was.
    pub(super) fn with_peer(stream: S, framing: Arc<C>, peer: Option<SocketAddr>) -> Self {
        Self {
            stream: Some(stream),
            session: Session::new(Arc::clone(&framing), framing),
            clock: Clock::start(),
            peer,
            until: None,
            call: None,
            is_connecting: false,
            can_be_dropped: false,
            mailbox: None,
        }
    }

    connection::connection_methods!(peer: peer, receiving: session.receiving);

    #[doc = docs!(stream)]
    pub const fn stream(&self) -> Option<&S> {
        self.stream.as_ref()
    }

    /// How many messages were accepted and are not wholly written.
    pub fn unwritten(&self) -> usize {
        self.session.sending.unwritten()
    }

    /// How many bytes of accepted messages are still to be written: an event for writing is worth waiting for.
    pub fn unwritten_bytes(&self) -> usize {
        self.session.sending.queued_len()
    }

    /// Whether bytes have been read that were not delivered yet: no event will tell of them.
    pub const fn has_more(&self) -> bool {
        self.session.receiving.is_inside_message()
    }

    /// What is told when the connection is to end though nothing comes, because it has to [make room](crate::Admission) for a newer
    /// one, say: for a loop that does not accept the newer ones itself, and would look at [`deadline`](Self::deadline) only then.
    pub fn set_waker(&self, waker: &Waker) {
        self.session.receiving.wake_when_told(waker);
    }

    /// After so long the connection is to be asked again, though no event comes: silence ends a message, or a call's time is over.
    pub fn deadline(&self) -> Option<Duration> {
        if self.told().is_some() {
            return Some(Duration::ZERO);
        }
        let (now, receiving) = (self.clock.now(), &self.session.receiving);
        let call = self.call.as_ref().map(|under_way| under_way.deadline);
        let overdue = receiving.overdue_at().map(|(at, _)| at);
        let until = [self.until, call, overdue, receiving.alive_at(), receiving.ends_at(now)].into_iter().flatten();
        Some(until.min()?.saturating_sub(now))
    }

    /// Whether it was told to end at once, and has not.
    pub(super) fn told(&self) -> Option<Ending> {
        self.stream.as_ref().and_then(|_| self.session.receiving.told())
    }

    /// Whether the last time nothing came because it is to be asked again at once.
    pub(super) fn is_to_go_on(&self) -> bool {
        self.until == drive::AT_ONCE
    }

    /// Gives the socket up.
    pub(super) fn close_now(&mut self) {
        self.stream = None;
        self.session.sending.on_failed();
        self.session.receiving.forget_if_told();
    }

    pub(super) const fn error(&self, operation: Operation, cause: CauseOf<C>) -> ErrorOf<C> {
        crate::error::Error::new(operation, self.peer, cause)
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

    /// The next message, if it is there; see [`RecvHalf::try_recv`]. If it is not, queued bytes are written as far as the socket takes
    /// them.
    ///
    /// # Errors
    /// As there, and when an earlier call was given up or one is under way.
    pub fn try_recv(&mut self) -> Result<TryRecv, ErrorOf<C>> {
        self.check(Operation::Receive)?;
        self.receive()
    }

    /// Begins a call: the request goes out as far as the socket takes it. The reply, if it is there already; otherwise
    /// [`try_reply`](Self::try_reply) has it when it is. All of it must happen within one deadline, which
    /// [`deadline`](Self::deadline) knows.
    ///
    /// If it fails the connection can be used no more: a late reply must not answer the next request. The error says what the peer
    /// may have seen of the request.
    ///
    /// # Errors
    /// When the request could not be sent, when the peer closed instead of replying, when something came before the request
    /// went out, or when an earlier call was given up or is under way.
    pub fn try_call(&mut self, request: &[u8], within: Duration) -> Result<Option<Message>, CallErrorOf<C>> {
        self.try_exchange(request, within, false)
    }

    /// The reply to the call that is under way, if it is there.
    ///
    /// # Errors
    /// As [`try_call`](Self::try_call), and when its time is over. [`Cause::NoCall`] when no call is under way: nothing was lost then.
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
            // What has come counts, so the clock is looked at last.
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

    /// A call; with `half_close` our side ends behind the request.
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

    pub(super) fn receive(&mut self) -> Result<TryRecv, ErrorOf<C>> {
        self.until = None;
        let (came, until) = self.attend(())?.at_once();
        self.until = until;
        Ok(came)
    }

    /// While a call is under way it is the call that is written, and the answer to the call tells of failures.
    fn flush_now(&mut self) -> Result<bool, ErrorOf<C>> {
        if self.call.is_some() {
            return Ok(self.unwritten_bytes() == 0);
        }
        self.output(|sending, port, clock| Ok(drive::flush(sending, port, clock)? == Progress::Done))
    }

    fn output<T>(
        &mut self,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut Port<'_, S>, &Clock) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        self.check(Operation::Send)?;
        self.both(|session, port, clock| work(&mut session.sending, port, clock))
            .map_err(|cause| self.error(Operation::Send, cause))
    }

    /// Does something with the socket.
    pub(super) fn both<T>(
        &mut self,
        work: impl FnOnce(&mut Session<Arc<C>, Arc<C>>, &mut Port<'_, S>, &Clock) -> Result<T, CauseOf<C>>,
    ) -> Result<T, CauseOf<C>> {
        let Some(stream) = &mut self.stream else { return Err(Cause::Closed) };
        work(&mut self.session, &mut Port { stream, is_connecting: &mut self.is_connecting }, &self.clock)
    }
}

impl<C: Decode + Encode, S> SessionParts for Connection<C, S> {
    connection::session_parts!(session.receiving, session.sending, session.exchange, peer);

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
}

impl<C: Decode + Encode, S: Read + WriteStream> Endpoint for Connection<C, S> {
    type Wait<'w> = ();

    const AT_ONCE: () = ();

    fn open<'p, 'w: 'p>(&'p mut self, (): ()) -> Result<Open<'p, C, impl drive::Port, Clock>, CauseOf<C>> {
        let Some(stream) = &mut self.stream else { return Err(Cause::Closed) };
        let port = Port { stream, is_connecting: &mut self.is_connecting };
        let Session { receiving, sending, .. } = &mut self.session;
        Ok(Open { receiving, sending, port, clock: &self.clock })
    }
}

/// Lengths and states only: card numbers travel in requests.
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

/// A connection that was closed because of an error has nothing to register.
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
