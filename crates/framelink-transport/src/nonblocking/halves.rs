//! The two directions of a connection, each with its half of the session.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;

use super::WriteStream;
use super::port::Port;
use crate::clock::Clock;
use crate::drive::{self, Came, Clock as _, Progress, Turn};
use crate::error::{Cause, Error, Operation};
use crate::session::{ByteCount, Receiving, Sending, Unfinished};
use crate::{Directions, TryRecv, TrySend};

type HalfResult<T, C> = Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type HalfCause<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;

/// The receiving half of a connection.
///
/// It can live in a thread, or in a process, of its own.
///
/// ```
/// use framelink_transport::{Framing, TryRecv, nonblocking::RecvHalf};
///
/// // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
/// let mut receiver = RecvHalf::new(&b"\x00\x05hello"[..], "net:2".parse::<Framing>()?);
/// assert!(matches!(receiver.try_recv()?, TryRecv::Message(message) if &message[..] == b"hello"));
/// assert_eq!(receiver.try_recv()?, TryRecv::Closed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RecvHalf<C: Decode = Directions, R = TcpStream> {
    /// `None` after we gave the connection up.
    reader: Option<R>,
    receiving: Receiving<Arc<C>>,
    clock: Clock,
    peer: Option<SocketAddr>,
    /// When the session wants to be asked again though nothing comes.
    until: Option<Duration>,
    is_connecting: bool,
}

impl<C: Decode + Encode, R: Read> RecvHalf<C, R> {
    /// A receiving half alone, on a stream whose other direction somebody else has.
    pub fn new(reader: R, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(reader, Receiving::new(framing.into()), Clock::start(), None, false)
    }

    pub(super) const fn assemble(
        reader: R,
        receiving: Receiving<Arc<C>>,
        clock: Clock,
        peer: Option<SocketAddr>,
        is_connecting: bool,
    ) -> Self {
        Self { reader: Some(reader), receiving, clock, peer, until: None, is_connecting }
    }

    /// The next message, if it is there. After an event ask until the answer is [`TryRecv::Nothing`]: only then does the
    /// system tell of more, unless [`deadline`](Self::deadline) says to ask again at once.
    ///
    /// # Errors
    /// When what came is no frame, when the stream ended inside one, or when the connection failed. Whole messages that
    /// came before that are delivered first.
    pub fn try_recv(&mut self) -> HalfResult<TryRecv, C> {
        let Some(stream) = &mut self.reader else { return Err(self.error(Cause::Closed)) };
        let mut port = Port { stream, is_connecting: &mut self.is_connecting };
        let mut turn = Turn::default();
        let came = loop {
            match turn.receive(&mut self.receiving, &mut port, &self.clock) {
                // A heartbeat that is due waits for the other half to be used.
                Ok(Came::Beat) => {}
                came => break came,
            }
        };
        let (came, until) = match came {
            Ok(Came::Message(message)) => (TryRecv::Message(message), None),
            Ok(Came::Closed) => (TryRecv::Closed, None),
            Ok(Came::Beat) => (TryRecv::Nothing, drive::AT_ONCE),
            Ok(Came::Wait(until)) => (TryRecv::Nothing, until),
            Err(cause) => {
                if drive::is_lost(&cause) || matches!(cause, Cause::Dead(_)) {
                    self.reader = None;
                }
                return Err(self.error(cause));
            }
        };
        self.until = until;
        Ok(came)
    }

    /// Whether bytes have been read that [`try_recv`](Self::try_recv) has not delivered yet: no event will tell of them.
    pub const fn has_more(&self) -> bool {
        self.receiving.is_inside_message()
    }

    /// After so long [`try_recv`](Self::try_recv) is to be asked again, though no event comes: silence ends a message.
    pub fn deadline(&self) -> Option<Duration> {
        if self.reader.is_some() && self.receiving.told().is_some() {
            return Some(Duration::ZERO);
        }
        let now = self.clock.now();
        let overdue = self.receiving.overdue_at().map(|(at, _)| at);
        let until = [self.until, overdue, self.receiving.ends_at(now)].into_iter().flatten().min()?;
        Some(until.saturating_sub(now))
    }

    /// What is told when the connection is to end though nothing comes, because it has to [make room](crate::Admission) for a newer
    /// one, say.
    pub fn set_waker(&self, waker: &Waker) {
        self.receiving.wake_when_told(waker);
    }

    /// What is known of a message that has begun to come and is not whole.
    pub fn unfinished(&self) -> Option<Unfinished> {
        self.receiving.unfinished()
    }

