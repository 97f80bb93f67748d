//! A socket and a session.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::{Role, Standing};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token, event};

use super::port::Port;
use super::{Duplex, RecvHalf, SendHalf, WriteStream};
use crate::admission::{HeldBytes, Permit};
use crate::clock::Clock;
use crate::drive::{self, Answer, Call, Came, Clock as _, Progress};
use crate::error::{CallError, Cause, Error, Operation};
use crate::registry::Mailbox;
use crate::session::{self, Ending, Matching, Pulse, Sent, Session};
use crate::terms::Terms;
use crate::{Directions, Heartbeat, Message, TryRecv, TrySend};

pub(super) type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;
pub(super) type CallResult<T, C> = std::result::Result<T, CallErrorOf<C>>;
type CallErrorOf<C> = CallError<<C as Decode>::Error, <C as Encode>::Error>;

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
pub struct Connection<C: Decode + Encode = Directions, S = TcpStream> {
    /// `None` after we gave the connection up.
    pub(super) stream: Option<S>,
    pub(super) session: Session<Arc<C>, Arc<C>>,
    pub(super) clock: Clock,
    pub(super) peer: Option<SocketAddr>,
    /// When the session wants to be asked again though nothing comes.
    until: Option<Duration>,
    call: Option<UnderWay>,
    /// Whether it was begun to be connected, and has done nothing since.
    pub(super) is_connecting: bool,
    /// Whether it may have to make room for a newer one.
    pub(super) can_be_dropped: bool,
    /// What is pushed to it, once it has joined a registry.
    pub(super) mailbox: Option<Mailbox<C>>,
}

/// A call that was begun and has not been answered.
struct UnderWay {
    call: Call<Vec<u8>>,
    within: Duration,
    deadline: Duration,
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
        Ok((
            RecvHalf::assemble(reader, receiving, self.clock, self.peer, self.is_connecting),
            SendHalf::assemble(writer, sending, self.clock, self.peer, self.is_connecting),
        ))
    }

    /// At its start, as a profile says.
    pub(super) fn on(mut self, terms: &Terms) -> Self {
        terms.apply(&mut self.session.receiving, &mut self.session.sending);
        self.greet();
        self
    }

    /// The same, let in by a listener.
    pub(super) fn admitted(mut self, terms: &Terms, permit: Option<Permit>) -> Self {
        self.can_be_dropped = permit.as_ref().is_some_and(Permit::can_be_dropped);
        terms.admit(&mut self.session.receiving, &mut self.session.sending, permit);
        self.greet();
        self
    }

    /// A preamble goes out at once.
    fn greet(&mut self) {
        #[cfg(unix)]
        if let Some(stream) = &self.stream {
            crate::terms::greet(stream, &mut self.session.sending);
        }
    }

    /// Whether it has ended while nobody looked. Where nobody takes what comes, that is dropped.
    pub(super) fn has_ended(&mut self, is_heard: bool) -> bool {
        let ended = self.both(|session, port, clock| drive::has_ended(&mut session.receiving, port, clock, is_heard));
        ended.unwrap_or(true)
    }
}

impl<C: Decode + Encode, S> Connection<C, S> {
    /// A connection on any stream whose operations answer at once.
    pub fn new<F: Into<Arc<C>>>(stream: S, framing: F) -> Self {
        Self::with_peer(stream, framing.into(), None)
    }

    /// A socket that was reset already cannot say any more who its peer was.
    pub(super) fn with_peer(stream: S, framing: Arc<C>, peer: Option<SocketAddr>) -> Self {
        let session = Session::new(Arc::clone(&framing), framing);
        Self {
            stream: Some(stream),
            session,
            clock: Clock::start(),
            peer,
            until: None,
            call: None,
            is_connecting: false,
            can_be_dropped: false,
            mailbox: None,
        }
    }

    /// Counts the bytes that the application holds for this connection; see [`HeldBytes`]. It begins with none.
    pub fn held_bytes(&self) -> HeldBytes {
        HeldBytes::of(self.session.sending.memory())
    }

    /// From now on the memory that this connection holds is counted as memory of `accepted`: for a connection that was dialled on behalf of
    /// a client.
    pub fn share_memory_of(&mut self, accepted: &Self) {
        let memory = accepted.session.sending.memory();
        self.session.receiving.count_memory(memory.another());
        self.session.sending.count_memory(memory.another());
    }

