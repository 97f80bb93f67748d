//! A socket and a session.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::{Role, Standing};

use super::mux::Mux;
use super::port::{Interrupting, Port, SLICE};
use super::stopper::Interrupt;
use super::{Caller, ReadStream, Receiver, RecvHalf, SendHalf, Shared, WriteStream};
use crate::admission::{HeldBytes, Permit};
use crate::clock::Clock;
use crate::drive::{self, Answer, Call, Came, Close, Port as _};
use crate::error::{CallError, Cause, Error, Operation};
use crate::pool::{self, Traffic};
use crate::registry::Mailbox;
use crate::session::{self, Exchange, Matching, Pulse, Receiving, Sending, Sent, Session};
use crate::terms::Terms;
use crate::{CloseReport, Directions, Heartbeat, Message, TryRecv, threads};

type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;
type CallResult<T, C> = std::result::Result<T, CallError<<C as Decode>::Error, <C as Encode>::Error>>;

/// A connection that exchanges messages.
///
/// Made by a [`Connector`](super::Connector), by a [`Listener`](super::Listener), or from a stream that is there already.
///
/// ```
/// # #[cfg(unix)]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::os::unix::net::UnixStream;
/// use framelink_transport::{Framing, blocking::{Connection, Shared}};
///
/// // Any stream that waits will do: here a pair of Unix sockets.
/// let framing: Framing = "net:2".parse()?;
/// let (ours, theirs) = UnixStream::pair()?;
/// let (ours, theirs) = (Shared::new(ours), Shared::new(theirs));
/// let mut ours = Connection::from_parts(ours.clone(), ours, framing);
/// let mut theirs = Connection::from_parts(theirs.clone(), theirs, framing);
///
/// ours.send(b"hello")?; // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
/// assert_eq!(&theirs.recv()?.unwrap()[..], b"hello");
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Connection<C: Decode + Encode = Directions, R = Shared<TcpStream>, W = Shared<TcpStream>> {
    pub(super) receiver: RecvHalf<C, R>,
    pub(super) sender: SendHalf<C, W>,
    exchange: Exchange,
    pub(super) clock: Clock,
    /// What is pushed to it, once it has joined a registry.
    pub(super) mailbox: Option<Mailbox<C>>,
}

impl<C: Decode + Encode> Connection<C> {
    /// A connection on a TCP socket that is connected already, and that waits. Its options are left as they are, but for
    /// the timeouts of its reads and writes.
    pub fn from_stream(stream: TcpStream, framing: impl Into<Arc<C>>) -> Self {
        let peer = stream.peer_addr().ok();
        Self::with_peer(stream, framing.into(), peer)
    }

    /// A socket that was reset already cannot say any more who its peer was.
    pub(super) fn with_peer(stream: TcpStream, framing: Arc<C>, peer: Option<SocketAddr>) -> Self {
        let stream = Shared::new(stream);
        Self::assemble(stream.clone(), stream, framing, peer)
    }

    /// The socket, to look at it or to set options of its own; `None` after it was closed because of an error.
    pub fn stream(&self) -> Option<&TcpStream> {
        self.receiver.reader.as_deref()
    }

    /// At its start, as a profile says.
    pub(super) fn on(mut self, terms: &Terms) -> Self {
        terms.apply(&mut self.receiver.receiving, &mut self.sender.sending);
        self.greet();
        self
    }

    /// The same, let in by a listener.
    pub(super) fn admitted(mut self, terms: &Terms, permit: Option<Permit>) -> Self {
        if let Some(permit) = &permit {
            let socket = self.receiver.reader.as_ref().map(Shared::downgrade);
            permit.notice().close_with(Box::new(move || {
                if let Some(socket) = socket.as_ref().and_then(std::sync::Weak::upgrade) {
                    // One that is closed already is closed.
                    let _ = socket.shutdown(std::net::Shutdown::Both);
                }
            }));
        }
        terms.admit(&mut self.receiver.receiving, &mut self.sender.sending, permit);
        self.greet();
        self
    }

    /// Whoever stops the listener ends the waits of its reader too.
    pub(super) fn interrupted_by(&mut self, interrupt: Interrupt) {
        self.receiver.interrupt =
            Some(Interrupting { interrupt, wait: |interrupt, stream, left| interrupt.wait(&**stream, left) });
    }

    /// A preamble goes out at once.
    fn greet(&mut self) {
        #[cfg(unix)]
        if let Some(stream) = self.receiver.reader.as_deref() {
            crate::terms::greet(stream, &mut self.sender.sending);
        }
    }