    /// All bytes that ever came, to be watched while this is busy.
    pub fn byte_count(&self) -> ByteCount {
        self.receiving.byte_count()
    }

    /// The address of the other side.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The stream, to register it with an event loop; `None` after it was closed because of an error.
    pub const fn stream_mut(&mut self) -> Option<&mut R> {
        self.reader.as_mut()
    }

    const fn error(&self, cause: HalfCause<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        Error::new(Operation::Receive, self.peer, cause)
    }
}

/// The sending half of a connection.
///
/// See [`WriteStream`] for an example.
#[derive(Debug)]
pub struct SendHalf<C: Encode = Directions, W = TcpStream> {
    /// `None` after we gave the connection up.
    writer: Option<W>,
    sending: Sending<Arc<C>>,
    clock: Clock,
    peer: Option<SocketAddr>,
    is_connecting: bool,
}

impl<C: Decode + Encode, W: WriteStream> SendHalf<C, W> {
    /// A sending half alone, on a stream whose other direction somebody else has.
    pub fn new(writer: W, framing: impl Into<Arc<C>>) -> Self {
        Self::assemble(writer, Sending::new(framing.into()), Clock::start(), None, false)
    }

    pub(super) const fn assemble(
        writer: W,
        sending: Sending<Arc<C>>,
        clock: Clock,
        peer: Option<SocketAddr>,
        is_connecting: bool,
    ) -> Self {
        Self { writer: Some(writer), sending, clock, peer, is_connecting }
    }

    /// Sends one message as far as the socket takes it now. What it does not take is queued, for
    /// [`try_flush`](Self::try_flush); where 64 KiB or more are queued the message is not accepted.
    ///
    /// # Errors
    /// When the message cannot be sent with this framing, when our side has ended, or when the connection failed.
    pub fn try_send(&mut self, payload: &[u8]) -> HalfResult<TrySend, C> {
        self.output(|sending, port, clock| drive::try_put(sending, port, clock, payload))
    }

    /// Accepts a message to be sent with others by the next [`try_flush`](Self::try_flush), so that many small ones share a
    /// write.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send).
    pub fn try_feed(&mut self, payload: &[u8]) -> HalfResult<TrySend, C> {
        self.output(|sending, port, clock| {
            Ok(match drive::queue(sending, port, clock, payload)? {
                Progress::Done => TrySend::Queued,
                Progress::Blocked => TrySend::Full,
            })
        })
    }

    /// Writes what is queued, as far as the socket takes it now; true when all of it is out. Otherwise the system tells when
    /// the socket takes more.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn try_flush(&mut self) -> HalfResult<bool, C> {
        self.output(|sending, port, clock| Ok(drive::flush(sending, port, clock)? == Progress::Done))
    }

    /// Writes the heartbeats that are due, and what is left of a message whose sending was given up, without waiting, and says how soon to
    /// ask again. For a program that has only this half, while it has nothing to send.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn tend(&mut self) -> HalfResult<Option<Duration>, C> {
        let now = self.clock.now();
        let mut beat_at = self.sending.on_time(now);
        if self.sending.has_output() {
            self.try_flush()?;
            // What has gone says when the next one is due.
            beat_at = self.sending.on_time(now);
        }
        Ok(beat_at.map(|at| at.saturating_sub(now)))
    }

    /// Ends our side: when what is queued is written, writing is shut down. True when that is done; otherwise
    /// [`try_flush`](Self::try_flush) does it. The peer can go on sending.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn try_finish(&mut self) -> HalfResult<bool, C> {
        self.sending.finish();
        self.try_flush()
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

    /// The stream; `None` after it was closed because of an error.
    pub const fn stream(&self) -> Option<&W> {
        self.writer.as_ref()
    }

    /// The stream, to register it with an event loop; `None` after it was closed because of an error.
    pub const fn stream_mut(&mut self) -> Option<&mut W> {
        self.writer.as_mut()
    }

    /// Does something with what is written.
    fn output<T>(
        &mut self,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut Port<'_, W>, &Clock) -> Result<T, HalfCause<C>>,
    ) -> HalfResult<T, C> {
        let is_connecting = &mut self.is_connecting;
        let done = match &mut self.writer {
            Some(stream) => work(&mut self.sending, &mut Port { stream, is_connecting }, &self.clock),
            None => Err(Cause::Closed),
        };
        done.map_err(|cause| Error::new(Operation::Send, self.peer, cause))
    }
}
