//! The receiving and the sending half of a connection, each with its half of the session.

use std::io::Read;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;

use super::WriteStream;
use super::port::{Port, SecuredPort};
use crate::FramingPair;
use crate::connection::peer_addr::PeerAddr;
use crate::connection::{self, CauseOf, ErrorOf, docs};
use crate::drive::{self, Came, Clock as _, Delivery, Inbound, LayersBox, Progress, Secured, TryRecv, Turn};
use crate::error::Cause;
use crate::net::clock::Clock;
use crate::session::{MessageRef, Receiving, Sending};
use crate::tls::WriterBox;

/// The receiving half of a connection.
///
/// It can be moved to a thread of its own, or to a process of its own.
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
pub struct RecvHalf<C: Decode = FramingPair, R = TcpStream> {
    /// `None` after we gave up the connection.
    reader: Option<R>,
    receiving: Receiving<Arc<C>>,
    clock: Clock,
    peer: PeerAddr,
    /// When the session is to be asked again, even if nothing arrives.
    until: Option<Duration>,
    pub(super) is_connecting: bool,
    pub(super) layers: Option<LayersBox>,
}

impl<C: Decode + Encode, R: Read> RecvHalf<C, R> {
    connection::recv_half_methods!();

    pub(super) const fn assemble(reader: R, receiving: Receiving<Arc<C>>, clock: Clock, peer: PeerAddr) -> Self {
        Self { reader: Some(reader), receiving, clock, peer, until: None, is_connecting: false, layers: None }
    }

    /// Returns the next message if it has arrived. After an event, call this until it returns [`TryRecv::Nothing`];
    /// only then does the system send another event, unless [`deadline`](Self::deadline) says to call again at once.
    ///
    /// # Errors
    /// When bytes arrived that are no frame, when the stream ended inside a frame, or when the connection failed. Whole
    /// messages that arrived before that are delivered first.
    pub fn try_recv(&mut self) -> Result<TryRecv, ErrorOf<C>> {
        self.receive()
    }

    #[doc = docs!(try_recv_ref)]
    pub fn try_recv_ref(&mut self) -> Result<TryRecv<MessageRef<'_>>, ErrorOf<C>> {
        let place = self.receive()?;
        Ok(place.map(|place| self.receiving.message_at(place)))
    }

    fn receive<M: Delivery>(&mut self) -> Result<TryRecv<M>, ErrorOf<C>> {
        let Some(stream) = &mut self.reader else { return Err(self.error(Cause::Closed)) };
        if let Some(message) = drive::at_hand(&mut self.receiving, false) {
            self.until = None;
            return Ok(TryRecv::Message(message));
        }
        let socket = Port { stream, is_connecting: &mut self.is_connecting, is_dry: None };
        let input = &mut Secured::input(socket, self.layers.as_mut());
        let mut inbound = Inbound { receiving: &mut self.receiving, input, clock: &self.clock, may_wait: true };
        let mut turn = Turn::default();
        let mut came = Ok(Came::Beat);
        // A heartbeat that is due leaves when the other half is used.
        while let Ok(Came::Beat) = came {
            came = inbound.receive_in(&mut turn);
        }
        let (came, until) = came.map_err(|cause| self.failed(cause))?.at_once();
        self.until = until;
        Ok(came)
    }

    /// Returns whether read bytes are left that [`try_recv`](Self::try_recv) has not delivered. They cause no event.
    pub const fn has_more(&self) -> bool {
        self.receiving.is_inside_message()
    }

    /// Returns after how long to call [`try_recv`](Self::try_recv) without an event, because silence ends a message.
    pub fn deadline(&self) -> Option<Duration> {
        if self.reader.is_some() && self.receiving.told().is_some() {
            return Some(Duration::ZERO);
        }
        let now = self.clock.now();
        let overdue = self.receiving.overdue_at().map(|(at, _)| at);
        let until = [self.until, overdue, self.receiving.ends_at(now)].into_iter().flatten().min()?;
        Some(until.saturating_sub(now))
    }

    /// Sets what is woken when the connection is to end although nothing arrives, for example because it has to [make
    /// room](crate::Admission) for a newer one.
    pub fn set_waker(&self, waker: &Waker) {
        self.receiving.wake_when_told(waker);
    }

    /// Returns the stream, to register it with an event loop. `None` after an error has closed it.
    pub const fn stream_mut(&mut self) -> Option<&mut R> {
        self.reader.as_mut()
    }
}

/// The sending half of a connection.
///
/// See [`WriteStream`] for an example.
#[derive(Debug)]
pub struct SendHalf<C: Encode = FramingPair, W = TcpStream> {
    /// `None` after we gave up the connection.
    writer: Option<W>,
    sending: Sending<Arc<C>>,
    clock: Clock,
    peer: PeerAddr,
    pub(super) is_connecting: bool,
    pub(super) tls: Option<WriterBox>,
}

impl<C: Decode + Encode, W: WriteStream> SendHalf<C, W> {
    connection::send_half_methods!();
    connection::polled_send_methods!();
    connection::send_half_maintain!(output);

    pub(super) const fn assemble(writer: W, sending: Sending<Arc<C>>, clock: Clock, peer: PeerAddr) -> Self {
        Self { writer: Some(writer), sending, clock, peer, is_connecting: false, tls: None }
    }

    /// Returns the stream. `None` after an error has closed it.
    pub const fn stream(&self) -> Option<&W> {
        self.writer.as_ref()
    }

    /// Returns the stream, to register it with an event loop. `None` after an error has closed it.
    pub const fn stream_mut(&mut self) -> Option<&mut W> {
        self.writer.as_mut()
    }

    fn flush_now(&mut self) -> Result<bool, ErrorOf<C>> {
        self.output(|sending, port, clock| Ok(drive::flush(sending, port, clock)? == Progress::Done))
    }

    /// Runs `work` on the output.
    fn output<T>(
        &mut self,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut SecuredPort<'_, W>, &Clock) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        let Some(stream) = &mut self.writer else { return Err(self.error(Cause::Closed)) };
        let socket = Port { stream, is_connecting: &mut self.is_connecting, is_dry: None };
        let mut port = Secured::output(socket, self.tls.as_mut());
        work(&mut self.sending, &mut port, &self.clock).map_err(|cause| self.error(cause))
    }
}
