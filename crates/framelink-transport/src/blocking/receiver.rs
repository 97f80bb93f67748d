//! What comes on a connection with calls in flight.

use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::Standing;

use super::mux::{CauseOf, LOOK, Mux};
use super::port::SLICE;
use super::{ReadStream, RecvHalf, SendHalf, Shared, WriteStream};
use crate::drive::{Came, Clock as _};
use crate::error::{Cause, Error, Operation};
use crate::session::{ByteCount, Pulse};
use crate::{Directions, Incoming, TryRecv};

type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;

/// Receives on a connection with calls in flight: hands each reply to its call, and the rest to the application.
///
/// Nothing is read, and no reply comes, while nobody asks it: a thread of its own is where it belongs. Dropped, it closes the
/// connection.
///
/// See [`Connection::duplex`](super::Connection::duplex) for an example.
pub struct Receiver<C: Decode + Encode = Directions, R = Shared<TcpStream>, W: WriteStream = Shared<TcpStream>> {
    half: RecvHalf<C, R>,
    mux: Arc<Mux<C, W>>,
    /// Of a pair of connections: the direction of this one that is not used.
    unused: Option<SendHalf<C, W>>,
}

impl<C: Decode + Encode, R: ReadStream, W: WriteStream> Receiver<C, R, W> {
    /// Of a pair of connections with the direction that is not used.
    pub(super) const fn new(half: RecvHalf<C, R>, mux: Arc<Mux<C, W>>, unused: Option<SendHalf<C, W>>) -> Self {
        Self { half, mux, unused }
    }

    /// Receives the next message that answers no call in flight; `None` when the peer has closed its side between two.
    ///
    /// # Errors
    /// When what came is no frame, when the stream ended inside one, when the connection failed, or when it was given up because
    /// a reply did not come. Whole messages that came before that are delivered first; but not after a reply in order failed to
    /// come, for then none can be told apart.
    pub fn recv(&mut self) -> Result<Option<Incoming>, C> {
        loop {
            match self.receive(None)? {
                TryRecv::Message(incoming) => return Ok(Some(incoming)),
                TryRecv::Closed => return Ok(None),
                TryRecv::Nothing => {}
            }
        }
    }

    /// Receives the next message that answers no call in flight, or says that none came within that time.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn recv_within(&mut self, limit: Duration) -> Result<TryRecv<Incoming>, C> {
        self.receive(Some(self.mux.clock.within(limit)))
    }

    /// All bytes that ever came, to be watched while this is busy.
    pub fn byte_count(&self) -> ByteCount {
        self.half.byte_count()
    }

    /// Where heartbeats are told, if they are.
    pub const fn pulse(&self) -> Option<&Pulse> {
        self.half.receiving.pulse()
    }

    /// How things stand with the peer; `None` without heartbeats.
    pub fn standing(&self) -> Option<Standing> {
        self.half.standing()
    }

    /// The address of the other side, where it has one.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.half.peer_addr()
    }

    fn receive(&mut self, deadline: Option<Duration>) -> Result<TryRecv<Incoming>, C> {
        loop {
            self.check()?;
            let is_left = self.mux.tend(self.half.receiving.pulse());
            // What is left, or is a heartbeat that found another thread sending, is tried again soon.
            let soon = self.mux.clock.within(if is_left { SLICE } else { LOOK });
            match self.half.come(Some(deadline.map_or(soon, |deadline| deadline.min(soon)))) {
                Ok(Came::Message(message)) => {
                    if let Some(incoming) = self.mux.take(message) {
                        return Ok(TryRecv::Message(incoming));
                    }
                }
                Ok(Came::Beat) => {}
                Ok(Came::Wait(_)) if deadline.is_none_or(|at| at > self.mux.clock.now()) => {}
                Ok(Came::Wait(_)) => return Ok(TryRecv::Nothing),
                Ok(Came::Closed) => {
                    // That may be our own doing.
                    self.check()?;
                    match (self.mux.failed(), &self.unused) {
                        (Some(cause), _) => self.mux.end(&cause),
                        (None, None) => {
                            self.mux.end_calls(&Cause::NoReply);
                            return Ok(TryRecv::Closed);
                        }
                        // Nothing is sent into a pair that cannot answer.
                        (None, Some(_)) => {
                            self.mux.end(&Cause::NoReply);
                            return Ok(TryRecv::Closed);
                        }
                    }
                }
                Err(error) => {
                    self.check()?;
                    let cause = self.mux.failed().unwrap_or_else(|| error.cause().again());
                    self.mux.end(&cause);
                    return Err(self.error(cause));
                }
            }
        }
    }

    /// Whether the connection was given up.
    fn check(&mut self) -> Result<(), C> {
        match self.mux.over().filter(|cause| !matches!(cause, Cause::NoReply)) {
            Some(cause) => {
                self.half.give_up();
                Err(self.error(cause))
            }
            None => Ok(()),
        }
    }

    const fn error(&self, cause: CauseOf<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        Error::new(Operation::Receive, self.half.peer_addr(), cause)
    }
}

/// No reply can come any more. Where the peer had closed its side in good order, ours can go on sending.
impl<C: Decode + Encode, R, W: WriteStream> Drop for Receiver<C, R, W> {
    fn drop(&mut self) {
        if self.mux.over().is_none() {
            self.mux.end(&Cause::Unattended);
        }
    }
}

/// Lengths and states only: card numbers travel in messages.
impl<C: Decode + Encode, R, W: WriteStream> fmt::Debug for Receiver<C, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("in_flight", &self.mux.in_flight()).finish_non_exhaustive()
    }
}
