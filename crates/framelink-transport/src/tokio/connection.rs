//! The connection of the tokio driver.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, Timeout, timeout_at};

use super::clock::Clock;
use super::halves::{RecvHalf, SendHalf};
use super::mux::Mux;
use super::port::{Port, READ_NOW};
use super::receiver::Pair;
use super::{Caller, Receiver};
use crate::FramingPair;
use crate::connection::peer_addr::PeerAddr;
use crate::connection::setup::ConnectionSetup;
use crate::connection::{self, CauseOf, Endpoint, ErrorOf, Open, SessionParts, Step, docs};
use crate::drive::{self, Came, Delivery, Secured, Wants};
use crate::driver::awaited;
use crate::error::{Cause, Operation};
use crate::registry::Mailbox;
use crate::session::{ByteCount, Exchange, Matching};

/// A connection that sends and receives messages, and makes calls.
///
/// A [`Connector`](super::Connector) or a [`Listener`](super::Listener) creates it. It can also be made from an
/// existing stream, or from any reader and writer.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{FramingPair, Framing, tokio::Connection};
///
/// // Any reader and writer can be used. Here they are the ends of a pipe in memory.
/// let framing: FramingPair = "net:2".parse::<Framing>()?.into();
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
///
/// # Many calls at a time
///
/// [`duplex`](Self::duplex) splits the connection into a caller, which can be cloned, and a receiver:
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
///         println!("{incoming:?}"); // unsolicited messages, and replies that arrived too late
///     }
/// });
/// let within = Duration::from_secs(5);
/// let (one, other) = tokio::join!(caller.call(b"0200000001...", within), caller.call(b"0200000002...", within));
/// # Ok(())
/// # }
/// ```
///
/// # Two connections as one link
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, session::{KeyRule, Matching}, tokio::{Connector, Listener}};
///
/// // This side dials the port of the switch, and the switch dials ours.
/// let framing: Framing = "ascii:4".parse()?;
/// let mut listener = Listener::bind("0.0.0.0:7001", framing).await?;
/// let sending = Connector::new(framing).connect("switch.example:7000").await?;
/// let receiving = listener.accept().await?;
/// let (caller, receiver) = sending.simplex(receiving, Matching::by_key(KeyRule::at("4:6".parse()?)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection<C: Decode + Encode = FramingPair, R = OwnedReadHalf, W = OwnedWriteHalf> {
    pub(super) receiver: RecvHalf<C, R>,
    pub(super) sender: SendHalf<C, W>,
    exchange: Exchange,
    /// The queue of pushed messages, if the connection has joined a registry.
    pub(super) mailbox: Option<Box<Mailbox<C>>>,
}

impl<C: Decode + Encode> Connection<C> {
    /// Creates a connection on a connected TCP socket. The options of the socket are not changed.
    pub fn from_stream(stream: TcpStream, framing: impl Into<Arc<C>>) -> Self {
        let peer = stream.peer_addr().ok();
        Self::with_peer(stream, framing.into(), peer.into())
    }

    /// Takes the address of the peer as an argument, because a socket that was reset can no longer tell it.
    pub(super) fn with_peer(stream: TcpStream, framing: Arc<C>, peer: PeerAddr) -> Self {
        let (reader, writer) = stream.into_split();
        let mut connection = Self::assemble(reader, writer, framing, peer);
        connection.receiver.read_now = READ_NOW;
        connection
    }

    #[doc = docs!(stream)]
    pub fn stream(&self) -> Option<&TcpStream> {
        self.receiver.stream()
    }

    /// Takes the socket out of the connection, which sends and closes nothing more. Returns `None` after an error has
    /// closed the connection.
    ///
    /// Queued messages are not sent. Bytes that were received and not returned as messages are lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::{Framing, tokio::Connection};
    /// use tokio::io::AsyncReadExt;
    /// use tokio::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let mut connection = Connection::from_stream(stream, "net:2".parse::<Framing>()?);
    /// connection.send(b"hello").await?;
    /// let stream = connection.into_stream().unwrap();
    /// let mut wire = [0; 7];
    /// listener.accept().await?.0.read_exact(&mut wire).await?;
    /// assert_eq!(&wire, b"\x00\x05hello");
    /// # drop(stream);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_stream(self) -> Option<TcpStream> {
        let (reader, writer) = (self.receiver.reader?, self.sender.writer?);
        reader.reunite(writer).ok()
    }

    connection::socket_connection_methods!();

    /// Returns the local address of the socket.
    ///
    /// # Errors
    /// Fails if the system cannot tell it.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.receiver.local_addr()
    }

    /// Sends the preamble at once.
    fn greet(&mut self) {
        #[cfg(unix)]
        if let Some(stream) = self.receiver.stream() {
            crate::connection::setup::greet(stream, &mut self.sender.sending);
        }
    }
}

impl<C: Decode + Encode, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<C, R, W> {
    /// Creates a connection on any reader and writer.
    pub fn from_parts(reader: R, writer: W, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(reader, writer, framing.into(), PeerAddr::None)
    }

