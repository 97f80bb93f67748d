//! The receiving and the sending half of a connection, each with its half of the session.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::port::{Interrupting, Port, SecuredPort, Timeout};
use super::{Closer, ReadStream, Shared, WriteStream};
use crate::connection::peer_addr::PeerAddr;
use crate::connection::{self, CauseOf, ErrorOf, docs};
use crate::drive::{self, AT_ONCE, Came, Delivery, Inbound, LayersBox, Secured, TryRecv};
use crate::driver::plain;
use crate::error::Cause;
use crate::net::clock::Clock;
use crate::session::{Receiving, Sending};
use crate::tls::WriterBox;
use crate::{FramingPair, Message};

/// The receiving half of a connection.
///
/// It can be moved to a thread of its own, or to a process of its own.
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
pub struct RecvHalf<C: Decode = FramingPair, R = Shared<TcpStream>> {
    /// `None` after we gave up the connection.
    pub(super) reader: Option<R>,
    pub(super) receiving: Receiving<Arc<C>>,
    pub(super) timeout: Timeout,
    pub(super) clock: Clock,
    pub(super) peer: PeerAddr,
    /// Ends a wait so that the reader checks whether the connection is to end.
    pub(super) interrupt: Option<Interrupting<R>>,
    pub(super) layers: Option<LayersBox>,
}

impl<C: Decode + Encode, R: ReadStream> RecvHalf<C, R> {
    connection::recv_half_methods!();
    connection::waiting_recv_half_methods!(plain);

    pub(super) const fn assemble(reader: R, receiving: Receiving<Arc<C>>, clock: Clock, peer: PeerAddr) -> Self {
        Self { reader: Some(reader), receiving, timeout: Timeout::Unknown, clock, peer, interrupt: None, layers: None }
    }

    /// Reads and drops all bytes until the peer closes or the time is over. Returns true if the peer closed.
    ///
    /// Use this before a connection is given up. Closing a socket that holds unread bytes resets the connection, and a
    /// reset can destroy bytes that are on their way to the peer.
    ///
    /// # Errors
    /// When the connection failed.
    pub fn discard(&mut self, within: Duration) -> Result<bool, ErrorOf<C>> {
        let deadline = self.clock.within(within);
        self.input(Some(deadline), |mut inbound| inbound.discard())
    }

    #[doc = docs!(recv)]
    pub fn recv(&mut self) -> Result<Option<Message>, ErrorOf<C>> {
        self.next()
    }

    #[doc = docs!(recv_within)]
    pub fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, ErrorOf<C>> {
        self.receive(Some(self.clock.within(limit)))
    }

    fn next<M: Delivery>(&mut self) -> Result<Option<M>, ErrorOf<C>> {
        Ok(self.receive(None)?.into_message())
    }

    /// Returns a function that ends this half's wait from another thread.
    pub(super) fn closer(&self) -> Option<Closer> {
        self.reader.as_ref().and_then(ReadStream::closer)
    }

    pub(super) fn receive<M: Delivery>(&mut self, deadline: Option<Duration>) -> Result<TryRecv<M>, ErrorOf<C>> {
        loop {
            return Ok(match self.come(deadline)? {
                Came::Message(message) => TryRecv::Message(message),
                Came::Closed => TryRecv::Closed,
                Came::Wait(_) if deadline.is_some() => TryRecv::Nothing,
                // A heartbeat leaves when the other half is used.
                Came::Wait(_) | Came::Beat => continue,
            });
        }
    }

    /// Like `receive`, but also returns when a heartbeat is due.
    pub(super) fn come<M: Delivery>(&mut self, deadline: Option<Duration>) -> Result<Came<M>, ErrorOf<C>> {
        if let Some(message) = self.ready() {
            return Ok(Came::Message(message));
        }
        let came = self.input(deadline, |mut inbound| inbound.receive())?;
        self.release(&came);
        Ok(came)
    }

