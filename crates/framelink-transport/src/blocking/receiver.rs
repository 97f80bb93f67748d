//! The receiver of a duplex connection.

use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::Standing;

use super::mux::{LOOK, Mux};
use super::port::SLICE;
use super::{ReadStream, RecvHalf, SendHalf, Shared, WriteStream};
use crate::calls::{CauseOf, ErrorOf, receiver_methods, receiver_traits};
use crate::connection::docs;
use crate::drive::{Came, Clock as _, TryRecv};
use crate::error::Operation;
use crate::session::{ByteCount, LivenessHandle};
use crate::{FramingPair, Incoming};

type Result<T, C> = std::result::Result<T, ErrorOf<C>>;

/// Receives on a connection with many calls in flight: replies for the calls, other messages for the application.
///
/// The receiver reads only while one of its methods runs, so run it in a thread of its own: without it, no reply
/// arrives. Dropping the receiver closes the connection.
///
/// See [`Connection::duplex`](super::Connection::duplex) for an example.
pub struct Receiver<C: Decode + Encode = FramingPair, R = Shared<TcpStream>, W: WriteStream = Shared<TcpStream>> {
    half: RecvHalf<C, R>,
    mux: Arc<Mux<C, W>>,
    /// For a simplex pair: the unused sending side of this connection.
    unused: Option<SendHalf<C, W>>,
}

impl<C: Decode + Encode, R: ReadStream, W: WriteStream> Receiver<C, R, W> {
    /// `unused` is the sending side of the receiving connection of a simplex pair.
    pub(super) const fn new(half: RecvHalf<C, R>, mux: Arc<Mux<C, W>>, unused: Option<SendHalf<C, W>>) -> Self {
        Self { half, mux, unused }
    }

    receiver_methods!();

    /// Receives the next message that answers no call in flight, or [`TryRecv::Nothing`] after `limit`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn recv_within(&mut self, limit: Duration) -> Result<TryRecv<Incoming>, C> {
        self.receive(Some(self.mux.send.clock.within(limit)))
    }

    #[doc = docs!(recv_incoming)]
    pub fn recv(&mut self) -> Result<Option<Incoming>, C> {
        self.receive(None).map(TryRecv::into_message)
    }

    /// Without a deadline this never returns [`TryRecv::Nothing`].
    fn receive(&mut self, deadline: Option<Duration>) -> Result<TryRecv<Incoming>, C> {
        let clock = self.mux.send.clock;
        loop {
            if let Some(late) = self.mux.before_reading().map_err(|cause| self.failed(cause))? {
                return Ok(TryRecv::Message(Incoming::Late(late)));
            }
            let is_left = self.mux.maintain(self.half.receiving.liveness());
            // Unwritten bytes, and a heartbeat that is due while another thread sends, are tried again soon.
            let soon = clock.within(if is_left { SLICE } else { LOOK });
            let came = self.half.come(Some(deadline.map_or(soon, |deadline| deadline.min(soon))));
            if matches!(came, Ok(Came::Wait(_))) && deadline.is_some_and(|at| at <= clock.now()) {
                return Ok(TryRecv::Nothing);
            }
            let received =
                self.mux.on_came(came, self.unused.is_some(), |message| self.half.receiving.on_unread(message));
            if let Some(received) = received.map_err(|cause| self.failed(cause))? {
                return Ok(received);
            }
        }
    }

    fn failed(&mut self, cause: CauseOf<C>) -> ErrorOf<C> {
        self.half.give_up();
        ErrorOf::<C>::new(Operation::Receive, self.half.peer_addr(), cause)
    }
}

receiver_traits!(WriteStream);
