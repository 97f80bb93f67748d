//! A connection: a socket and a session.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::mux::Mux;
use super::port::{Interrupting, Port, SLICE};
use super::stopper::Interrupt;
use super::{Caller, ReadStream, Receiver, RecvHalf, SendHalf, Shared, WriteStream};
use crate::FramingPair;
use crate::admission::Permit;
use crate::connection::peer_addr::PeerAddr;
use crate::connection::setup::ConnectionSetup;
use crate::connection::{self, CauseOf, Elapsed, Endpoint, ErrorOf, Open, SessionParts, Step, docs};
use crate::drive::{self, Came, Clock as _, Delivery, Secured};
use crate::driver::plain;
use crate::error::Cause;
use crate::net::clock::Clock;
use crate::net::threads;
use crate::registry::Mailbox;
use crate::session::{Exchange, Matching};

/// A connection that sends and receives messages over a blocking stream.
///
/// A [`Connector`](super::Connector), a [`Listener`](super::Listener) or [`from_stream`](Self::from_stream) makes it.
///
/// ```
/// # #[cfg(unix)]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::os::unix::net::UnixStream;
/// use framelink_transport::{Framing, blocking::{Connection, Shared}};
///
/// // Any blocking stream can be used: here a pair of Unix sockets.
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
///
/// # Many calls at a time
///
/// [`duplex`](Self::duplex) returns a caller and a receiver. Clone the caller for each thread that calls:
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
///         println!("{incoming:?}"); // unsolicited messages and late replies
///     }
/// });
/// let other = caller.clone();
/// let other = thread::spawn(move || other.call(b"0200000002...", Duration::from_secs(5)));
/// let reply = caller.call(b"0200000001...", Duration::from_secs(5))?;
/// # Ok(())
/// # }
/// ```
///
/// # Two connections as one link
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, blocking::{Connector, Listener}, session::{KeyRule, Matching}};
///
/// // We dial the port where the switch listens, and it dials ours.
/// let framing: Framing = "ascii:4".parse()?;
/// let mut listener = Listener::bind("0.0.0.0:7001", framing)?;
/// let sending = Connector::new(framing).connect("switch.example:7000")?;
/// let receiving = listener.accept()?.expect("nothing stops it");
/// let (caller, receiver) = sending.simplex(receiving, Matching::by_key(KeyRule::at("4:6".parse()?)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection<C: Decode + Encode = FramingPair, R = Shared<TcpStream>, W = Shared<TcpStream>> {
    pub(super) receiver: RecvHalf<C, R>,
    pub(super) sender: SendHalf<C, W>,
    exchange: Exchange,
    /// The messages that a registry pushes to this connection. `None` if the connection has joined no registry.
    pub(super) mailbox: Option<Box<Mailbox<C>>>,
}

impl<C: Decode + Encode> Connection<C> {
    /// Makes a connection from a connected, blocking TCP socket. Its options stay, except for its timeouts.
    pub fn from_stream(stream: TcpStream, framing: impl Into<Arc<C>>) -> Self {
        let peer = stream.peer_addr().ok();
        Self::with_peer(stream, framing.into(), peer.into())
    }

    /// The peer's address is a parameter because a socket that was reset can no longer tell it.
    pub(super) fn with_peer(stream: TcpStream, framing: Arc<C>, peer: PeerAddr) -> Self {
        let stream = Shared::new(stream);
        Self::assemble(stream.clone(), stream, framing, peer)
    }

    #[doc = docs!(stream)]
    pub fn stream(&self) -> Option<&TcpStream> {
        self.receiver.reader.as_deref()
    }

    connection::socket_connection_methods!(admitted_as: close_on_notice);

    /// Lets the listener's stopper end the waits of the reader too.
    pub(super) fn interrupted_by(mut self, interrupt: Interrupt) -> Self {
        self.receiver.interrupt =
            Some(Interrupting { interrupt, wait: |interrupt, stream, left| interrupt.wait(&**stream, left) });
        self
    }

    fn greet(&mut self) {
        #[cfg(unix)]
        if let Some(stream) = self.receiver.reader.as_deref() {
            crate::connection::setup::greet(stream, &mut self.sender.sending);
        }
    }

    /// Closes the socket when the connection is told to end, which wakes a thread that waits for the socket.
    fn close_on_notice(&self, permit: Option<&Permit>) {
        let Some(permit) = permit else { return };
        let socket = self.receiver.reader.as_ref().map(Shared::downgrade);
        permit.notice.close_with(Box::new(move || {
            if let Some(socket) = socket.as_ref().and_then(std::sync::Weak::upgrade) {
                // An error says that the socket is closed already.
                let _ = socket.shutdown(std::net::Shutdown::Both);
            }
        }));
    }
}

impl<C: Decode + Encode, R: ReadStream, W: WriteStream> Connection<C, R, W> {
    /// Makes a connection from any blocking reader and writer.
    pub fn from_parts<F: Into<Arc<C>>>(reader: R, writer: W, framing: F) -> Self {
        Self::assemble(reader, writer, framing.into(), PeerAddr::None)
    }

    connection::connection_methods!(peer: receiver.peer, receiving: receiver.receiving);
    connection::maintaining_connection_methods!();
    connection::waiting_connection_methods!(plain);
    connection::exchanging_connection_methods!(plain);

