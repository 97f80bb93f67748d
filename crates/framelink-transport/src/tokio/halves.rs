//! The two directions of a connection, each with its half of the session.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::{coop, yield_now};
use tokio::time::{Instant, timeout_at};

use super::alarm::Alarm;
use super::clock::Clock;
use super::port::{Port, ReadNow};
use crate::connection::{self, CauseOf, ErrorOf, docs};
use crate::drive::{self, AT_ONCE, Came, Inbound, Progress, TryRecv};
use crate::driver::awaited;
use crate::error::Cause;
use crate::session::{LivenessHandle, Receiving, Sending, Ticket};
use crate::{FramingPair, Message};

/// The receiving half of a connection.
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
pub struct RecvHalf<C: Decode = FramingPair, R = OwnedReadHalf> {
    /// `None` after we gave the connection up.
    pub(super) reader: Option<R>,
    pub(super) receiving: Receiving<Arc<C>>,
    pub(super) read_now: Option<ReadNow<R>>,
    clock: Clock,
    pub(super) peer: Option<SocketAddr>,
    /// The deadline that the session named.
    alarm: Alarm,
    /// How many were asked for, to be counted against the turn of the task.
    messages: u8,
}

/// So many messages from one buffer count as much as one operation of the runtime, of which a task has 128 in its turn.
const MESSAGES_A_UNIT: u8 = 4;

impl<C: Decode + Encode, R: AsyncRead + Unpin> RecvHalf<C, R> {
    connection::recv_half_methods!();
    connection::waiting_recv_half_methods!();

    pub(super) const fn assemble(
        reader: R,
        receiving: Receiving<Arc<C>>,
        clock: Clock,
        peer: Option<SocketAddr>,
    ) -> Self {
        Self { reader: Some(reader), receiving, read_now: None, clock, peer, alarm: Alarm::unset(), messages: 0 }
    }