    /// Whether bytes have been read that were not delivered yet: no event will tell of them.
    pub const fn has_more(&self) -> bool {
        self.session.receiving.is_inside_message()
    }

    /// After so long the connection is to be asked again, though no event comes: silence ends a message, or a call's time is over.
    pub fn deadline(&self) -> Option<Duration> {
        if self.told().is_some() {
            return Some(Duration::ZERO);
        }
        let now = self.clock.now();
        let ends = self.session.receiving.ends_at(now);
        let call = self.call.as_ref().map(|under_way| under_way.deadline);
        let overdue = self.session.receiving.overdue_at().map(|(at, _)| at);
        let alive = self.session.receiving.alive_at();
        let until = [self.until, call, overdue, alive, ends].into_iter().flatten().min()?;
        Some(until.saturating_sub(now))
    }

    /// What is told when the connection is to end though nothing comes, because it has to [make room](crate::Admission) for a newer
    /// one, say: for a loop that does not accept the newer ones itself, and would look at [`deadline`](Self::deadline) only then.
    pub fn set_waker(&self, waker: &Waker) {
        self.session.receiving.wake_when_told(waker);
    }

    /// Whether it was told to end at once, and has not.
    pub(super) fn told(&self) -> Option<Ending> {
        self.stream.as_ref().and_then(|_| self.session.receiving.told())
    }

    /// Whether the last time nothing came because it is to be asked again at once.
    pub(super) fn is_to_go_on(&self) -> bool {
        self.until == drive::AT_ONCE
    }

    /// Has it send and expect heartbeats from now on, as this side of the connection. They leave and are dealt with when it is asked
    /// for messages, as [`deadline`](Self::deadline) says.
    pub fn watch(&mut self, heartbeat: impl Into<Arc<Heartbeat>>, us: Role) -> Pulse {
        let now = self.clock.now();
        self.session.watch(heartbeat.into(), us, session::jitter(), now)
    }

    /// Where heartbeats are told, if they are.
    pub const fn pulse(&self) -> Option<&Pulse> {
        self.session.receiving.pulse()
    }

    /// How things stand with the peer; `None` without heartbeats.
    pub fn standing(&self) -> Option<Standing> {
        Some(self.pulse()?.standing(self.clock.now()))
    }

    /// How many messages were accepted and are not wholly written.
    pub fn unwritten(&self) -> usize {
        self.session.sending.unwritten()
    }

    /// How many bytes of accepted messages are still to be written: an event for writing is worth waiting for.
    pub fn unwritten_bytes(&self) -> usize {
        self.session.sending.queued_len()
    }

    /// The address of the other side, where it has one.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The stream, to look at it or to set options of its own; `None` after it was closed because of an error.
    pub const fn stream(&self) -> Option<&S> {
        self.stream.as_ref()
    }

    /// For many calls at a time, whose replies find them as `matching` says.
    ///
    /// After a call that was given up, or while one is under way, the connection is closed: nothing could be told from its late
    /// reply.
    pub fn duplex(mut self, matching: Matching) -> Duplex<C, S> {
        if self.check(Operation::Call).is_err() {
            self.close_now();
        }
        self.session.receiving.unlimit_first();
        Duplex::new(self, matching)
    }

    /// Two connections with one peer: this one only to send, the other only to receive. Together they are one link: what ends one
    /// ends both, and all calls in flight are told.
    pub fn simplex(mut self, mut receiving: Self, matching: Matching) -> Duplex<C, S> {
        if self.check(Operation::Call).is_err() {
            self.close_now();
        }
        self.session.receiving.unlimit_first();
        self.clock = receiving.clock;
        let (theirs, ours) = (&mut receiving.session, &mut self.session);
        session::join(
            &mut theirs.receiving,
            &mut ours.sending,
            &mut ours.receiving,
            &mut theirs.sending,
            self.clock.now(),
        );
        receiving.duplex(matching).paired(self)
    }

    /// A message was received that the caller does not return.
    pub(super) fn on_unread(&self, received: Result<TryRecv, C>) {
        if let Ok(TryRecv::Message(message)) = received {
            self.session.receiving.on_unread(message);
        }
    }

    /// Gives the socket up.
    pub(super) fn close_now(&mut self) {
        self.stream = None;
        self.session.sending.on_failed();
        self.session.receiving.forget_if_told();
    }

