//! The two directions of a connection, each with its half of the session.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::Standing;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::{coop, yield_now};
use tokio::time::timeout_at;

use super::alarm::Alarm;
use super::clock::{self, Clock};
use super::port::{Port, ReadNow};
use crate::drive::{self, AT_ONCE, Came, Progress};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{ByteCount, Pulse, Receiving, Sending, Ticket, Unfinished};
use crate::{Directions, Message, TryRecv};

type HalfResult<T, C> = Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type HalfCause<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;

/// The receiving half of a connection.
///
/// ```no_run
/// # async fn example(connection: framelink_transport::tokio::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// let (mut receiver, mut sender) = connection.split();
/// tokio::spawn(async move { sender.send(b"hello").await });
/// while let Some(message) = receiver.recv().await? {
///     println!("{} bytes", message.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RecvHalf<C: Decode = Directions, R = OwnedReadHalf> {
    /// `None` after we gave the connection up.
    pub(super) reader: Option<R>,
    pub(super) receiving: Receiving<Arc<C>>,
    pub(super) read_now: Option<ReadNow<R>>,
    clock: Clock,
    peer: Option<SocketAddr>,
    /// The deadline that the session named.
    alarm: Alarm,
    /// How many were asked for, to be counted against the turn of the task.
    messages: u8,
}

/// So many messages from one buffer count as much as one operation of the runtime, of which a task has 128 in its turn.
const MESSAGES_A_UNIT: u8 = 4;