    #[doc = docs!(duplex)]
    pub fn duplex(mut self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>) {
        let matching = self.begin_duplex(matching);
        let closers = self.receiver.closer().into_iter().collect();
        let mux = Mux::new(self.sender, matching, self.receiver.clock, closers);
        (Caller::new(Arc::clone(&mux)), Receiver::new(self.receiver, mux, None))
    }

    #[doc = docs!(simplex)]
    pub fn simplex(mut self, mut receiving: Self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>)
    where
        C: Send + Sync + 'static,
        R: Send + 'static,
        W: Send + 'static,
    {
        let matching = self.begin_simplex(&mut receiving, matching);
        let mut watched = self.receiver;
        let closers: Vec<_> = watched.closer().into_iter().chain(receiving.receiver.closer()).collect();
        let can_be_ended = closers.len() == 2;
        let mux = Mux::new(self.sender, matching, receiving.receiver.clock, closers);
        if can_be_ended {
            let failing = Arc::clone(&mux);
            let begun = threads::spawn("framelink-watch", move || failing.fail(&Cause::of_one_way(watched.recv())));
            if let Err(error) = begun {
                // Without this thread, the end of the watched connection would go unnoticed.
                mux.end(&Cause::Io(error));
            }
        }
        (Caller::new(Arc::clone(&mux)), Receiver::new(receiving.receiver, mux, Some(receiving.sender)))
    }

    /// Returns whether the connection is clean, so that a pool can hand it out.
    pub(super) fn inspect(&mut self, discard_unsolicited: bool) -> Result<Option<Duration>, CauseOf<C>> {
        self.inspect_for_pool(self.briefly(), discard_unsolicited)
    }

    pub(super) fn closer(&self) -> Option<super::Closer> {
        self.receiver.closer()
    }

    /// Returns the next message that has been read already, if there is nothing to do before.
    #[inline]
    fn ready<M: Delivery>(&mut self) -> Option<M> {
        if self.sender.writer.is_none() || self.sender.sending.owes_beat() {
            return None;
        }
        self.receiver.ready()
    }

    fn next<M: Delivery>(&mut self) -> Result<Option<M>, ErrorOf<C>> {
        self.until_done(None, |connection, until| connection.receive_step(until)).unwrap_or(Ok(None))
    }

    /// Repeats `step` until the connection has been served.
    pub(super) fn served<E>(&mut self, step: impl FnMut(&mut Self, Option<Duration>) -> Step<(), E>) -> Result<(), E> {
        self.until_done(None, step).unwrap_or(Ok(()))
    }

    /// Repeats `step` until it is done, or until the deadline.
    fn until_done<T, E>(
        &mut self,
        deadline: impl Into<Option<Duration>>,
        mut step: impl FnMut(&mut Self, Option<Duration>) -> Step<T, E>,
    ) -> Result<Result<T, E>, Elapsed> {
        let deadline = deadline.into();
        loop {
            // Bytes that could not be written are tried again soon.
            let soon = self.sender.sending.has_output().then(|| self.receiver.clock.within(SLICE));
            match step(self, [deadline, soon].into_iter().flatten().min()) {
                Ok(Ok(done)) => return Ok(Ok(done)),
                // The clock is checked last, because bytes that have arrived count even after the deadline.
                Ok(Err(_)) if deadline.is_some_and(|at| at <= self.receiver.clock.now()) => return Err(Elapsed),
                Ok(Err(_)) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}

impl<C: Decode + Encode, R: ReadStream, W: WriteStream> SessionParts for Connection<C, R, W> {
    connection::session_parts_in_halves!();
}

impl<C: Decode + Encode, R: ReadStream, W: WriteStream> Endpoint for Connection<C, R, W> {
    /// The deadline of an operation. Without a deadline the operation waits for ever.
    type Wait<'w> = Option<Duration>;

    const AT_ONCE: Option<Duration> = drive::AT_ONCE;

    fn open<'p, 'w: 'p>(
        &'p mut self,
        deadline: Option<Duration>,
    ) -> Result<Open<'p, C, impl drive::Port, Clock>, CauseOf<C>> {
        let (clock, receiver, sender) = (self.receiver.clock, &mut self.receiver, &mut self.sender);
        let (Some(reader), Some(writer)) = (&mut receiver.reader, &mut sender.writer) else {
            return Err(Cause::Closed);
        };
        // Each side waits for one slice at most, so that the other side gets its turn.
        let slice = Some(SLICE);
        let interrupt = receiver.interrupt.as_ref().filter(|_| receiver.receiving.is_open());
        let input = Port { stream: reader, timeout: &mut receiver.timeout, clock, deadline, slice, interrupt };
        let output = Port { stream: writer, timeout: &mut sender.timeout, clock, deadline, slice, interrupt: None };
        let port = (Secured::input(input, receiver.layers.as_mut()), Secured::output(output, sender.tls.as_mut()));
        Ok(Open { receiving: &mut receiver.receiving, sending: &mut sender.sending, port, clock: &receiver.clock })
    }

    const READS_WAIT: bool = true;

    fn attend<M: Delivery>(&mut self, until: Option<Duration>) -> Result<Came<M>, ErrorOf<C>> {
        if !self.sender.sending.has_output() && self.liveness().is_none() && !self.is_shaking_hands() {
            return self.receiver.come(until);
        }
        let came = connection::attend(self, until)?;
        self.receiver.release(&came);
        Ok(came)
    }

    fn briefly(&self) -> Option<Duration> {
        Some(self.receiver.clock.within(SLICE))
    }
}
