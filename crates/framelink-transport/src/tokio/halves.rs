//! The receiving and the sending half of a connection, each with its half of the session.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::{coop, yield_now};
use tokio::time::{Instant, timeout_at};

use super::alarm::Alarm;
use super::clock::Clock;
use super::port::{Port, ReadNow, SecuredPort};
use crate::connection::peer_addr::PeerAddr;
use crate::connection::{self, CauseOf, ErrorOf, docs};
use crate::drive::{self, AT_ONCE, Came, Delivery, Inbound, LayersBox, Progress, Secured, TryRecv};
use crate::driver::awaited;
use crate::error::Cause;
use crate::session::{LivenessHandle, MessagePlace, Receiving, Sending, Ticket};
use crate::tls::WriterBox;
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
    /// `None` after the connection was closed on this side.
    pub(super) reader: Option<R>,
    pub(super) receiving: Receiving<Arc<C>>,
    pub(super) read_now: Option<ReadNow<R>>,
    pub(super) clock: Clock,
    pub(super) peer: PeerAddr,
    /// The timer for the deadline of the session.
    alarm: Alarm,
    /// Whether the timer wakes the task that is woken when the connection is told to end.
    alarm_is_set: bool,
    /// The number of receive calls that are not charged to the budget of the task yet.
    messages: u8,
    pub(super) layers: Option<LayersBox>,
}

/// How many messages from one buffer cost as much as one operation of the runtime, of which a turn has 128.
const MESSAGES_A_UNIT: u8 = 4;

/// How many messages are charged together, at the latest.
const MESSAGES_A_CHARGE: u8 = 32;

impl<C: Decode + Encode, R: AsyncRead + Unpin> RecvHalf<C, R> {
    connection::recv_half_methods!();
    connection::waiting_recv_half_methods!(awaited async);

    pub(super) const fn assemble(reader: R, receiving: Receiving<Arc<C>>, clock: Clock, peer: PeerAddr) -> Self {
        Self {
            reader: Some(reader),
            receiving,
            read_now: None,
            clock,
            peer,
            alarm: Alarm::unset(),
            alarm_is_set: false,
            messages: 0,
            layers: None,
        }
    }