impl<C: Decode + Encode, R: AsyncRead + Unpin> RecvHalf<C, R> {
    /// A receiving half alone, on a stream whose other direction another task or program has.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::{Framing, tokio::RecvHalf};
    ///
    /// // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
    /// let mut receiver = RecvHalf::new(&b"\x00\x05hello"[..], "net:2".parse::<Framing>()?);
    /// assert_eq!(&receiver.recv().await?.unwrap()[..], b"hello");
    /// assert!(receiver.recv().await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(reader: R, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(reader, Receiving::new(framing.into()), Clock::start(), None)
    }

    pub(super) const fn assemble(
        reader: R,
        receiving: Receiving<Arc<C>>,
        clock: Clock,
        peer: Option<SocketAddr>,
    ) -> Self {
        Self { reader: Some(reader), receiving, read_now: None, clock, peer, alarm: Alarm::unset(), messages: 0 }
    }

    /// Receives the next message; `None` when the peer has closed its side between two.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// When what came is no frame, when the stream ended inside one, or when the connection failed. Whole messages that
    /// came before that are delivered first.
    pub async fn recv(&mut self) -> HalfResult<Option<Message>, C> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Receives the next message, or says that none came within that time. What has come of one is kept.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn recv_within(&mut self, limit: Duration) -> HalfResult<TryRecv, C> {
        match timeout_at(clock::within(limit), self.recv()).await {
            Ok(received) => Ok(received?.map_or(TryRecv::Closed, TryRecv::Message)),
            Err(_) => Ok(TryRecv::Nothing),
        }
    }

    /// The same as [`recv`](Self::recv), for a future of your own.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<HalfResult<Option<Message>, C>> {
        loop {
            match ready!(self.poll_came(context))? {
                Came::Message(message) => return Poll::Ready(Ok(Some(message))),
                Came::Closed => return Poll::Ready(Ok(None)),
                // It waits for the other half to be used.
                Came::Beat | Came::Wait(_) => {}
            }
        }
    }

    /// The same, and when a heartbeat is due. Never [`Came::Wait`].
    pub(super) fn poll_came(&mut self, context: &mut Context<'_>) -> Poll<HalfResult<Came, C>> {
        ready!(self.poll_turn(context));
        loop {
            match self.poll_input(context, |receiving, port, clock| drive::receive(receiving, port, clock))? {
                Came::Wait(until) => ready!(self.poll_alarm(context, until)),
                came => return Poll::Ready(Ok(came)),
            }
        }
    }

    /// A buffer may hold thousands of messages: other tasks have their turn too.
    pub(super) fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.messages = self.messages.wrapping_add(1);
        if self.messages.is_multiple_of(MESSAGES_A_UNIT) {
            ready!(coop::poll_proceed(context)).made_progress();
        }
        Poll::Ready(())
    }

    /// The next message that has been read already, without a look at the socket.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), but for the socket's.
    pub fn buffered(&mut self) -> HalfResult<Option<Message>, C> {
        drive::buffered(&mut self.receiving).map_err(|cause| self.error(cause))
    }

    /// The address of the other side.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// What is known of a message that has begun to come and is not whole.
    pub fn unfinished(&self) -> Option<Unfinished> {
        self.receiving.unfinished()
    }

    /// All bytes that ever came, to be watched while this is busy.
    pub fn byte_count(&self) -> ByteCount {
        self.receiving.byte_count()
    }

    /// How things stand with the peer; `None` without heartbeats.
    pub fn standing(&self) -> Option<Standing> {
        Some(self.receiving.pulse()?.standing(drive::Clock::now(&self.clock)))
    }

    /// Gives the socket up: nothing more is received.
    pub(super) fn give_up(&mut self) {
        self.reader = None;
    }

    /// Reads and drops all that comes, message or not, until the peer closes. For a connection that is given up: a socket
    /// that is closed with bytes unread resets the connection, and that can destroy what is on its way to the peer.
    ///
    /// # Errors
    /// When the connection failed.
    pub async fn discard(&mut self) -> HalfResult<(), C> {
        poll_fn(|context| {
            let ended = self.poll_input(context, |receiving, port, clock| drive::discard(receiving, port, clock))?;
            if ended { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    /// Waits for the deadline that the session named: ready when it is over.
    pub(super) fn poll_alarm(&mut self, context: &mut Context<'_>, until: Option<Duration>) -> Poll<()> {
        if until == AT_ONCE {
            // There is more to read; others have their turn before, and so has the clock.
            return pin!(yield_now()).poll(context);
        }
        self.alarm.poll(context, until.map(|until| self.clock.at(until)))
    }

    /// Does something with what is read.
    fn poll_input<T>(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(&mut Receiving<Arc<C>>, &mut Port<'_, R>, &Clock) -> Result<T, HalfCause<C>>,
    ) -> HalfResult<T, C> {
        let done = match &mut self.reader {
            Some(reader) => {
                self.receiving.wake_when_told(context.waker());
                let mut port = Port::new(reader, context.waker()).reading_now(self.read_now);
                work(&mut self.receiving, &mut port, &self.clock)
            }
            // Whole messages that came before the socket was given up have been delivered.
            None => Err(Cause::Closed),
        };
        done.map_err(|cause| self.failed(cause))
    }

    /// A socket tells of a reset once and then ends as if it had been closed in good order.
    pub(super) fn failed(&mut self, cause: HalfCause<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        if drive::is_lost(&cause) || matches!(cause, Cause::Dead(_)) {
            self.reader = None;
        }
        self.error(cause)
    }

    const fn error(&self, cause: HalfCause<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        Error::new(Operation::Receive, self.peer, cause)
    }
}

impl<C: Decode> RecvHalf<C> {
    /// The socket; `None` after it was closed because of an error.
    pub(super) fn stream(&self) -> Option<&TcpStream> {
        self.reader.as_ref().map(AsRef::as_ref)
    }

    /// The address of our side.
    ///
    /// # Errors
    /// As the socket has it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.reader {
            Some(reader) => reader.local_addr(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// The sending half of a connection.
///
/// See [`RecvHalf`] for an example.
#[derive(Debug)]
pub struct SendHalf<C: Encode = Directions, W = OwnedWriteHalf> {
    /// `None` after we gave the connection up.
    pub(super) writer: Option<W>,
    pub(super) sending: Sending<Arc<C>>,
    clock: Clock,
    peer: Option<SocketAddr>,
    /// When a heartbeat is due, for whoever has only this half.
    alarm: Alarm,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> SendHalf<C, W> {
    /// A sending half alone, on a stream whose other direction another task or program has.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::{Framing, tokio::SendHalf};
    ///
    /// let mut wire = Vec::new();
    /// SendHalf::new(&mut wire, "net:2".parse::<Framing>()?).send(b"hello").await?;
    /// assert_eq!(wire, b"\x00\x05hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(writer: W, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(writer, Sending::new(framing.into()), Clock::start(), None)
    }

    pub(super) const fn assemble(writer: W, sending: Sending<Arc<C>>, clock: Clock, peer: Option<SocketAddr>) -> Self {
        Self { writer: Some(writer), sending, clock, peer, alarm: Alarm::unset() }
    }

    /// With the clock of the half that it is joined with.
    pub(super) fn counting_by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Sends one message and returns when the socket has taken all of it.
    ///
    /// That it was taken does not mean that it was delivered. Dropping the future leaves the message either not
    /// accepted at all, or with the rest of it to be written before anything else.
    ///
    /// # Errors
    /// When the message cannot be sent with this framing, when our side has ended, or when the connection failed.
    pub async fn send(&mut self, payload: &[u8]) -> HalfResult<(), C> {
        self.put(payload).await?;
        self.flush().await
    }

    /// The same within that time. When that is over the message is either not accepted at all, or the rest of it leaves before
    /// anything else.
    ///
    /// # Errors
    /// As [`send`](Self::send), and when the socket did not take it in time.
    pub async fn send_within(&mut self, payload: &[u8], limit: Duration) -> HalfResult<(), C> {
        let deadline = clock::within(limit);
        let failed = |peer, cause| Err(Error::new(Operation::Send, peer, cause));
        match timeout_at(deadline, self.put(payload)).await {
            Ok(put) => put?,
            Err(_) => {
                let queued_bytes = self.unwritten_bytes();
                return failed(self.peer, Cause::NoRoom { after: limit, queued_bytes });
            }
        }
        match timeout_at(deadline, self.flush()).await {
            Ok(flushed) => flushed,
            Err(_) => {
                let unwritten_bytes = self.unwritten_bytes();
                failed(self.peer, Cause::TimedOut { after: limit, unwritten_bytes, unfinished: None })
            }
        }
    }

    /// Sends one message within that time, like [`send_within`](Self::send_within). The error also says what the peer may have seen
    /// of the message.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within).
    pub async fn send_with_outcome(
        &mut self,
        payload: &[u8],
        limit: Duration,
    ) -> Result<(), CallError<<C as Decode>::Error, <C as Encode>::Error>> {
        let before = self.sending.accepted();
        self.send_within(payload, limit)
            .await
            .map_err(|error| CallError::new(drive::sent_of_message(&self.sending, before, error.cause()), error))
    }

    /// Accepts a message to be sent with the next [`flush`](Self::flush) or [`send`](Self::send), so that many small ones
    /// share a write. Waits only while 64 KiB or more are queued.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn feed(&mut self, payload: &[u8]) -> HalfResult<(), C> {
        poll_fn(|context| {
            match self.poll_output(context, |sending, port, clock| drive::queue(sending, port, clock, payload))? {
                Progress::Done => Poll::Ready(Ok(())),
                Progress::Blocked => Poll::Pending,
            }
        })
        .await
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// When the connection failed.
    pub async fn flush(&mut self) -> HalfResult<(), C> {
        poll_fn(|context| match self.poll_flush(context)? {
            Progress::Done => Poll::Ready(Ok(())),
            Progress::Blocked => Poll::Pending,
        })
        .await
    }

    /// Writes the heartbeats that are due, and what is left of a message whose sending was given up, for as long as this is awaited: beside
    /// whatever brings the next message. It is never done, but fails when the connection does. Dropping the future loses nothing.
    ///
    /// Needed only where the receiving half is somebody else's: [`Connection::recv`](super::Connection::recv) and the
    /// [`Receiver`](super::Receiver) of a duplex connection do it by themselves.
    ///
    /// ```no_run
    /// # async fn example(connection: framelink_transport::tokio::Connection, mut queue: tokio::sync::mpsc::Receiver<Vec<u8>>)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let (receiver, mut sender) = connection.split();
    /// loop {
    ///     tokio::select! {
    ///         message = queue.recv() => match message {
    ///             Some(message) => sender.send(&message).await?,
    ///             None => return Ok(()),
    ///         },
    ///         error = sender.keep() => return Err(error.into()),
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn keep(&mut self) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        poll_fn(|context| self.poll_keep(context)).await
    }

    fn poll_keep(&mut self, context: &mut Context<'_>) -> Poll<Error<<C as Decode>::Error, <C as Encode>::Error>> {
        loop {
            self.sending.wake(context.waker());
            if let Some(verdict) = self.sending.pulse().and_then(Pulse::verdict) {
                self.give_up();
                return Poll::Ready(Error::new(Operation::Send, self.peer, Cause::Dead(verdict)));
            }
            // The task that receives may be busy elsewhere.
            self.sending.wake_when_told(context.waker());
            if let Some(ending) = self.sending.told() {
                self.give_up();
                return Poll::Ready(Error::new(Operation::Send, self.peer, Cause::Ended(ending)));
            }
            let mut beat_at = self.sending.on_time(drive::Clock::now(&self.clock));
            if self.sending.has_output() {
                if let Err(error) = self.poll_flush(context) {
                    return Poll::Ready(error);
                }
                // What has gone says when the next one is due.
                beat_at = self.sending.on_time(drive::Clock::now(&self.clock));
            }
            ready!(self.alarm.poll(context, beat_at.map(|at| self.clock.at(at))));
        }
    }

    /// Ends our side: what is queued is written, then writing is shut down. The peer can go on sending.
    ///
    /// # Errors
    /// When the connection failed.
    pub async fn finish(&mut self) -> HalfResult<(), C> {
        self.sending.finish();
        self.flush().await
    }

    /// How many messages were accepted and are not wholly written.
    pub fn unwritten(&self) -> usize {
        self.sending.unwritten()
    }

    /// How many bytes of accepted messages are still to be written.
    pub fn unwritten_bytes(&self) -> usize {
        self.sending.queued_len()
    }

    /// All bytes that the socket ever took, to be watched while this is busy.
    pub fn byte_count(&self) -> ByteCount {
        self.sending.byte_count()
    }

    /// How many messages the socket took whole since the connection began.
    pub fn messages_written(&self) -> u64 {
        self.sending.messages_written()
    }

    /// The address of the other side.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Gives the socket up: nothing more is sent.
    pub(super) fn give_up(&mut self) {
        self.writer = None;
        self.sending.on_failed();
    }

    /// Accepts a message, writing what the socket takes of it at once and queueing the rest.
    async fn put(&mut self, payload: &[u8]) -> HalfResult<(), C> {
        poll_fn(|context| match self.poll_put(context, payload)? {
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Pending,
        })
        .await
    }

    /// The same; `None` while there is no room for it.
    pub(super) fn poll_put(&mut self, context: &mut Context<'_>, payload: &[u8]) -> HalfResult<Option<Ticket>, C> {
        self.poll_output(context, |sending, port, clock| drive::put(sending, port, clock, payload))
    }

    /// Writes what is queued, as far as the socket takes it now.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> HalfResult<Progress, C> {
        self.poll_output(context, |sending, port, clock| drive::flush(sending, port, clock))
    }

    /// Does something with what is written.
    pub(super) fn poll_output<T>(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut Port<'_, W>, &Clock) -> Result<T, HalfCause<C>>,
    ) -> HalfResult<T, C> {
        let done = match &mut self.writer {
            Some(writer) => {
                self.sending.wake_when_told(context.waker());
                work(&mut self.sending, &mut Port::new(writer, context.waker()), &self.clock)
            }
            None => Err(Cause::Closed),
        };
        done.map_err(|cause| Error::new(Operation::Send, self.peer, cause))
    }
}