    /// Returns the next message that has been read already.
    #[inline]
    pub(super) fn ready<M: Delivery>(&mut self) -> Option<M> {
        self.reader.as_ref()?;
        let message = drive::at_hand(&mut self.receiving, true)?;
        if !M::IN_BUFFER {
            self.receiving.release();
        }
        Some(message)
    }

    /// Releases the buffer after a receive. Outside of its calls, a half keeps its buffer only while the buffer holds
    /// bytes, or a message that the caller reads there.
    pub(super) fn release<M: Delivery>(&mut self, came: &Came<M>) {
        if !(M::IN_BUFFER && matches!(came, Came::Message(_))) {
            self.receiving.release();
        }
    }

    fn input<T>(
        &mut self,
        deadline: Option<Duration>,
        work: impl FnOnce(Inbound<'_, Arc<C>, SecuredPort<'_, R>, Clock>) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        let Some(stream) = &mut self.reader else { return Err(self.error(Cause::Closed)) };
        let (timeout, clock) = (&mut self.timeout, self.clock);
        // A raised interrupt stays raised, so it is only used until the connection has been told to end.
        let interrupt = self.interrupt.as_ref().filter(|_| self.receiving.is_open());
        let socket = Port { stream, timeout, clock, deadline, slice: None, interrupt };
        let input = &mut Secured::input(socket, self.layers.as_mut());
        let inbound = Inbound { receiving: &mut self.receiving, input, clock: &clock, may_wait: true };
        work(inbound).map_err(|cause| self.failed(cause))
    }
}

/// The sending half of a connection.
///
/// See [`RecvHalf`] for an example.
#[derive(Debug)]
pub struct SendHalf<C: Encode = FramingPair, W = Shared<TcpStream>> {
    /// `None` after we gave up the connection.
    pub(super) writer: Option<W>,
    pub(super) sending: Sending<Arc<C>>,
    pub(super) timeout: Timeout,
    pub(super) clock: Clock,
    peer: PeerAddr,
    pub(super) tls: Option<WriterBox>,
}

impl<C: Decode + Encode, W: WriteStream> SendHalf<C, W> {
    connection::send_half_methods!();
    connection::waiting_send_half_methods!(plain);
    connection::send_half_maintain!(write_until, AT_ONCE);

    pub(super) const fn assemble(writer: W, sending: Sending<Arc<C>>, clock: Clock, peer: PeerAddr) -> Self {
        Self { writer: Some(writer), sending, timeout: Timeout::Unknown, clock, peer, tls: None }
    }

    #[doc = docs!(flush_within)]
    pub fn flush_within(&mut self, limit: Duration) -> Result<(), ErrorOf<C>> {
        self.flush_until(Some(self.clock.within(limit)), limit)
    }

    #[doc = docs!(finish_within)]
    pub fn finish_within(&mut self, limit: Duration) -> Result<(), ErrorOf<C>> {
        self.sending.finish();
        self.flush_within(limit)
    }

    fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut SecuredPort<'_, W>, &Clock) -> Result<Option<T>, CauseOf<C>>,
    ) -> Result<Option<T>, ErrorOf<C>> {
        self.write_until(None, work)
    }

    fn write_until<T>(
        &mut self,
        deadline: Option<Duration>,
        work: impl FnOnce(&mut Sending<Arc<C>>, &mut SecuredPort<'_, W>, &Clock) -> Result<T, CauseOf<C>>,
    ) -> Result<T, ErrorOf<C>> {
        let Some(stream) = &mut self.writer else { return Err(self.error(Cause::Closed)) };
        let (timeout, clock) = (&mut self.timeout, self.clock);
        let socket = Port { stream, timeout, clock, deadline, slice: None, interrupt: None };
        let mut port = Secured::output(socket, self.tls.as_mut());
        work(&mut self.sending, &mut port, &clock).map_err(|cause| self.error(cause))
    }
}
