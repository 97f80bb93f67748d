//! The two directions of a connection, each with its half of the session.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use framelink_codec::{Decode, Encode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::coop;
use tokio::time::Sleep;

use super::clock::Clock;
use super::error::{Cause, Error, Operation};
use crate::session::{ByteCount, Outgoing, Received, Receiving, Sending, Ticket, Transmit, Unfinished};
use crate::{Directions, Message};

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
    reader: Option<R>,
    receiving: Receiving<Arc<C>>,
    clock: Clock,
    peer: Option<SocketAddr>,
    /// The deadline that the session named, kept between polls.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<C: Decode + Encode, R: AsyncRead + Unpin> RecvHalf<C, R> {
    pub(super) fn new(reader: R, framing: Arc<C>, clock: Clock, peer: Option<SocketAddr>) -> Self {
        Self { reader: Some(reader), receiving: Receiving::new(framing), clock, peer, alarm: None }
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

    /// The same as [`recv`](Self::recv), for a future of your own.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<HalfResult<Option<Message>, C>> {
        // A buffer may hold thousands of messages: other tasks have their turn too.
        ready!(coop::poll_proceed(context)).made_progress();
        loop {
            let until = match self.receiving.poll() {
                Ok(Received::Message(message)) => return Poll::Ready(Ok(Some(message))),
                Ok(Received::Closed) => return Poll::Ready(Ok(None)),
                Ok(Received::Wait { until }) => until,
                Err(fault) => return Poll::Ready(Err(self.error(Cause::Fault(fault)))),
            };
            match self.poll_read(context) {
                Poll::Ready(Ok(())) => self.alarm = None,
                Poll::Ready(Err(cause)) => return Poll::Ready(Err(self.error(cause))),
                Poll::Pending => {
                    self.receiving.release();
                    let Some(until) = until else { return Poll::Pending };
                    let at = self.clock.at(until);
                    let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
                    ready!(alarm.as_mut().poll(context));
                    self.alarm = None;
                    self.receiving.on_deadline(self.clock.now());
                }
            }
        }
    }

    /// The next message that has been read already, without a look at the socket.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), but for the socket's.
    pub fn buffered(&mut self) -> HalfResult<Option<Message>, C> {
        match self.receiving.poll() {
            Ok(Received::Message(message)) => Ok(Some(message)),
            Ok(_) => Ok(None),
            Err(fault) => Err(self.error(Cause::Fault(fault))),
        }
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

    /// Gives the socket up: nothing more is received.
    pub(super) fn give_up(&mut self) {
        self.reader = None;
    }

    /// Gives the buffer back, if nothing waits in it.
    pub(super) fn release(&mut self) {
        self.receiving.release();
    }

    /// Takes what has come already into the session, and waits for nothing. True if that is the end.
    pub(super) async fn look(&mut self) -> Result<bool, HalfCause<C>> {
        let looked = poll_fn(|context| Poll::Ready(self.poll_read(context))).await;
        self.receiving.release();
        match looked {
            Poll::Ready(Err(cause)) => Err(cause),
            _ => Ok(self.receiving.is_closed()),
        }
    }

    /// Reads and drops all that comes, message or not, until the peer closes. For a connection that is given up: a socket
    /// that is closed with bytes unread resets the connection, and that can destroy what is on its way to the peer.
    ///
    /// # Errors
    /// When the connection failed.
    pub async fn discard(&mut self) -> HalfResult<(), C> {
        while !self.receiving.is_closed() {
            self.receiving.discard();
            poll_fn(|context| {
                let read = self.poll_read(context);
                if read.is_pending() {
                    self.receiving.release();
                }
                read
            })
            .await
            .map_err(|cause| self.error(cause))?;
        }
        Ok(())
    }

    pub(super) const fn is_inside_message(&self) -> bool {
        self.receiving.is_inside_message()
    }

    /// Reads once into the session.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), HalfCause<C>>> {
        let Some(reader) = &mut self.reader else { return Poll::Ready(Err(Cause::Closed)) };
        let mut space = ReadBuf::new(self.receiving.space());
        match ready!(Pin::new(reader).poll_read(context, &mut space)) {
            Ok(()) => match space.filled().len() {
                0 => self.receiving.on_closed(),
                count => self.receiving.on_read(count, self.clock.now()),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // A socket tells of a reset once and then ends as if it had been closed in good order.
                self.reader = None;
                return Poll::Ready(Err(Cause::of_io(error)));
            }
        }
        Poll::Ready(Ok(()))
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
    writer: Option<W>,
    sending: Sending<Arc<C>>,
    clock: Clock,
    peer: Option<SocketAddr>,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> SendHalf<C, W> {
    pub(super) fn new(writer: W, framing: Arc<C>, clock: Clock, peer: Option<SocketAddr>) -> Self {
        Self { writer: Some(writer), sending: Sending::new(framing), clock, peer }
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

    /// Accepts a message to be sent with the next [`flush`](Self::flush) or [`send`](Self::send), so that many small ones
    /// share a write. Waits only while 64 KiB or more are queued.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn feed(&mut self, payload: &[u8]) -> HalfResult<(), C> {
        poll_fn(|context| self.poll_room(context)).await?;
        self.sending.queue(payload).map_err(|refused| self.error(Cause::Refused(refused)))?;
        Ok(())
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// When the connection failed.
    pub async fn flush(&mut self) -> HalfResult<(), C> {
        poll_fn(|context| self.poll_write_queue(context, 0)).await
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

    /// Sends a request; `ticket` says which bytes it is from the moment it is accepted, also if this is then dropped.
    pub(super) async fn request(&mut self, request: &[u8], ticket: &mut Option<Ticket>) -> HalfResult<(), C> {
        *ticket = Some(self.put(request).await?);
        self.flush().await
    }

    pub(super) const fn session(&self) -> &Sending<Arc<C>> {
        &self.sending
    }

    /// Accepts a message, writing what the socket takes of it at once and queueing the rest.
    pub(super) async fn put(&mut self, payload: &[u8]) -> HalfResult<Ticket, C> {
        poll_fn(|context| {
            ready!(self.poll_room(context))?;
            let outgoing = self.sending.outgoing(payload).map_err(|refused| self.error(Cause::Refused(refused)))?;
            let written = self.write_now(context, &outgoing)?;
            Poll::Ready(Ok(self.sending.queue_rest(&outgoing, written, self.clock.now())))
        })
        .await
    }

    /// Offers a whole frame to the socket, from where it lies. How much it takes is 0 where that must wait.
    fn write_now(&mut self, context: &mut Context<'_>, outgoing: &Outgoing<'_>) -> HalfResult<usize, C> {
        let Some(writer) = &mut self.writer else { return Err(self.error(Cause::Closed)) };
        // Where parts cannot be gathered the frame is put together in the queue: some peers do a single read for it.
        if !self.sending.is_empty() || outgoing.frame_len() == 0 || !writer.is_write_vectored() {
            return Ok(0);
        }
        match Pin::new(writer).poll_write_vectored(context, &outgoing.slices()) {
            Poll::Pending => Ok(0),
            Poll::Ready(Ok(count)) => Ok(count),
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Poll::Ready(Err(error)) => Err(self.fail(error)),
        }
    }

    /// Writes until there is room for another message.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<HalfResult<(), C>> {
        if self.sending.has_room() {
            return Poll::Ready(Ok(()));
        }
        // Down to half, so that a write is worth its while.
        self.poll_write_queue(context, crate::session::QUEUE_LIMIT / 2)
    }

    /// Does what the session says until no more than so many bytes are left to write.
    fn poll_write_queue(&mut self, context: &mut Context<'_>, leave: usize) -> Poll<HalfResult<(), C>> {
        loop {
            let Some(writer) = &mut self.writer else { return Poll::Ready(Err(self.error(Cause::Closed))) };
            let writer = Pin::new(writer);
            match self.sending.poll() {
                Transmit::Write(bytes) if leave == 0 || bytes.len() > leave => {
                    match ready!(writer.poll_write(context, bytes)) {
                        Ok(0) => return Poll::Ready(Err(self.fail(io::ErrorKind::WriteZero.into()))),
                        Ok(count) => self.sending.on_written(count, self.clock.now()),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Poll::Ready(Err(self.fail(error))),
                    }
                }
                Transmit::ShutDown => match ready!(writer.poll_shutdown(context)) {
                    Ok(()) => self.sending.on_shut_down(),
                    Err(error) => return Poll::Ready(Err(self.fail(error))),
                },
                Transmit::Write(_) => return Poll::Ready(Ok(())),
                Transmit::Failed => return Poll::Ready(Err(self.error(Cause::Closed))),
                Transmit::Idle => return writer.poll_flush(context).map_err(|error| self.fail(error)),
            }
        }
    }

    fn fail(&mut self, error: io::Error) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        self.sending.on_failed();
        self.error(Cause::of_io(error))
    }

    const fn error(&self, cause: HalfCause<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        Error::new(Operation::Send, self.peer, cause)
    }
}