    /// Whether it has ended while nobody looked. Where nobody takes what comes, that is dropped.
    pub(super) fn has_ended(&mut self, is_heard: bool) -> bool {
        let ended = self.both(Duration::ZERO, |receiving, _, port, clock| {
            drive::has_ended(receiving, port.input(), clock, is_heard)
        });
        ended.unwrap_or(true)
    }
}

impl<C: Decode + Encode, R: ReadStream, W: WriteStream> Connection<C, R, W> {
    /// A connection on any reader and writer that wait.
    pub fn from_parts<F: Into<Arc<C>>>(reader: R, writer: W, framing: F) -> Self {
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
    pub fn send(&mut self, payload: &[u8]) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.send(payload)
    }

    /// Sends one message within that time; see [`SendHalf::send_within`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.send_within(payload, limit)
    }

    /// Sends one message within that time, like [`send_within`](Self::send_within). The error also says what the peer may have seen
    /// of the message.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within).
    pub fn send_with_outcome(&mut self, payload: &[u8], limit: Duration) -> CallResult<(), C> {
        self.check(Operation::Send).map_err(|error| CallError::new(Sent::Not, error))?;
        self.sender.send_with_outcome(payload, limit)
    }

    /// Accepts a message to be sent with others; see [`SendHalf::feed`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub fn feed(&mut self, payload: &[u8]) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.feed(payload)
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// When the connection failed, and when an earlier call was given up.
    pub fn flush(&mut self) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.flush()
    }

    /// Receives the next message; see [`RecvHalf::recv`]. Meanwhile queued bytes are written, such as the rest of a message whose
    /// [`send_within`](Self::send_within) was given up.
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub fn recv(&mut self) -> Result<Option<Message>, C> {
        self.check(Operation::Receive)?;
        loop {
            match self.receive(None)? {
                TryRecv::Message(message) => return Ok(Some(message)),
                TryRecv::Closed => return Ok(None),
                TryRecv::Nothing => {}
            }
        }
    }

    /// Receives the next message, or says that none came within that time; see [`RecvHalf::recv_within`].
    ///
    /// # Errors
    /// As there, and when an earlier call was given up.
    pub fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, C> {
        self.check(Operation::Receive)?;
        self.receive(Some(self.clock.within(limit)))
    }

    /// Has it send and expect heartbeats from now on, as this side of the connection. They leave and are dealt with inside
    /// [`recv`](Self::recv) and [`call`](Self::call), and nowhere else: where nobody is inside a call nobody beats.
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

    /// For between two exchanges, where nobody is inside a call: sends and answers heartbeats that are due, without waiting for anything,
    /// and says how soon it wants to be asked again: at once, if the peer has sent more than one turn takes. A message that came by itself
    /// is an error, for it could be taken for the next reply; where nobody listens (`is_deaf`) it is dropped.
    ///
    /// # Errors
    /// When the peer is dead, when it closed the connection, when something came that nobody asked for, and when the connection
    /// failed. It is of no more use then.
    pub fn tend(&mut self, is_deaf: bool) -> Result<Option<Duration>, C> {
        self.check(Operation::Receive)?;
        let soon = self.clock.within(SLICE);
        let tended =
            self.both(soon, |receiving, sending, port, clock| drive::tend(receiving, sending, port, clock, is_deaf));
        let until = tended.map_err(|cause| self.receiver.failed(cause))?;
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

    /// For a pool: whether it is clean, so that it can be lent.
    pub(super) fn inspect(&mut self, is_deaf: bool) -> std::result::Result<Option<Duration>, CauseOf<C>> {
        self.exchange.check().map_err(Cause::Unclean)?;
        let soon = self.clock.within(SLICE);
        self.both(soon, |receiving, sending, port, clock| pool::inspect(receiving, sending, port, clock, is_deaf))
    }

    /// What closes its socket from elsewhere.
    pub(super) fn closer(&self) -> Option<super::Closer> {
        self.receiver.closer()
    }

    /// Meanwhile heartbeats that are due are written, and the rest of a message whose sending was given up.
    fn receive(&mut self, deadline: Option<Duration>) -> Result<TryRecv, C> {
        loop {
            let has_output = self.sender.sending.has_output();
            if !has_output && self.pulse().is_none() {
                return self.receiver.receive(deadline);
            }
            // What could not be written is tried again soon.
            let soon = has_output.then(|| self.clock.within(SLICE));
            let until = [deadline, soon].into_iter().flatten().min();
            let came =
                self.until(until, |receiving, sending, port, clock| drive::attend(receiving, sending, port, clock));
            let came = came.map_err(|cause| self.receiver.failed(cause))?;
            self.receiver.receiving.release();
            match came {
                Came::Message(message) => return Ok(TryRecv::Message(message)),
                Came::Closed => return Ok(TryRecv::Closed),
                Came::Wait(_) | Came::Beat if deadline.is_some_and(|at| at <= drive::Clock::now(&self.clock)) => {
                    return Ok(TryRecv::Nothing);
                }
                Came::Wait(_) | Came::Beat => {}
            }
        }
    }

    /// Sends a request and receives its reply, the next message that comes, all of it within one deadline.
    ///
    /// If it fails the connection can be used no more: a late reply must not answer the next request. The error says what
    /// the peer may have seen of the request.
    ///
    /// # Errors
    /// When the request could not be sent, when no reply came in time or the peer closed instead, when something came
    /// before the request went out, or when an earlier call was given up.
    pub fn call(&mut self, request: &[u8], within: Duration) -> CallResult<Message, C> {
        self.exchange(request, within, false)
    }

    /// The same; with `half_close` our side ends behind the request.
    pub(super) fn exchange(&mut self, request: &[u8], within: Duration, half_close: bool) -> CallResult<Message, C> {
        let (peer, clock) = (self.peer_addr(), self.clock);
        let failed = |sent, cause| CallError::new(sent, Error::new(Operation::Call, peer, cause));
        let begun = Call::begin(&mut self.exchange, &self.sender.sending, request, half_close);
        let mut call = begun.map_err(|cause| failed(Sent::Not, cause))?;
        let deadline = clock.within(within);
        let cause = loop {
            // What could not be written is tried again soon.
            let until = if self.sender.sending.has_output() { deadline.min(clock.within(SLICE)) } else { deadline };
            match self.both(until, |receiving, sending, port, clock| call.advance(receiving, sending, port, clock)) {
                Ok(Answer::Reply(reply)) => {
                    self.exchange.settle();
                    return Ok(reply);
                }
                Ok(Answer::Wait(_)) if drive::Clock::now(&clock) < deadline => {}
                Ok(Answer::Wait(_)) => break self.timed_out(within),
                Err(cause) => break cause,
            }
        };
        let sent = call.sent(&self.sender.sending, &cause);
        self.abandon();
        Err(failed(sent, cause))
    }

    /// Ends our side: what is queued is written, then writing is shut down. The peer can go on sending.
    ///
    /// # Errors
    /// When the connection failed, and when an earlier call was given up.
    pub fn finish(&mut self) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.sender.finish()
    }

    /// Closes the connection in good order: writes what is queued, ends our side, and takes what the peer still sends until
    /// it closes too, so that no reset destroys what is on its way to it. After `within` the socket is closed in any case.
    ///
    /// # Errors
    /// When what was queued could not be written in that time, and when the connection was reset: what went last may be lost then.
    pub fn close(self, within: Duration) -> Result<CloseReport, C> {
        self.close_and_count(within).1
    }

    /// The same, and how many messages came meanwhile, also where it failed.
    pub(super) fn close_and_count(mut self, within: Duration) -> (usize, Result<CloseReport, C>) {
        let mut close = Close::begin(&mut self.sender.sending, &self.clock, within);
        let deadline = close.deadline();
        loop {
            let peer = self.peer_addr();
            let closed =
                self.both(deadline, |receiving, sending, port, clock| close.advance(receiving, sending, port, clock));
            let ended = match closed {
                Ok(Ok(report)) => Ok(report),
                Ok(Err(_)) => continue,
                Err(cause) => Err(Error::new(Operation::Close, peer, cause)),
            };
            return (close.discarded(), ended);
        }
    }

    /// The two halves, for two threads. Calls need both and are no longer possible.
    ///
    /// After a call that was given up they are closed: nothing could be told from its late reply.
    pub fn split(mut self) -> (RecvHalf<C, R>, SendHalf<C, W>) {
        if self.exchange.check().is_err() {
            self.abandon();
        }
        (self.receiver, self.sender)
    }

    /// For many calls at a time: one end to call from, as often cloned as there are threads that call, and one that receives. The
    /// replies find their calls as `matching` says, and what answers none is for the receiver.
    ///
    /// After a call that was given up the connection is closed: nothing could be told from its late reply.
    ///
    /// ```no_run
    /// # fn example(connection: framelink_transport::blocking::Connection) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::{thread, time::Duration};
    /// use framelink_transport::session::{KeyRule, Matching};
    ///
    /// // ISO 8583: a reply has the trace number of its request, six digits after the message type.
    /// let (caller, mut receiver) = connection.duplex(Matching::by_key(KeyRule::at("4:6".parse()?)));
    /// thread::spawn(move || {
    ///     while let Ok(Some(incoming)) = receiver.recv() {
    ///         println!("{incoming:?}"); // what the peer sends by itself, and replies that came too late
    ///     }
    /// });
    /// let other = caller.clone();
    /// let other = thread::spawn(move || other.call(b"0200000002...", Duration::from_secs(5)));
    /// let reply = caller.call(b"0200000001...", Duration::from_secs(5))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn duplex(self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>) {
        let clock = self.clock;
        let (mut receiver, sender) = self.split();
        receiver.receiving.unlimit_first();
        let closers = receiver.closer().into_iter().collect();
        let mux = Mux::new(sender, matching, clock, closers);
        (Caller::new(Arc::clone(&mux)), Receiver::new(receiver, mux, None))
    }

    /// Two connections with one peer: this one only to send, the other only to receive. Together they are one link: what ends one
    /// ends both, and all calls in flight are told. A thread of its own watches this one for its end; where the system has no thread left
    /// the link has ended, with an error that says so.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::{Framing, blocking::{Connector, Listener}, session::{KeyRule, Matching}};
    ///
    /// // We dial the port where the switch listens, and it dials ours.
    /// let framing: Framing = "ascii:4".parse()?;
    /// let mut listener = Listener::bind("0.0.0.0:7001", framing)?;
    /// let sending = Connector::new(framing).connect("switch.example:7000")?;
    /// let receiving = listener.accept()?.expect("nobody stops it");
    /// let (caller, receiver) = sending.simplex(receiving, Matching::by_key(KeyRule::at("4:6".parse()?)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn simplex(self, receiving: Self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>)
    where
        C: Send + Sync + 'static,
        R: Send + 'static,
        W: Send + 'static,
    {
        let clock = receiving.clock;
        let (mut watched, sender) = self.split();
        let (mut receiver, mut unused) = receiving.split();
        let mut sender = sender.counting_by(clock);
        let now = drive::Clock::now(&clock);
        session::join(&mut receiver.receiving, &mut sender.sending, &mut watched.receiving, &mut unused.sending, now);
        watched.receiving.unlimit_first();
        receiver.receiving.unlimit_first();
        let closers: Vec<_> = watched.closer().into_iter().chain(receiver.closer()).collect();
        let can_be_ended = closers.len() == 2;
        let mux = Mux::new(sender, matching, clock, closers);
        if can_be_ended {
            let failing = Arc::clone(&mux);
            let begun = threads::spawn("framelink-watch", move || failing.fail(&Cause::of_one_way(watched.recv())));
            if let Err(error) = begun {
                // Its end would not be noticed.
                mux.end(&Cause::Io(error));
            }
        }
        let receiver = Receiver::new(receiver, Arc::clone(&mux), Some(unused));
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

    /// Does something that writes and reads, with a look at each now and then while the other waits.
    fn both<T>(
        &mut self,
        deadline: Duration,
        work: impl FnOnce(
            &mut Receiving<Arc<C>>,
            &mut Sending<Arc<C>>,
            &mut (Port<'_, R>, Port<'_, W>),
            &Clock,
        ) -> std::result::Result<T, CauseOf<C>>,
    ) -> std::result::Result<T, CauseOf<C>> {
        self.until(Some(deadline), work)
    }

    fn until<T>(
        &mut self,
        deadline: Option<Duration>,
        work: impl FnOnce(
            &mut Receiving<Arc<C>>,
            &mut Sending<Arc<C>>,
            &mut (Port<'_, R>, Port<'_, W>),
            &Clock,
        ) -> std::result::Result<T, CauseOf<C>>,
    ) -> std::result::Result<T, CauseOf<C>> {
        let (receiver, sender, clock) = (&mut self.receiver, &mut self.sender, self.clock);
        let (Some(reader), Some(writer)) = (&mut receiver.reader, &mut sender.writer) else {
            return Err(Cause::Closed);
        };
        let slice = Some(SLICE);
        let input = Port { stream: reader, timeout: &mut receiver.timeout, clock, deadline, slice, interrupt: None };
        let output = Port { stream: writer, timeout: &mut sender.timeout, clock, deadline, slice, interrupt: None };
        work(&mut receiver.receiving, &mut sender.sending, &mut (input, output), &clock)
    }

    fn timed_out(&self, after: Duration) -> CauseOf<C> {
        let unwritten_bytes = self.sender.sending.queued_len();
        Cause::TimedOut { after, unwritten_bytes, unfinished: self.receiver.unfinished() }
    }

    /// Closes the socket; the exchange stays open, so that whatever is asked next is told why.
    fn abandon(&mut self) {
        let _: std::result::Result<(), CauseOf<C>> = self.until(None, |receiving, _, port, clock| {
            drive::give_unread(receiving, port.input(), clock);
            Ok(())
        });
        self.receiver.give_up();
        self.sender.give_up();
    }
}
