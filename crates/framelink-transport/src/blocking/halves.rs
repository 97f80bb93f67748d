//! The two directions of a connection, each with its half of the session.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::Standing;

use super::port::{Interrupting, Port, Timeout};
use super::{Closer, ReadStream, Shared, WriteStream};
use crate::clock::Clock;
use crate::drive::{self, Came, Progress};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{ByteCount, Receiving, Sending, Ticket, Unfinished};
use crate::{Directions, Message, TryRecv};

type HalfResult<T, C> = Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type HalfCause<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;

/// The receiving half of a connection.
///
/// It can live in a thread, or in a process, of its own.
///
/// ```no_run
/// # fn example(connection: framelink_transport::blocking::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// let (mut receiver, mut sender) = connection.split();
/// std::thread::spawn(move || sender.send(b"hello"));
/// while let Some(message) = receiver.recv()? {
///     println!("{} bytes", message.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RecvHalf<C: Decode = Directions, R = Shared<TcpStream>> {
    /// `None` after we gave the connection up.
    pub(super) reader: Option<R>,
    pub(super) receiving: Receiving<Arc<C>>,
    pub(super) timeout: Timeout,
    clock: Clock,
    peer: Option<SocketAddr>,
    /// What ends a wait to have a look whether the connection is to end.
    pub(super) interrupt: Option<Interrupting<R>>,
}

impl<C: Decode + Encode, R: ReadStream> RecvHalf<C, R> {
    /// A receiving half alone, on a stream whose other direction somebody else has.
    pub fn new(reader: R, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(reader, Receiving::new(framing.into()), Clock::start(), None)
    }

    pub(super) const fn assemble(
        reader: R,
        receiving: Receiving<Arc<C>>,
        clock: Clock,
        peer: Option<SocketAddr>,
    ) -> Self {
        Self { reader: Some(reader), receiving, timeout: Timeout::Unknown, clock, peer, interrupt: None }
    }

    /// Receives the next message; `None` when the peer has closed its side between two.
    ///
    /// # Errors
    /// When what came is no frame, when the stream ended inside one, or when the connection failed. Whole messages that
    /// came before that are delivered first.
    pub fn recv(&mut self) -> HalfResult<Option<Message>, C> {
        loop {
            match self.receive(None)? {
                TryRecv::Message(message) => return Ok(Some(message)),
                TryRecv::Closed => return Ok(None),
                TryRecv::Nothing => {}
            }
        }
    }