    /// Like [`recv`](Self::recv), as a poll function.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Message>, ErrorOf<C>>> {
        self.poll_next(context)
    }

    fn poll_next<M: Delivery>(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<M>, ErrorOf<C>>> {
        loop {
            match ready!(self.poll_came(context))? {
                Came::Message(message) => return Poll::Ready(Ok(Some(message))),
                Came::Closed => return Poll::Ready(Ok(None)),
                // The other half sends the heartbeat. This half waits.
                Came::Beat | Came::Wait(_) => {}
            }
        }
    }

    fn next<M: Delivery>(&mut self) -> impl Future<Output = Result<Option<M>, ErrorOf<C>>> {
        poll_fn(|context| self.poll_next(context))
    }

    /// Reads and discards everything, whether it forms messages or not, until the peer closes. Use it before dropping a
    /// connection: closing a socket with unread bytes causes a reset, which can destroy data on its way to the peer.
    ///
    /// # Errors
    /// Fails if the connection failed.
    pub async fn discard(&mut self) -> Result<(), ErrorOf<C>> {
        poll_fn(|context| {
            let ended = self.poll_input(context, |mut inbound| inbound.discard())?;
            if ended { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    #[doc = docs!(recv)]
    pub async fn recv(&mut self) -> Result<Option<Message>, ErrorOf<C>> {
        if let Some(message) = self.ready() {
            return Ok(Some(message));
        }
        self.next().await
    }

    #[doc = docs!(recv_within)]
    pub async fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, ErrorOf<C>> {
        let deadline = Some(self.clock.within(limit));
        Ok(TryRecv::of(by(deadline, poll_fn(|context| self.poll_recv(context))).await.transpose()?))
    }

    /// Receives, or reports that a heartbeat is due. Never returns [`Came::Wait`].
    #[inline]
    pub(super) fn poll_came<M: Delivery>(&mut self, context: &mut Context<'_>) -> Poll<Result<Came<M>, ErrorOf<C>>> {
        ready!(self.poll_turn(context));
        if self.reader.is_some()
            && let Some(message) = drive::at_hand(&mut self.receiving, false)
        {
            return Poll::Ready(Ok(Came::Message(message)));
        }
        self.poll_read(context)
    }

    fn poll_read<M: Delivery>(&mut self, context: &mut Context<'_>) -> Poll<Result<Came<M>, ErrorOf<C>>> {
        loop {
            match self.poll_input(context, |mut inbound| inbound.receive())? {
                Came::Wait(until) => ready!(self.poll_alarm(context, until)),
                came => return Poll::Ready(Ok(came)),
            }
        }
    }

    /// Charges messages to the budget of the task. One buffer may hold thousands of messages.
    pub(super) fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.messages >= MESSAGES_A_UNIT {
            ready!(coop::poll_proceed(context)).made_progress();
            self.messages -= MESSAGES_A_UNIT;
        }
        self.messages += 1;
        Poll::Ready(())
    }

    /// Returns the next message that has been read already, unless `poll_turn` must charge messages before.
    #[inline]
    pub(super) fn ready<M: Delivery>(&mut self) -> Option<M> {
        let place = self.ready_place()?;
        Some(drive::deliver(&mut self.receiving, place, false))
    }

    /// Like `ready`, but the message is not delivered yet.
    #[inline(always)] // A call with a result in memory takes as long as the rest.
    pub(super) fn ready_place(&mut self) -> Option<MessagePlace> {
        if self.reader.is_none() || self.messages >= MESSAGES_A_CHARGE {
            return None;
        }
        let place = drive::place_at_hand(&mut self.receiving)?;
        self.messages += 1;
        Some(place)
    }

    /// Waits for the deadline of the session. Returns `Ready` when it has passed.
    pub(super) fn poll_alarm(&mut self, context: &mut Context<'_>, until: Option<Duration>) -> Poll<()> {
        if until == AT_ONCE {
            // There is more to read. Other tasks get their turn first, and the clock is checked.
            return pin!(yield_now()).poll(context);
        }
        let at = until.map(|until| self.clock.at(until));
        match std::mem::replace(&mut self.alarm_is_set, true) {
            true => self.alarm.poll_again(context, at),
            false => self.alarm.poll(context, at),
        }
    }

    /// Sets what is woken when the connection is told to end: the task that is polled.
    pub(super) fn wake_when_told(&mut self, waker: &Waker) {
        self.alarm_is_set &= self.receiving.wake_when_told(waker);
    }

    /// Runs `work` on the receiving session and the socket.
    fn poll_input<T>(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(Inbound<'_, Arc<C>, SecuredPort<'_, R>, Clock>) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        let clock = self.clock;
        self.wake_when_told(context.waker());
        self.poll_input_at(context, &clock, work)
    }

    /// Like `poll_input`, by this clock. The caller has set what is woken when the connection is told to end.
    pub(super) fn poll_input_at<T, K: drive::Clock>(
        &mut self,
        context: &mut Context<'_>,
        clock: &K,
        work: impl FnOnce(Inbound<'_, Arc<C>, SecuredPort<'_, R>, K>) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        // Messages that arrived before the socket was closed have been returned already.
        let Some(reader) = &mut self.reader else { return Err(self.error(Cause::Closed)) };
        let socket = Port::new(reader, context.waker()).reading_now(self.read_now);
        let input = &mut Secured::input(socket, self.layers.as_mut());
        let inbound = Inbound { receiving: &mut self.receiving, input, clock, may_wait: true };
        work(inbound).map_err(|cause| self.failed(cause))
    }
}

impl<C: Decode> RecvHalf<C> {
    /// Returns the socket, or `None` after an error has closed the connection.
    pub(super) fn stream(&self) -> Option<&TcpStream> {
        self.reader.as_ref().map(AsRef::as_ref)
    }

    /// Returns the local address of the socket.
    ///
    /// # Errors
    /// Fails if the system cannot tell it, or if the connection was closed on this side.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.reader.as_ref().ok_or(io::ErrorKind::NotConnected)?.local_addr()
    }
}

/// Returns the result of `future`, or `None` if the deadline passes first. Waits without limit if there is no deadline.
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
    /// `None` after the connection was closed on this side.
    pub(super) writer: Option<W>,
    pub(super) sending: Sending<Arc<C>>,
    pub(super) clock: Clock,
    peer: PeerAddr,
    /// The timer for the next heartbeat, for a task that has only this half.
    alarm: Alarm,
    pub(super) tls: Option<WriterBox>,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> SendHalf<C, W> {
    connection::send_half_methods!();
    connection::waiting_send_half_methods!(awaited async);

    pub(super) const fn assemble(writer: W, sending: Sending<Arc<C>>, clock: Clock, peer: PeerAddr) -> Self {
        Self { writer: Some(writer), sending, clock, peer, alarm: Alarm::unset(), tls: None }
    }

    /// Writes the heartbeats that are due and the rest of a message whose `send` was cancelled or timed out, for as
    /// long as the future is awaited. Await it together with the source of the next message, as in the example.
    ///
    /// The future is ready only when the connection fails. Dropping it loses nothing.
    ///
    /// This is needed only if another task has the receiving half. [`Connection::recv`](super::Connection::recv) and
    /// the [`Receiver`](super::Receiver) of a duplex connection send heartbeats themselves.
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

    pub(super) fn poll_keep(&mut self, context: &mut Context<'_>) -> Poll<ErrorOf<C>> {
        loop {
            self.sending.wake(context.waker());
            // The receiving task may be busy elsewhere, so this one also wakes when the connection is told to end.
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

    /// Repeats `work`, which writes, until it is done.
    fn write<T>(
        &mut self,
        mut work: impl FnMut(&mut Sending<Arc<C>>, &mut SecuredPort<'_, W>, &Clock) -> Result<Option<T>, CauseOf<C>>,
    ) -> impl Future<Output = Result<T, ErrorOf<C>>> {
        poll_fn(move |context| match self.poll_output(context, &mut work) {
            Ok(Some(done)) => Poll::Ready(Ok(done)),
            Ok(None) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        })
    }

    /// Repeats `work` until it is done. Returns `None` if the deadline passes first.
    async fn write_until<T>(
        &mut self,
        deadline: Option<Duration>,
        work: impl FnMut(&mut Sending<Arc<C>>, &mut SecuredPort<'_, W>, &Clock) -> Result<Option<T>, CauseOf<C>>,
    ) -> Result<Option<T>, ErrorOf<C>> {
        by(deadline.map(|at| self.clock.at(at)), self.write(work)).await.transpose()
    }

    /// Accepts a message: writes what the socket takes and queues the rest. Returns `None` while there is no room.
    pub(super) fn poll_put(&mut self, context: &mut Context<'_>, payload: &[u8]) -> Result<Option<Ticket>, ErrorOf<C>> {
        self.poll_output(context, |sending, port, clock| drive::put(sending, port, clock, payload))
    }

    /// Writes what is queued, as far as the socket takes it now.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Result<Progress, ErrorOf<C>> {
        self.poll_output(context, |sending, port, clock| drive::flush(sending, port, clock))
    }

    /// Runs `work` on the sending session and the socket.
    #[inline(never)] // so that `feed` is short
    pub(super) fn poll_output<T>(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut SecuredPort<'_, W>, &Clock) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        let clock = self.clock;
        self.sending.wake_when_told(context.waker());
        self.poll_output_at(context, &clock, work)
    }

    /// Like `poll_output`, by this clock. The caller has set what is woken when the connection is told to end.
    pub(super) fn poll_output_at<T, K: drive::Clock>(
        &mut self,
        context: &mut Context<'_>,
        clock: &K,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut SecuredPort<'_, W>, &K) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        let Some(writer) = &mut self.writer else { return Err(self.error(Cause::Closed)) };
        let mut port = Secured::output(Port::new(writer, context.waker()), self.tls.as_mut());
        let done = work(&mut self.sending, &mut port, clock);
        done.map_err(|cause| self.error(cause))
    }
}