    connection::connection_methods!(peer: receiver.peer, receiving: receiver.receiving);
    connection::maintaining_connection_methods!();
    connection::waiting_connection_methods!(awaited async);
    connection::exchanging_connection_methods!(awaited async);

    #[doc = docs!(duplex)]
    pub fn duplex(mut self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>) {
        let matching = self.begin_duplex(matching);
        let mux = Mux::new(self.sender, matching, self.receiver.clock);
        (Caller::new(Arc::clone(&mux)), Receiver::new(self.receiver, mux, None))
    }

    #[doc = docs!(simplex)]
    pub fn simplex(mut self, mut receiving: Self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>) {
        let matching = self.begin_simplex(&mut receiving, matching);
        let mux = Mux::new(self.sender, matching, receiving.receiver.clock);
        let pair = Pair { watched: self.receiver, _unused: receiving.sender };
        (Caller::new(Arc::clone(&mux)), Receiver::new(receiving.receiver, mux, Some(pair)))
    }

    /// Waits until the peer has sent its first byte, and returns true. Returns false if the peer closes before that. No
    /// message is received. On an accepted connection, this also waits for bytes that may complete a
    /// [`ProxyHeader`](crate::session::ProxyHeader).
    ///
    /// Dropping the future loses no byte. No heartbeat is sent meanwhile.
    ///
    /// # Errors
    /// Fails like [`recv`](Self::recv), but does not check whether the first bytes are a frame.
    pub async fn begun(&mut self) -> Result<bool, ErrorOf<C>> {
        self.check(Operation::Receive)?;
        self.done(|connection, waker| {
            let begun = connection.open(waker).and_then(|mut open| match open.shake_hands()? {
                Ok(()) => Ok(open.inbound(true).begun()?.map_err(Wants::Read)),
                Err(wants) => Ok(Err(wants)),
            });
            begun.map_err(|cause| connection.receive_failed(cause))
        })
        .await
    }

    /// Returns the counter of all bytes received so far.
    pub fn byte_count(&self) -> ByteCount {
        self.receiver.byte_count()
    }

    /// Checks for a pool that the connection is clean. Bytes that arrive later wake the task of `waker`.
    pub(super) fn inspect(&mut self, waker: &Waker, discard_unsolicited: bool) -> Result<Option<Duration>, CauseOf<C>> {
        self.inspect_for_pool(waker, discard_unsolicited)
    }

    /// Returns the next message that has been read already, if there is nothing to do before.
    #[inline]
    fn ready<M: Delivery>(&mut self) -> Option<M> {
        if self.sender.writer.is_none() || self.sender.sending.owes_beat() {
            return None;
        }
        self.receiver.ready()
    }

    fn next<M: Delivery>(&mut self) -> impl Future<Output = Result<Option<M>, ErrorOf<C>>> {
        self.done(|connection, waker| connection.receive_step(waker))
    }

    /// Runs a step until it is done, or until the deadline has passed.
    fn until_done<T, E>(
        &mut self,
        deadline: Instant,
        step: impl FnMut(&mut Self, &Waker) -> Step<T, E>,
    ) -> Timeout<impl Future<Output = Result<T, E>>> {
        timeout_at(deadline, self.done(step))
    }

    pub(super) fn done<T, E>(
        &mut self,
        mut step: impl FnMut(&mut Self, &Waker) -> Step<T, E>,
    ) -> impl Future<Output = Result<T, E>> {
        poll_fn(move |context| {
            loop {
                match step(self, context.waker())? {
                    Ok(done) => return Poll::Ready(Ok(done)),
                    Err(wants) => ready!(self.receiver.poll_alarm(context, wants.until())),
                }
            }
        })
    }
}

impl<C: Decode + Encode, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> SessionParts for Connection<C, R, W> {
    connection::session_parts_in_halves!();
}

impl<C: Decode + Encode, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Endpoint for Connection<C, R, W> {
    type Wait<'w> = &'w Waker;

    const AT_ONCE: &'static Waker = Waker::noop();

    fn open<'p, 'w: 'p>(&'p mut self, waker: &'w Waker) -> Result<Open<'p, C, impl drive::Port, Clock>, CauseOf<C>> {
        self.receiver.wake_when_told(waker);
        let (receiver, sender) = (&mut self.receiver, &mut self.sender);
        let (Some(reader), Some(writer)) = (&mut receiver.reader, &mut sender.writer) else {
            return Err(Cause::Closed);
        };
        let input = Secured::input(Port::new(reader, waker).reading_now(receiver.read_now), receiver.layers.as_mut());
        let port = (input, Secured::output(Port::new(writer, waker), sender.tls.as_mut()));
        Ok(Open { receiving: &mut receiver.receiving, sending: &mut sender.sending, port, clock: &receiver.clock })
    }

    fn attend<M: Delivery>(&mut self, waker: &Waker) -> Result<Came<M>, ErrorOf<C>> {
        // Without budget the task is polled again on its next turn.
        match self.receiver.poll_turn(&mut Context::from_waker(waker)) {
            Poll::Ready(()) => connection::attend(self, waker),
            Poll::Pending => Ok(Came::Wait(None)),
        }
    }
}
