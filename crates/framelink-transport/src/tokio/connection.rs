//! A socket and a session.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::{Role, Standing};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::clock::{self, Clock};
use super::halves::{RecvHalf, SendHalf};
use super::mux::Mux;
use super::port::{Port, ReadNow};
use super::receiver::Pair;
use super::{Caller, Receiver};
use crate::admission::{HeldBytes, Permit};
use crate::drive::{self, Answer, Call, Came, Close, Port as _};
use crate::error::{CallError, Cause, Error, Operation};
use crate::pool::{self, Traffic};
use crate::registry::Mailbox;
use crate::session::{self, ByteCount, Exchange, Matching, Pulse, Receiving, Sending, Sent, Session};
use crate::terms::Terms;
use crate::{CloseReport, Directions, Heartbeat, Message, TryRecv};

type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;
type CallResult<T, C> = std::result::Result<T, CallError<<C as Decode>::Error, <C as Encode>::Error>>;

/// A late reply that the runtime has not noticed yet must not answer the next request.
#[cfg(unix)]
const READ_NOW: Option<ReadNow<OwnedReadHalf>> = Some(|reader, space| {
    use rustix::net::{RecvFlags, recv};
    let (_, count) = recv(reader.as_ref(), space, RecvFlags::DONTWAIT)?;
    Ok(count)
});
#[cfg(not(unix))]
const READ_NOW: Option<ReadNow<OwnedReadHalf>> = None;

/// A connection that exchanges messages.
///
/// Made by a [`Connector`](super::Connector), by a [`Listener`](super::Listener), or from a stream that is there already.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Directions, Framing, tokio::Connection};
///
/// // Any pair of a reader and a writer will do: here the two ends of a pipe in memory.
/// let framing: Directions = "net:2".parse::<Framing>()?.into();
/// let (ours, theirs) = tokio::io::duplex(1024);
/// let (reader, writer) = tokio::io::split(ours);
/// let mut ours = Connection::from_parts(reader, writer, framing);
/// let (reader, writer) = tokio::io::split(theirs);
/// let mut theirs = Connection::from_parts(reader, writer, framing);
///
/// ours.send(b"hello").await?; // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
/// assert_eq!(&theirs.recv().await?.unwrap()[..], b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection<C: Decode + Encode = Directions, R = OwnedReadHalf, W = OwnedWriteHalf> {
    pub(super) receiver: RecvHalf<C, R>,
    pub(super) sender: SendHalf<C, W>,
    exchange: Exchange,
    pub(super) clock: Clock,
    /// What is pushed to it, once it has joined a registry.
    pub(super) mailbox: Option<Mailbox<C>>,
}

impl<C: Decode + Encode> Connection<C> {
    /// A connection on a TCP socket that is connected already. Its options are left as they are.
    pub fn from_stream(stream: TcpStream, framing: impl Into<Arc<C>>) -> Self {
        let peer = stream.peer_addr().ok();
        Self::with_peer(stream, framing.into(), peer)
    }

    /// A socket that was reset already cannot say any more who its peer was.
    pub(super) fn with_peer(stream: TcpStream, framing: Arc<C>, peer: Option<SocketAddr>) -> Self {
        let (reader, writer) = stream.into_split();
        let mut connection = Self::assemble(reader, writer, framing, peer);
        connection.receiver.read_now = READ_NOW;
        connection
    }

    /// The socket, to look at it or to set options of its own; `None` after it was closed because of an error.
    pub fn stream(&self) -> Option<&TcpStream> {
        self.receiver.stream()
    }

    /// The address of our side.
    ///
    /// # Errors
    /// As the socket has it.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.receiver.local_addr()
    }

    /// At its start, as a profile says.
    pub(super) fn on(mut self, terms: &Terms) -> Self {
        terms.apply(&mut self.receiver.receiving, &mut self.sender.sending);
        self.greet();
        self
    }

    /// The same, let in by a listener.
    pub(super) fn admitted(mut self, terms: &Terms, permit: Option<Permit>) -> Self {
        terms.admit(&mut self.receiver.receiving, &mut self.sender.sending, permit);
        self.greet();
        self
    }

    /// A preamble goes out at once.
    fn greet(&mut self) {
        #[cfg(unix)]
        if let Some(stream) = self.receiver.stream() {
            crate::terms::greet(stream, &mut self.sender.sending);
        }
    }

    /// Whether it has ended while nobody looked. Where nobody takes what comes, that is dropped.
    pub(super) fn has_ended(&mut self, is_heard: bool) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let ended = self.poll_both(&mut context, |receiving, _, port, clock| {
            drive::has_ended(receiving, port.input(), clock, is_heard)
        });
        ended.unwrap_or(true)
    }
}