    /// Receives the next message, or says that none came within that time. What has come of one is kept.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn recv_within(&mut self, limit: Duration) -> HalfResult<TryRecv, C> {
        self.receive(Some(self.clock.within(limit)))
    }

    /// The next message that has been read already, without a look at the socket.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), but for the socket's.
    pub fn buffered(&mut self) -> HalfResult<Option<Message>, C> {
        drive::buffered(&mut self.receiving).map_err(|cause| self.error(cause))
    }

    /// Reads and drops all that comes, message or not, until the peer closes or the time is over; true if it closed. For a
    /// connection that is given up: a socket that is closed with bytes unread resets the connection, and that can
    /// destroy what is on its way to the peer.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn discard(&mut self, within: Duration) -> HalfResult<bool, C> {
        let deadline = self.clock.within(within);
        self.input(Some(deadline), |receiving, port, clock| drive::discard(receiving, port, clock))
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

    /// What another thread ends the wait of this one with.
    pub(super) fn closer(&self) -> Option<Closer> {
        self.reader.as_ref().and_then(ReadStream::closer)
    }

    pub(super) fn receive(&mut self, deadline: Option<Duration>) -> HalfResult<TryRecv, C> {
        loop {
            return Ok(match self.come(deadline)? {
                Came::Message(message) => TryRecv::Message(message),
                Came::Closed => TryRecv::Closed,
                Came::Wait(_) => TryRecv::Nothing,
                // It waits for the other half to be used.
                Came::Beat => continue,
            });
        }
    }

    /// The same, and when a heartbeat is due.
    pub(super) fn come(&mut self, deadline: Option<Duration>) -> HalfResult<Came, C> {
        let came = self.input(deadline, |receiving, port, clock| drive::receive(receiving, port, clock))?;
        // Whoever is not inside a call holds no buffer, unless there is something in it.
        self.receiving.release();
        Ok(came)
    }

    /// How things stand with the peer; `None` without heartbeats.
    pub fn standing(&self) -> Option<Standing> {
        Some(self.receiving.pulse()?.standing(drive::Clock::now(&self.clock)))
    }

    /// Does something with what is read.
    fn input<T>(
        &mut self,
        deadline: Option<Duration>,
        work: impl FnOnce(&mut Receiving<Arc<C>>, &mut Port<'_, R>, &Clock) -> Result<T, HalfCause<C>>,
    ) -> HalfResult<T, C> {
        let (timeout, clock) = (&mut self.timeout, self.clock);
        // It is raised for ever.
        let interrupt = self.interrupt.as_ref().filter(|_| self.receiving.is_open());
        let done = match &mut self.reader {
            Some(stream) => {
                let mut port = Port { stream, timeout, clock, deadline, slice: None, interrupt };
                work(&mut self.receiving, &mut port, &self.clock)
            }
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

/// The sending half of a connection.
///
/// See [`RecvHalf`] for an example.
#[derive(Debug)]
pub struct SendHalf<C: Encode = Directions, W = Shared<TcpStream>> {
    /// `None` after we gave the connection up.
    pub(super) writer: Option<W>,
    pub(super) sending: Sending<Arc<C>>,
    pub(super) timeout: Timeout,
    clock: Clock,
    peer: Option<SocketAddr>,
}

impl<C: Decode + Encode, W: WriteStream> SendHalf<C, W> {
    /// A sending half alone, on a stream whose other direction somebody else has.
    pub fn new(writer: W, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(writer, Sending::new(framing.into()), Clock::start(), None)
    }

    pub(super) const fn assemble(writer: W, sending: Sending<Arc<C>>, clock: Clock, peer: Option<SocketAddr>) -> Self {
        Self { writer: Some(writer), sending, timeout: Timeout::Unknown, clock, peer }
    }

    /// With the clock of the half that it is joined with.
    pub(super) fn counting_by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Sends one message and returns when the socket has taken all of it.
    ///
    /// That it was taken does not mean that it was delivered.
    ///
    /// # Errors
    /// When the message cannot be sent with this framing, when our side has ended, or when the connection failed.
    pub fn send(&mut self, payload: &[u8]) -> HalfResult<(), C> {
        self.put(payload, None)?;
        self.flush()
    }

    /// The same within that time. When that is over the message is either not accepted at all, or the rest of it leaves before
    /// anything else.
    ///
    /// # Errors
    /// As [`send`](Self::send), and when the socket did not take it in time.
    pub fn send_within(&mut self, payload: &[u8], limit: Duration) -> HalfResult<(), C> {
        let deadline = Some(self.clock.within(limit));
        match self.put(payload, deadline)? {
            Some(_) => self.flush_until(deadline, limit),
            None => Err(self.error(Cause::NoRoom { after: limit, queued_bytes: self.unwritten_bytes() })),
        }
    }

    /// Sends one message within that time, like [`send_within`](Self::send_within). The error also says what the peer may have seen
    /// of the message.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within).
    pub fn send_with_outcome(
        &mut self,
        payload: &[u8],
        limit: Duration,
    ) -> Result<(), CallError<<C as Decode>::Error, <C as Encode>::Error>> {
        let before = self.sending.accepted();
        self.send_within(payload, limit)
            .map_err(|error| CallError::new(drive::sent_of_message(&self.sending, before, error.cause()), error))
    }

    /// Accepts a message to be sent with the next [`flush`](Self::flush) or [`send`](Self::send), so that many small ones
    /// share a write. Waits only while 64 KiB or more are queued.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn feed(&mut self, payload: &[u8]) -> HalfResult<(), C> {
        self.output(None, |sending, port, clock| drive::queue(sending, port, clock, payload)).map(|_| ())
    }

    /// Writes all that is queued.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn flush(&mut self) -> HalfResult<(), C> {
        self.output(None, |sending, port, clock| drive::flush(sending, port, clock)).map(|_| ())
    }

    /// Writes all that is queued within that time. When that is over the rest stays queued.
    ///
    /// # Errors
    /// When the connection failed, and when the socket did not take it in time.
    pub fn flush_within(&mut self, limit: Duration) -> HalfResult<(), C> {
        self.flush_until(Some(self.clock.within(limit)), limit)
    }

    /// Writes the heartbeats that are due, and what is left of a message whose sending was given up, without waiting, and says how soon to
    /// ask again. For a program that has only this half, while it has nothing to send.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn tend(&mut self) -> HalfResult<Option<Duration>, C> {
        let now = drive::Clock::now(&self.clock);
        let mut beat_at = self.sending.on_time(now);
        if self.sending.has_output() {
            self.output(Some(now), |sending, port, clock| drive::flush(sending, port, clock))?;
            // What has gone says when the next one is due.
            beat_at = self.sending.on_time(now);
        }
        Ok(beat_at.map(|at| at.saturating_sub(now)))
    }

    /// Ends our side: what is queued is written, then writing is shut down. The peer can go on sending.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn finish(&mut self) -> HalfResult<(), C> {
        self.sending.finish();
        self.flush()
    }

    /// The same within that time.
    ///
    /// # Errors
    /// When the connection failed, and when the socket did not take what was queued in time.
    pub fn finish_within(&mut self, limit: Duration) -> HalfResult<(), C> {
        self.sending.finish();
        self.flush_within(limit)
    }

    /// How many messages were accepted and are not wholly written.
    pub fn unwritten(&self) -> usize {
        self.sending.unwritten()
    }

    /// How many bytes of accepted messages are still to be written.
    pub fn unwritten_bytes(&self) -> usize {
        self.sending.queued_len()
    }

    /// How many messages the socket took whole since the connection began.
    pub fn messages_written(&self) -> u64 {
        self.sending.messages_written()
    }

    /// All bytes that the socket ever took, to be watched while this is busy.
    pub fn byte_count(&self) -> ByteCount {
        self.sending.byte_count()
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

    /// Accepts a message, writing it as far as the socket takes it in time. `None` if there was no room for it.
    pub(super) fn put(&mut self, payload: &[u8], deadline: Option<Duration>) -> HalfResult<Option<Ticket>, C> {
        self.output(deadline, |sending, port, clock| drive::put(sending, port, clock, payload))
    }

    pub(super) fn flush_until(&mut self, deadline: Option<Duration>, limit: Duration) -> HalfResult<(), C> {
        match self.output(deadline, |sending, port, clock| drive::flush(sending, port, clock))? {
            Progress::Done => Ok(()),
            Progress::Blocked => Err(self.timed_out(limit)),
        }
    }

    fn timed_out(&self, after: Duration) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        self.error(Cause::TimedOut { after, unwritten_bytes: self.unwritten_bytes(), unfinished: None })
    }

    /// Does something with what is written.
    fn output<T>(
        &mut self,
        deadline: Option<Duration>,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut Port<'_, W>, &Clock) -> Result<T, HalfCause<C>>,
    ) -> HalfResult<T, C> {
        let (timeout, clock) = (&mut self.timeout, self.clock);
        let done = match &mut self.writer {
            Some(stream) => {
                let mut port = Port { stream, timeout, clock, deadline, slice: None, interrupt: None };
                work(&mut self.sending, &mut port, &self.clock)
            }
            None => Err(Cause::Closed),
        };
        done.map_err(|cause| self.error(cause))
    }

    const fn error(&self, cause: HalfCause<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        Error::new(Operation::Send, self.peer, cause)
    }
}