    pub(super) fn check(&self, operation: Operation) -> Result<(), C> {
        if self.call.is_some() {
            return Err(self.error(operation, Cause::UnderWay));
        }
        self.session.exchange.check().map_err(|unclean| self.error(operation, Cause::Unclean(unclean)))
    }

    pub(super) const fn error(
        &self,
        operation: Operation,
        cause: CauseOf<C>,
    ) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        Error::new(operation, self.peer, cause)
    }

    pub(super) fn timed_out(&self, after: Duration) -> CauseOf<C> {
        let unwritten_bytes = self.session.sending.queued_len();
        Cause::TimedOut { after, unwritten_bytes, unfinished: self.session.receiving.unfinished() }
    }

    fn call_error(&self, sent: Sent, cause: CauseOf<C>) -> CallErrorOf<C> {
        CallError::new(sent, self.error(Operation::Call, cause))
    }
}

impl<C: Decode + Encode, S: Read + WriteStream> Connection<C, S> {
    /// Ends a call that failed. The socket is closed; the exchange stays open, so that whatever is asked next is told why.
    fn give_up(&mut self, call: &Call<impl AsRef<[u8]>>, cause: CauseOf<C>) -> CallErrorOf<C> {
        let sent = call.sent(&self.session.sending, &cause);
        if self.session.receiving.has_unread() {
            let _ = self.both(|session, port, clock| {
                drive::give_unread(&mut session.receiving, port, clock);
                Ok(())
            });
        }
        self.close_now();
        self.call_error(sent, cause)
    }

    /// Sends one message as far as the socket takes it now; see [`SendHalf::try_send`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up or one is under way.
    pub fn try_send(&mut self, payload: &[u8]) -> Result<TrySend, C> {
        self.output(|session, port, clock| drive::try_put(&mut session.sending, port, clock, payload))
    }

    /// Accepts a message to be sent with others; see [`SendHalf::try_feed`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up or one is under way.
    pub fn try_feed(&mut self, payload: &[u8]) -> Result<TrySend, C> {
        self.output(|session, port, clock| {
            Ok(match drive::queue(&mut session.sending, port, clock, payload)? {
                Progress::Done => TrySend::Queued,
                Progress::Blocked => TrySend::Full,
            })
        })
    }

    /// Writes what is queued, as far as the socket takes it now; true when all of it is out.
    ///
    /// # Errors
    /// When the connection failed, and when an earlier call was given up.
    pub fn try_flush(&mut self) -> Result<bool, C> {
        if self.call.is_some() {
            // It is the call that is written, and the answer to the call that tells of failures.
            return Ok(self.unwritten_bytes() == 0);
        }
        self.output(|session, port, clock| Ok(drive::flush(&mut session.sending, port, clock)? == Progress::Done))
    }

    /// Ends our side when what is queued is written; see [`SendHalf::try_finish`].
    ///
    /// # Errors
    /// When the connection failed, and when an earlier call was given up or one is under way.
    pub fn try_finish(&mut self) -> Result<bool, C> {
        self.check(Operation::Send)?;
        self.session.sending.finish();
        self.try_flush()
    }

    /// For between two exchanges, where nobody is inside a call: sends and answers heartbeats that are due, without waiting for anything,
    /// and says how soon it wants to be asked again: at once, if the peer has sent more than one turn takes. A message that came by itself
    /// is an error, for it could be taken for the next reply; where nobody listens (`is_deaf`) it is dropped.
    ///
    /// # Errors
    /// When the peer is dead, when it closed the connection, when something came that nobody asked for, and when the connection
    /// failed. It is of no more use then.
    pub fn tend(&mut self, is_deaf: bool) -> Result<Option<Duration>, C> {
        self.check(Operation::Receive)?;
        let tended = self.both(|session, port, clock| {
            drive::tend(&mut session.receiving, &mut session.sending, port, clock, is_deaf)
        });
        let until = tended.map_err(|cause| self.error(Operation::Receive, cause))?;
        Ok(until.map(|at| at.saturating_sub(self.clock.now())))
    }