    /// The same as [`recv`](Self::recv), for a future of your own.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Message>, ErrorOf<C>>> {
        loop {
            match ready!(self.poll_came(context))? {
                Came::Message(message) => return Poll::Ready(Ok(Some(message))),
                Came::Closed => return Poll::Ready(Ok(None)),
                // It waits for the other half to be used.
                Came::Beat | Came::Wait(_) => {}
            }
        }
    }

    /// Reads and drops all that comes, message or not, until the peer closes. For a connection that is given up: a socket
    /// that is closed with bytes unread resets the connection, and that can destroy what is on its way to the peer.
    ///
    /// # Errors
    /// When the connection failed.
    pub async fn discard(&mut self) -> Result<(), ErrorOf<C>> {
        poll_fn(|context| {
            let ended = self.poll_input(context, |mut inbound| inbound.discard())?;
            if ended { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    #[doc = docs!(recv)]
    pub async fn recv(&mut self) -> Result<Option<Message>, ErrorOf<C>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    #[doc = docs!(recv_within)]
    pub async fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, ErrorOf<C>> {
        let deadline = Some(self.clock.within(limit));
        Ok(TryRecv::of(by(deadline, poll_fn(|context| self.poll_recv(context))).await.transpose()?))
    }

    /// Receives, or says that a heartbeat is due. Never [`Came::Wait`].
    pub(super) fn poll_came(&mut self, context: &mut Context<'_>) -> Poll<Result<Came, ErrorOf<C>>> {
        ready!(self.poll_turn(context));
        loop {
            match self.poll_input(context, |mut inbound| inbound.receive())? {
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
        work: impl FnOnce(Inbound<'_, Arc<C>, Port<'_, R>, Clock>) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        // Whole messages that came before the socket was given up have been delivered.
        let Some(reader) = &mut self.reader else { return Err(self.error(Cause::Closed)) };
        self.receiving.wake_when_told(context.waker());
        let input = &mut Port::new(reader, context.waker()).reading_now(self.read_now);
        let inbound = Inbound { receiving: &mut self.receiving, input, clock: &self.clock, may_wait: true };
        work(inbound).map_err(|cause| self.failed(cause))
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
        self.reader.as_ref().ok_or(io::ErrorKind::NotConnected)?.local_addr()
    }
}

/// What that comes to by then; for ever without a deadline.
pub(super) async fn by<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

/// The sending half of a connection.
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
#[derive(Debug)]
pub struct SendHalf<C: Encode = FramingPair, W = OwnedWriteHalf> {
    /// `None` after we gave the connection up.
    pub(super) writer: Option<W>,
    pub(super) sending: Sending<Arc<C>>,
    pub(super) clock: Clock,
    peer: Option<SocketAddr>,
    /// When a heartbeat is due, for a task that has only this half.
    alarm: Alarm,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> SendHalf<C, W> {
    connection::send_half_methods!();
    connection::waiting_send_half_methods!(awaited async);

    pub(super) const fn assemble(writer: W, sending: Sending<Arc<C>>, clock: Clock, peer: Option<SocketAddr>) -> Self {
        Self { writer: Some(writer), sending, clock, peer, alarm: Alarm::unset() }
    }

    /// Writes the heartbeats that are due, and what is left of a message whose sending was given up, for as long as this is awaited: beside
    /// whatever brings the next message. It is never done, but fails when the connection does. Dropping the future loses nothing.
    ///
    /// Needed only where another task has the receiving half: [`Connection::recv`](super::Connection::recv) and the
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
    pub async fn keep(&mut self) -> ErrorOf<C> {
        poll_fn(|context| self.poll_keep(context)).await
    }

    fn poll_keep(&mut self, context: &mut Context<'_>) -> Poll<ErrorOf<C>> {
        loop {
            self.sending.wake(context.waker());
            // The task that receives may be busy elsewhere.
            self.sending.wake_when_told(context.waker());
            let verdict = self.sending.liveness().and_then(LivenessHandle::verdict);
            if let Some(cause) = verdict.map(Cause::Dead).or_else(|| self.sending.told().map(Cause::Ended)) {
                self.give_up();
                return Poll::Ready(self.error(cause));
            }
            match self.poll_output(context, |sending, port, clock| drive::write_beats(sending, port, clock)) {
                Ok(beat_at) => ready!(self.alarm.poll(context, beat_at.map(|at| self.clock.at(at)))),
                Err(error) => return Poll::Ready(error),
            }
        }
    }

    /// Goes on with something that writes until it is done.
    fn write<T>(
        &mut self,
        mut work: impl FnMut(&mut Sending<Arc<C>>, &mut Port<'_, W>, &Clock) -> Result<Option<T>, CauseOf<C>>,
    ) -> impl Future<Output = Result<T, ErrorOf<C>>> {
        poll_fn(move |context| match self.poll_output(context, &mut work) {
            Ok(Some(done)) => Poll::Ready(Ok(done)),
            Ok(None) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        })
    }

    /// The same up to a deadline.
    async fn write_until<T>(
        &mut self,
        deadline: Option<Duration>,
        work: impl FnMut(&mut Sending<Arc<C>>, &mut Port<'_, W>, &Clock) -> Result<Option<T>, CauseOf<C>>,
    ) -> Result<Option<T>, ErrorOf<C>> {
        by(deadline.map(|at| self.clock.at(at)), self.write(work)).await.transpose()
    }

    /// Accepts a message, writing what the socket takes of it at once and queueing the rest; `None` while there is no room for it.
    pub(super) fn poll_put(&mut self, context: &mut Context<'_>, payload: &[u8]) -> Result<Option<Ticket>, ErrorOf<C>> {
        self.poll_output(context, |sending, port, clock| drive::put(sending, port, clock, payload))
    }

    /// Writes what is queued, as far as the socket takes it now.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Result<Progress, ErrorOf<C>> {
        self.poll_output(context, |sending, port, clock| drive::flush(sending, port, clock))
    }

    /// Does something with what is written.
    pub(super) fn poll_output<T>(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut Port<'_, W>, &Clock) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        let Some(writer) = &mut self.writer else { return Err(self.error(Cause::Closed)) };
        self.sending.wake_when_told(context.waker());
        let done = work(&mut self.sending, &mut Port::new(writer, context.waker()), &self.clock);
        done.map_err(|cause| self.error(cause))
    }
}