impl<C: Decode + Encode, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<C, R, W> {
    /// A connection on any reader and writer.
    pub fn from_parts(reader: R, writer: W, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(reader, writer, framing.into(), None)
    }

    /// Counts the bytes that the application holds for this connection; see [`HeldBytes`]. It begins with none.
    pub fn held_bytes(&self) -> HeldBytes {
        HeldBytes::of(self.sender.sending.memory())
    }

    /// From now on the memory that this connection holds is counted as memory of `accepted`: for a connection that was dialled on behalf of
    /// a client.
    pub fn share_memory_of(&mut self, accepted: &Self) {
        let memory = accepted.sender.sending.memory();
        self.receiver.receiving.count_memory(memory.another());
        self.sender.sending.count_memory(memory.another());
    }

    /// Sends one message; see [`SendHalf::send`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub async fn send(&mut self, payload: &[u8]) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.send(payload).await
    }

    /// Sends one message within that time; see [`SendHalf::send_within`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub async fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.send_within(payload, limit).await
    }

    /// Sends one message within that time, like [`send_within`](Self::send_within). The error also says what the peer may have seen
    /// of the message.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within).
    pub async fn send_with_outcome(&mut self, payload: &[u8], limit: Duration) -> CallResult<(), C> {
        self.check(Operation::Send).map_err(|error| CallError::new(Sent::Not, error))?;
        self.sender.send_with_outcome(payload, limit).await
    }

    /// Accepts a message to be sent with others; see [`SendHalf::feed`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub async fn feed(&mut self, payload: &[u8]) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.feed(payload).await
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// When the connection failed, and when an earlier call was given up.
    pub async fn flush(&mut self) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.flush().await
    }

    /// Receives the next message; see [`RecvHalf::recv`]. Meanwhile queued bytes are written, such as the rest of a message whose
    /// [`send`](Self::send) was given up.
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub async fn recv(&mut self) -> Result<Option<Message>, C> {
        self.check(Operation::Receive)?;
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Receives the next message, or says that none came within that time; see [`RecvHalf::recv_within`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub async fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, C> {
        self.check(Operation::Receive)?;
        match tokio::time::timeout_at(clock::within(limit), poll_fn(|context| self.poll_recv(context))).await {
            Ok(received) => Ok(received?.map_or(TryRecv::Closed, TryRecv::Message)),
            Err(_) => Ok(TryRecv::Nothing),
        }
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
        let mut context = Context::from_waker(Waker::noop());
        let tended = self.poll_both(&mut context, |receiving, sending, port, clock| {
            drive::tend(receiving, sending, port, clock, is_deaf)
        });
        let until = tended.map_err(|cause| Error::new(Operation::Receive, self.peer_addr(), cause))?;
        Ok(until.map(|at| at.saturating_sub(drive::Clock::now(&self.clock))))
    }

    /// A message was received that the caller does not return.
    pub(super) fn on_unread(&self, received: Result<TryRecv, C>) {
        if let Ok(TryRecv::Message(message)) = received {
            self.receiver.receiving.on_unread(message);
        }
    }

    /// For a pool: what went and what came.
    pub(super) fn traffic(&self) -> Traffic {
        let (sending, receiving) = (&self.sender.sending, &self.receiver.receiving);
        Traffic { sent: sending.messages_written(), received: receiving.messages_received() }
    }

    /// For a pool: whether it is clean, so that it can be lent. Whatever comes from now on wakes that one.
    pub(super) fn inspect(
        &mut self,
        waker: &Waker,
        is_deaf: bool,
    ) -> std::result::Result<Option<Duration>, CauseOf<C>> {
        self.exchange.check().map_err(Cause::Unclean)?;
        let mut context = Context::from_waker(waker);
        self.poll_both(&mut context, |receiving, sending, port, clock| {
            pool::inspect(receiving, sending, port, clock, is_deaf)
        })
    }

    /// Waits until the peer has begun to send: true at its first byte, false if it closed before that. No message is taken. Bytes that
    /// may become a [`ProxyHeader`](crate::session::ProxyHeader) are waited for on a connection that was accepted.
    ///
    /// Dropping the future loses nothing. No heartbeat is sent meanwhile.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); but whether the first bytes are a frame is not looked at.
    pub async fn begun(&mut self) -> Result<bool, C> {
        self.check(Operation::Receive)?;
        poll_fn(|context| self.poll_begun(context)).await
    }

    fn poll_begun(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, C>> {
        loop {
            let begun =
                self.poll_both(context, |receiving, _, port, clock| drive::begun(receiving, port.input(), clock));
            match begun.map_err(|cause| self.receiver.failed(cause))? {
                Ok(has_begun) => return Poll::Ready(Ok(has_begun)),
                Err(until) => ready!(self.receiver.poll_alarm(context, until)),
            }
        }
    }

    /// All bytes that ever came.
    pub fn byte_count(&self) -> ByteCount {
        self.receiver.byte_count()
    }

    /// How many messages are there and were not taken, of a connection that is cut.
    pub(super) async fn count_unread(&mut self) -> usize {
        poll_fn(|context| {
            let counted = self.poll_both(context, |receiving, _, port, clock| {
                Ok(Close::count_unread(receiving, port.input(), clock))
            });
            Poll::Ready(counted.unwrap_or(0))
        })
        .await
    }

    /// Meanwhile heartbeats that are due are written, and the rest of a message whose sending was given up.
    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Message>, C>> {
        ready!(self.receiver.poll_turn(context));
        loop {
            let attended = self
                .poll_both(context, |receiving, sending, port, clock| drive::attend(receiving, sending, port, clock));
            match attended.map_err(|cause| self.receiver.failed(cause))? {
                Came::Message(message) => return Poll::Ready(Ok(Some(message))),
                Came::Closed => return Poll::Ready(Ok(None)),
                Came::Wait(until) => ready!(self.receiver.poll_alarm(context, until)),
                Came::Beat => {}
            }
        }
    }

    /// Has it send and expect heartbeats from now on, as this side of the connection. They leave and are dealt with inside
    /// [`recv`](Self::recv) and [`call`](Self::call), and wherever else something is awaited on it.
    pub fn watch(&mut self, heartbeat: impl Into<Arc<Heartbeat>>, us: Role) -> Pulse {
        let now = drive::Clock::now(&self.clock);
        let (receiving, sending) = (&mut self.receiver.receiving, &mut self.sender.sending);
        session::watch(receiving, sending, heartbeat.into(), us, session::jitter(), now)
    }

    /// Where heartbeats are told, if they are.
    pub const fn pulse(&self) -> Option<&Pulse> {
        self.receiver.receiving.pulse()
    }

    /// How things stand with the peer; `None` without heartbeats.
    pub fn standing(&self) -> Option<Standing> {
        self.receiver.standing()
    }

    /// Sends a request and receives its reply, the next message that comes, all of it within one deadline.
    ///
    /// If it fails, or its future is dropped, the connection can be used no more: a late reply must not answer the next
    /// request. The error says what the peer may have seen of the request.
    ///
    /// # Errors
    /// When the request could not be sent, when no reply came in time or the peer closed instead, when something came
    /// before the request went out, or when an earlier call was given up.
    pub async fn call(&mut self, request: &[u8], within: Duration) -> CallResult<Message, C> {
        self.exchange(request, within, false).await
    }

    /// The same; with `half_close` our side ends behind the request.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        within: Duration,
        half_close: bool,
    ) -> CallResult<Message, C> {
        let peer = self.peer_addr();
        let failed = |sent, cause| CallError::new(sent, Error::new(Operation::Call, peer, cause));
        let begun = Call::begin(&mut self.exchange, &self.sender.sending, request, half_close);
        let mut call = begun.map_err(|cause| failed(Sent::Not, cause))?;
        let answer = poll_fn(|context| self.poll_call(context, &mut call));
        let cause = match tokio::time::timeout_at(clock::within(within), answer).await {
            Ok(Ok(reply)) => {
                self.exchange.settle();
                return Ok(reply);
            }
            Ok(Err(cause)) => cause,
            Err(_) => self.timed_out(within),
        };
        let sent = call.sent(&self.sender.sending, &cause);
        self.abandon();
        Err(failed(sent, cause))
    }

    fn poll_call(
        &mut self,
        context: &mut Context<'_>,
        call: &mut Call<&[u8]>,
    ) -> Poll<std::result::Result<Message, CauseOf<C>>> {
        loop {
            let advanced = self
                .poll_both(context, |receiving, sending, port, clock| call.advance(receiving, sending, port, clock))?;
            match advanced {
                Answer::Reply(reply) => return Poll::Ready(Ok(reply)),
                Answer::Wait(wants) => ready!(self.receiver.poll_alarm(context, wants.until())),
            }
        }
    }

    /// Does something that writes and reads.
    fn poll_both<T>(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(
            &mut Receiving<Arc<C>>,
            &mut Sending<Arc<C>>,
            &mut (Port<'_, R>, Port<'_, W>),
            &Clock,
        ) -> std::result::Result<T, CauseOf<C>>,
    ) -> std::result::Result<T, CauseOf<C>> {
        let (receiver, sender) = (&mut self.receiver, &mut self.sender);
        let (Some(reader), Some(writer)) = (&mut receiver.reader, &mut sender.writer) else {
            return Err(Cause::Closed);
        };
        receiver.receiving.wake_when_told(context.waker());
        let input = Port::new(reader, context.waker()).reading_now(receiver.read_now);
        let mut port = (input, Port::new(writer, context.waker()));
        work(&mut receiver.receiving, &mut sender.sending, &mut port, &self.clock)
    }

    /// Ends our side: what is queued is written, then writing is shut down. The peer can go on sending.
    ///
    /// # Errors
    /// When the connection failed, and when an earlier call was given up.
    pub async fn finish(&mut self) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.finish().await
    }

    /// Closes the connection in good order: writes what is queued, ends our side, and takes what the peer still sends until
    /// it closes too, so that no reset destroys what is on its way to it. After `within` the socket is closed in any case.
    ///
    /// # Errors
    /// When what was queued could not be written in that time, and when the connection was reset: what went last may be lost then.
    pub async fn close(mut self, within: Duration) -> Result<CloseReport, C> {
        self.close_in_place(within).await
    }

    /// The same where it lies: a future that holds the connection by value holds it twice.
    pub(super) async fn close_in_place(&mut self, within: Duration) -> Result<CloseReport, C> {
        self.close_and_count(within).await.1
    }

    /// The same, and how many messages came meanwhile, also where it failed.
    pub(super) async fn close_and_count(&mut self, within: Duration) -> (usize, Result<CloseReport, C>) {
        let mut close = Close::begin(&mut self.sender.sending, &self.clock, within);
        let closed = poll_fn(|context| self.poll_close(context, &mut close)).await;
        let peer = self.peer_addr();
        (close.discarded(), closed.map_err(|cause| Error::new(Operation::Close, peer, cause)))
    }

    fn poll_close(
        &mut self,
        context: &mut Context<'_>,
        close: &mut Close,
    ) -> Poll<std::result::Result<CloseReport, CauseOf<C>>> {
        loop {
            let advanced = self
                .poll_both(context, |receiving, sending, port, clock| close.advance(receiving, sending, port, clock))?;
            match advanced {
                Ok(report) => return Poll::Ready(Ok(report)),
                Err(_) => ready!(self.receiver.poll_alarm(context, Some(close.deadline()))),
            }
        }
    }

    /// The two halves, for two tasks. Calls need both and are no longer possible.
    ///
    /// After a call that was given up they are closed: nothing could be told from its late reply.
    pub fn split(mut self) -> (RecvHalf<C, R>, SendHalf<C, W>) {
        if self.exchange.check().is_err() {
            self.abandon();
        }
        (self.receiver, self.sender)
    }

    /// For many calls at a time: one end to call from, as often cloned as there are callers, and one that receives. The replies find
    /// their calls as `matching` says, and what answers none is for the receiver.
    ///
    /// After a call that was given up the connection is closed: nothing could be told from its late reply.
    ///
    /// ```no_run
    /// # async fn example(connection: framelink_transport::tokio::Connection) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use framelink_transport::session::{KeyRule, Matching};
    ///
    /// // ISO 8583: a reply has the trace number of its request, six digits after the message type.
    /// let (caller, mut receiver) = connection.duplex(Matching::by_key(KeyRule::at("4:6".parse()?)));
    /// tokio::spawn(async move {
    ///     while let Ok(Some(incoming)) = receiver.recv().await {
    ///         println!("{incoming:?}"); // what the peer sends by itself, and replies that came too late
    ///     }
    /// });
    /// let within = Duration::from_secs(5);
    /// let (one, other) = tokio::join!(caller.call(b"0200000001...", within), caller.call(b"0200000002...", within));
    /// # Ok(())
    /// # }
    /// ```
    pub fn duplex(self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>) {
        let clock = self.clock;
        let (mut receiver, sender) = self.split();
        receiver.receiving.unlimit_first();
        let mux = Mux::new(sender, matching, clock);
        (Caller::new(Arc::clone(&mux)), Receiver::new(receiver, mux, None))
    }

    /// Two connections with one peer: this one only to send, the other only to receive. Together they are one link: what ends one
    /// ends both, and all calls in flight are told.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::{Framing, session::{KeyRule, Matching}, tokio::{Connector, Listener}};
    ///
    /// // We dial the port where the switch listens, and it dials ours.
    /// let framing: Framing = "ascii:4".parse()?;
    /// let mut listener = Listener::bind("0.0.0.0:7001", framing).await?;
    /// let sending = Connector::new(framing).connect("switch.example:7000").await?;
    /// let receiving = listener.accept().await?;
    /// let (caller, receiver) = sending.simplex(receiving, Matching::by_key(KeyRule::at("4:6".parse()?)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn simplex(self, receiving: Self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>) {
        let clock = receiving.clock;
        let (mut watched, sender) = self.split();
        let (mut receiver, mut unused) = receiving.split();
        let mut sender = sender.counting_by(clock);
        let now = drive::Clock::now(&clock);
        session::join(&mut receiver.receiving, &mut sender.sending, &mut watched.receiving, &mut unused.sending, now);
        watched.receiving.unlimit_first();
        receiver.receiving.unlimit_first();
        let mux = Mux::new(sender, matching, clock);
        let receiver = Receiver::new(receiver, Arc::clone(&mux), Some(Pair { watched, _unused: unused }));
        (Caller::new(mux), receiver)
    }

    /// The address of the other side, where it has one.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.receiver.peer_addr()
    }

    fn assemble(reader: R, writer: W, framing: Arc<C>, peer: Option<SocketAddr>) -> Self {
        let clock = Clock::start();
        let Session { receiving, sending, exchange } = Session::new(Arc::clone(&framing), framing);
        Self {
            receiver: RecvHalf::assemble(reader, receiving, clock, peer),
            sender: SendHalf::assemble(writer, sending, clock, peer),
            exchange,
            clock,
            mailbox: None,
        }
    }

    fn check(&self, operation: Operation) -> Result<(), C> {
        self.exchange.check().map_err(|unclean| Error::new(operation, self.peer_addr(), Cause::Unclean(unclean)))
    }

    fn timed_out(&self, after: Duration) -> CauseOf<C> {
        let unwritten_bytes = self.sender.sending.queued_len();
        Cause::TimedOut { after, unwritten_bytes, unfinished: self.receiver.unfinished() }
    }

    /// Closes the socket; the exchange stays open, so that whatever is asked next is told why.
    fn abandon(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let _: std::result::Result<(), CauseOf<C>> = self.poll_both(&mut context, |receiving, _, port, clock| {
            drive::give_unread(receiving, port.input(), clock);
            Ok(())
        });
        self.receiver.give_up();
        self.sender.give_up();
    }
}