    /// The next message, if it is there; see [`RecvHalf::try_recv`]. If it is not, queued bytes are written as far as the socket takes
    /// them.
    ///
    /// # Errors
    /// As there, and when an earlier call was given up or one is under way.
    pub fn try_recv(&mut self) -> Result<TryRecv, C> {
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
    pub fn try_call(&mut self, request: &[u8], within: Duration) -> CallResult<Option<Message>, C> {
        self.try_exchange(request, within, false)
    }

    /// The same; with `half_close` our side ends behind the request.
    pub(super) fn try_exchange(
        &mut self,
        request: &[u8],
        within: Duration,
        half_close: bool,
    ) -> CallResult<Option<Message>, C> {
        if self.call.is_some() {
            return Err(self.call_error(Sent::Not, Cause::UnderWay));
        }
        let session = &mut self.session;
        let begun = Call::begin(&mut session.exchange, &session.sending, request.to_vec(), half_close);
        let call = begun.map_err(|cause| self.call_error(Sent::Not, cause))?;
        self.call = Some(UnderWay { call, within, deadline: self.clock.within(within) });
        self.try_reply()
    }

    /// The reply to the call that is under way, if it is there.
    ///
    /// # Errors
    /// As [`try_call`](Self::try_call), and when its time is over. [`Cause::NoCall`] when no call is under way: nothing was lost then.
    pub fn try_reply(&mut self) -> CallResult<Option<Message>, C> {
        let Some(mut under_way) = self.call.take() else {
            let cause = match self.check(Operation::Call) {
                Err(error) => error.into_cause(),
                Ok(()) if self.stream.is_none() => Cause::Closed,
                Ok(()) => Cause::NoCall,
            };
            return Err(self.call_error(Sent::Not, cause));
        };
        let cause = match self.advance(&mut under_way.call) {
            Ok(Answer::Reply(reply)) => {
                self.session.exchange.settle();
                return Ok(Some(reply));
            }
            // What has come counts, so the clock is looked at last.
            Ok(Answer::Wait(_)) if self.clock.now() < under_way.deadline => {
                self.call = Some(under_way);
                return Ok(None);
            }
            Ok(Answer::Wait(_)) => self.timed_out(under_way.within),
            Err(cause) => cause,
        };
        Err(self.give_up(&under_way.call, cause))
    }

    pub(super) fn receive(&mut self) -> Result<TryRecv, C> {
        let came =
            self.both(|session, port, clock| drive::attend(&mut session.receiving, &mut session.sending, port, clock));
        let (came, until) = match came {
            Ok(Came::Message(message)) => (TryRecv::Message(message), None),
            Ok(Came::Closed) => (TryRecv::Closed, None),
            Ok(Came::Wait(until)) => (TryRecv::Nothing, until),
            Ok(Came::Beat) => (TryRecv::Nothing, drive::AT_ONCE),
            Err(cause) => {
                // A socket tells of a reset once and then ends as if it had been closed in good order.
                if drive::is_lost(&cause) || matches!(cause, Cause::Dead(_)) {
                    self.stream = None;
                }
                self.until = None;
                return Err(self.error(Operation::Receive, cause));
            }
        };
        self.until = until;
        Ok(came)
    }

    fn advance(&mut self, call: &mut Call<Vec<u8>>) -> std::result::Result<Answer, CauseOf<C>> {
        let answer =
            self.both(|session, port, clock| call.advance(&mut session.receiving, &mut session.sending, port, clock))?;
        self.until = match answer {
            Answer::Wait(wants) => wants.until(),
            Answer::Reply(_) => None,
        };
        Ok(answer)
    }

    fn output<T>(
        &mut self,
        work: impl FnOnce(&mut Session<Arc<C>, Arc<C>>, &mut Port<'_, S>, &Clock) -> std::result::Result<T, CauseOf<C>>,
    ) -> Result<T, C> {
        self.check(Operation::Send)?;
        self.both(work).map_err(|cause| self.error(Operation::Send, cause))
    }

    /// Does something with the socket.
    pub(super) fn both<T>(
        &mut self,
        work: impl FnOnce(&mut Session<Arc<C>, Arc<C>>, &mut Port<'_, S>, &Clock) -> std::result::Result<T, CauseOf<C>>,
    ) -> std::result::Result<T, CauseOf<C>> {
        let is_connecting = &mut self.is_connecting;
        match &mut self.stream {
            Some(stream) => work(&mut self.session, &mut Port { stream, is_connecting }, &self.clock),
            None => Err(Cause::Closed),
        }
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
