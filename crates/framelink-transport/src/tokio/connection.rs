//! A socket and a session.

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
use crate::connection::setup::ConnectionSetup;
use crate::connection::{self, CauseOf, Endpoint, ErrorOf, Open, SessionParts, Step, docs};
use crate::drive::{self, Came, Wants};
use crate::driver::awaited;
use crate::error::{Cause, Operation};
use crate::registry::Mailbox;
use crate::session::{ByteCount, Exchange, Matching};
use crate::{FramingPair, Message};

/// A connection that exchanges messages.
///
/// Made by a [`Connector`](super::Connector), by a [`Listener`](super::Listener), or from a stream that is there already.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{FramingPair, Framing, tokio::Connection};
///
/// // Any pair of a reader and a writer will do: here the two ends of a pipe in memory.
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
/// One end to call from, as often cloned as there are callers, and one that receives:
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
///
/// # Two connections as one link
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
#[derive(Debug)]
pub struct Connection<C: Decode + Encode = FramingPair, R = OwnedReadHalf, W = OwnedWriteHalf> {
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

    /// A socket that was reset already cannot say any more what the address of its peer was.
    pub(super) fn with_peer(stream: TcpStream, framing: Arc<C>, peer: Option<SocketAddr>) -> Self {
        let (reader, writer) = stream.into_split();
        let mut connection = Self::assemble(reader, writer, framing, peer);
        connection.receiver.read_now = READ_NOW;
        connection
    }

    #[doc = docs!(stream)]
    pub fn stream(&self) -> Option<&TcpStream> {
        self.receiver.stream()
    }

    connection::socket_connection_methods!();

    /// The address of our side.
    ///
    /// # Errors
    /// As the socket has it.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.receiver.local_addr()
    }

    /// A preamble goes out at once.
    fn greet(&mut self) {
        #[cfg(unix)]
        if let Some(stream) = self.receiver.stream() {
            crate::connection::setup::greet(stream, &mut self.sender.sending);
        }
    }
}

impl<C: Decode + Encode, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<C, R, W> {
    /// A connection on any reader and writer.
    pub fn from_parts(reader: R, writer: W, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(reader, writer, framing.into(), None)
    }

    connection::connection_methods!(peer: receiver.peer, receiving: receiver.receiving);
    connection::maintaining_connection_methods!();
    connection::waiting_connection_methods!(awaited async);
    connection::exchanging_connection_methods!(awaited async);

    #[doc = docs!(duplex)]
    pub fn duplex(mut self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>) {
        self.begin_duplex();
        let mux = Mux::new(self.sender, matching, self.clock);
        (Caller::new(Arc::clone(&mux)), Receiver::new(self.receiver, mux, None))
    }

    #[doc = docs!(simplex)]
    pub fn simplex(mut self, mut receiving: Self, matching: Matching) -> (Caller<C, W>, Receiver<C, R, W>) {
        self.begin_simplex(&mut receiving);
        let mux = Mux::new(self.sender, matching, receiving.clock);
        let pair = Pair { watched: self.receiver, _unused: receiving.sender };
        (Caller::new(Arc::clone(&mux)), Receiver::new(receiving.receiver, mux, Some(pair)))
    }

    /// Waits until the peer has begun to send: true at its first byte, false if it closed before that. No message is taken. Bytes that
    /// may become a [`ProxyHeader`](crate::session::ProxyHeader) are waited for on a connection that was accepted.
    ///
    /// Dropping the future loses nothing. No heartbeat is sent meanwhile.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); but whether the first bytes are a frame is not looked at.
    pub async fn begun(&mut self) -> Result<bool, ErrorOf<C>> {
        self.check(Operation::Receive)?;
        self.done(|connection, waker| {
            let begun = connection.open(waker).and_then(|mut open| open.inbound(true).begun());
            Ok(begun.map_err(|cause| connection.receive_failed(cause))?.map_err(Wants::Read))
        })
        .await
    }

    /// All bytes that ever came.
    pub fn byte_count(&self) -> ByteCount {
        self.receiver.byte_count()
    }

    /// For a pool: whether it is clean, so that it can be lent. What comes from now on wakes that task.
    pub(super) fn inspect(&mut self, waker: &Waker, discard_unsolicited: bool) -> Result<Option<Duration>, CauseOf<C>> {
        self.inspect_for_pool(waker, discard_unsolicited)
    }

    fn next(&mut self) -> impl Future<Output = Result<Option<Message>, ErrorOf<C>>> {
        self.done(|connection, waker| connection.receive_step(waker))
    }

    /// Goes on until something is done, or until that time: then it is `None`.
    fn until_done<T, E>(
        &mut self,
        deadline: Instant,
        step: impl FnMut(&mut Self, &Waker) -> Step<T, E>,
    ) -> Timeout<impl Future<Output = Result<T, E>>> {
        timeout_at(deadline, self.done(step))
    }

    fn done<T, E>(
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
        let (receiver, sender) = (&mut self.receiver, &mut self.sender);
        let (Some(reader), Some(writer)) = (&mut receiver.reader, &mut sender.writer) else {
            return Err(Cause::Closed);
        };
        receiver.receiving.wake_when_told(waker);
        let port = (Port::new(reader, waker).reading_now(receiver.read_now), Port::new(writer, waker));
        Ok(Open { receiving: &mut receiver.receiving, sending: &mut sender.sending, port, clock: &self.clock })
    }

    fn attend(&mut self, waker: &Waker) -> Result<Came, ErrorOf<C>> {
        // The task is polled again when it has its next turn.
        match self.receiver.poll_turn(&mut Context::from_waker(waker)) {
            Poll::Ready(()) => connection::attend(self, waker),
            Poll::Pending => Ok(Came::Wait(None)),
        }
    }
}
