//! A connection whose requests are answered in an event loop.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;
use mio::{Interest, Token, event};

use super::{Connection, WriteStream};
use crate::connection::{Endpoint as _, ErrorOf, SessionParts as _};
use crate::drive::{Clock as _, Progress};
use crate::error::{Cause, Operation};
use crate::profile::Profile;
use crate::server::{PlacedRequest, ServedMachine, join_method};

use crate::drive::TryRecv;
use crate::session::{Concurrency, ReplySlot};
use framelink_profile::FramingPair;
use framelink_session::Message;

type Result<T, C> = std::result::Result<T, ErrorOf<C>>;

/// A connection that is served in an event loop. It returns requests, and takes each reply when it is ready.
///
/// [`Connection::serve_many`] makes it. Register it for reading and writing. At each event, after each
/// [`reply`](Self::reply), and when the time of [`deadline`](Self::deadline) is over without an event:
///
/// 1. Call [`try_next`](Self::try_next) until it returns [`TryRecv::Nothing`].
/// 2. If it returns [`TryRecv::Closed`], call `close`.
///
/// Replies that are ready together share a write. While another whole request has arrived, a reply is queued, up to 64
/// KiB. It is written when the last of these requests is answered, and before `try_next` returns `Nothing`. If handling
/// a request takes long, call [`try_flush`](Self::try_flush) before, so that earlier replies do not wait for it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(unix)] {
/// use std::{net::{TcpListener, TcpStream}, time::Duration};
/// use framelink_transport::{Framing, Profile, TryRecv, nonblocking::Connection, session::Concurrency};
///
/// let framing: Framing = "net:2".parse()?;
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client = Connection::from_stream(TcpStream::connect(listener.local_addr()?)?, framing)?;
/// client.try_send(b"one")?;
/// client.try_send(b"two")?;
///
/// let server = Connection::from_stream(listener.accept()?.0, framing)?;
/// let mut server = server.serve_many(&Profile::builder(framing).build()?, Concurrency::new(8));
/// let mut requests = Vec::new();
/// while requests.len() < 2 {
///     if let TryRecv::Message(request) = server.try_next()? {
///         requests.push(request);
///     }
/// }
/// // Replies may be given in any order; they are sent in the order of the requests.
/// for (place, request) in requests.iter().rev() {
///     server.reply(*place, Some(request))?;
/// }
/// for expected in ["one", "two"] {
///     let TryRecv::Message(reply) = client.recv_within(Duration::from_secs(5))? else { panic!() };
///     assert_eq!(&reply[..], expected.as_bytes());
/// }
/// # }
/// # Ok(())
/// # }
/// ```
pub struct Served<C: Decode + Encode = FramingPair, S = TcpStream> {
    pub(super) connection: Connection<C, S>,
    machine: ServedMachine<C>,
    waker: Waker,
}

impl<C: Decode + Encode, S> Connection<C, S> {
    join_method!();

    /// Serves many requests at a time. `concurrency` and the profile say how many, and in which order replies are sent.
    pub fn serve_many(mut self, profile: &Profile, concurrency: Concurrency) -> Served<C, S> {
        let (session, mailbox) = (&mut self.session, self.mailbox.take());
        let machine = ServedMachine::begin(&mut session.receiving, &session.sending, mailbox, profile, concurrency);
        Served { connection: self, machine, waker: Waker::noop().clone() }
    }
}

impl<C: Decode + Encode, S> Served<C, S> {
    /// Returns after how long to call again without an event: a reply may be overdue, or silence ends a message.
    pub fn deadline(&self) -> Option<Duration> {
        let now = self.connection.clock.now();
        let machine = self.machine.deadline(&self.connection.session.sending).map(|at| at.saturating_sub(now));
        let reading = if self.machine.requests.may_read() { self.connection.deadline() } else { None };
        let told = self.connection.told().map(|_| Duration::ZERO);
        [machine, reading, told].into_iter().flatten().min()
    }

    /// Sets what is woken for events that the system does not report: a message is [pushed](crate::Registry) to the
    /// connection, the connection is to be closed because it is too slow, or it is to end as its
    /// [`Admission`](crate::Admission) says.
    ///
    /// The waker must cause a call of [`try_next`](Self::try_next). Make it from what [wakes](std::task::Wake) the
    /// loop, for example a `mio::Waker`, and set it before any other call.
    pub fn set_waker(&mut self, waker: Waker) {
        self.machine.output.wake(&waker);
        self.connection.set_waker(&waker);
        self.waker = waker;
    }

    /// Returns how many requests are not wholly answered, because their replies are not written.
    pub fn owed(&self) -> usize {
        self.machine.requests.replies.owed()
    }

    /// Returns how many requests were wholly answered.
    pub const fn answered(&self) -> u64 {
        self.machine.requests.replies.answered()
    }

    /// Returns how many bytes are still to be written. While there are any, wait for events for writing.
    pub fn unwritten_bytes(&self) -> usize {
        self.connection.unwritten_bytes()
    }

    /// Returns the address of the peer. `None` for a stream without an address.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.connection.peer_addr()
    }

    /// Returns the stream, to look at it or to set options. `None` after an error has closed the connection.
    pub const fn stream(&self) -> Option<&S> {
        self.connection.stream()
    }
}

impl<C: Decode + Encode, S: Read + WriteStream> Served<C, S> {
    /// Returns the next request and its place, if it has arrived and there is room for it. Returns [`TryRecv::Closed`]
    /// when the peer has closed its side and all replies are written.
    ///
    /// # Errors
    /// - When a reply was not taken in time.
    /// - When the connection failed, or is too slow for messages that are pushed to it.
    /// - When bytes arrived that are no message, after the messages before them were answered.
    /// - When the connection's time was over: [`Cause::Ended`]. Then call this once more and close the connection, like
    ///   one that the peer has closed. A connection that had to make room is closed already.
    pub fn try_next(&mut self) -> Result<TryRecv<(ReplySlot, Message)>, C> {
        if self.connection.owes_opening() && !self.connection.try_opening()? {
            return Ok(TryRecv::Nothing);
        }
        if let Some(request) = self.at_hand() {
            return Ok(TryRecv::Message(request));
        }
        self.try_flush()?;
        loop {
            if let Some(request) = self.machine.requests.next() {
                return Ok(TryRecv::Message(request));
            }
            if !self.machine.requests.may_read() {
                break;
            }
            let received = match self.connection.receive() {
                Ok(TryRecv::Nothing) => break,
                Ok(TryRecv::Message(message)) => Ok(Some(message)),
                Ok(TryRecv::Closed) => Ok(None),
                Err(error) => Err(error),
            };
            let request = self.machine.requests.on_received(received).map_err(|lost| self.fail(lost.into_cause()))?;
            self.machine.count_taken(&self.connection.session.sending);
            if let Some(request) = request {
                return Ok(TryRecv::Message(request));
            }
        }
        match self.machine.requests.ended() {
            None => Ok(TryRecv::Nothing),
            Some(ended) => ended.map(|()| TryRecv::Closed),
        }
    }

    /// Answers a request, with a reply or with nothing. The reply is sent as soon as the order of replies lets it, as
    /// far as the socket takes it now. If another whole request has arrived, it is sent with the reply to that one.
    /// Returns false if the request was answered before.
    ///
    /// # Errors
    /// When a reply cannot be sent with this framing, and when the connection failed. The connection is closed then.
    pub fn reply(&mut self, place: ReplySlot, reply: Option<&[u8]>) -> Result<bool, C> {
        let (reply, gathers) = (reply.map(<[u8]>::to_vec), self.may_gather());
        let Self { connection, machine, .. } = self;
        let is_owed = match gathers {
            true => machine.finish(place, reply, &mut connection.session.sending, &connection.clock),
            false => Ok(machine.requests.answer(place, reply, connection.clock.now())),
        };
        let is_owed = is_owed.map_err(|cause| self.fail(cause))?;
        let goes_on = self.may_gather() && self.machine.requests.may_go_on(|| self.connection.has_at_hand());
        if !goes_on {
            self.try_flush()?;
        }
        Ok(is_owed)
    }

    /// Returns whether replies may wait for the reply to another request that has arrived.
    fn may_gather(&self) -> bool {
        let Connection { stream, session, .. } = &self.connection;
        stream.is_some() && session.sending.told().is_none() && self.machine.may_gather(&session.sending)
    }

    /// Returns the next request that has been read already, without writing the replies that are queued.
    fn at_hand(&mut self) -> Option<PlacedRequest> {
        if !self.may_gather() {
            return None;
        }
        if let Some(request) = self.machine.requests.next() {
            return Some(request);
        }
        if !self.machine.requests.may_read() {
            return None;
        }
        let request = self.connection.at_hand()?;
        let placed = self.machine.requests.on_request(request);
        self.machine.count_taken(&self.connection.session.sending);
        placed
    }

    /// Writes replies and pushed messages, as far as the socket takes them now. Returns true when all of it is written.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next).
    pub fn try_flush(&mut self) -> Result<bool, C> {
        let machine = &mut self.machine;
        machine.output.wake(&self.waker);
        let written = self.connection.both(|session, port, clock| machine.write(&mut session.sending, port, clock));
        written.map(|progress| progress == Progress::Done).map_err(|cause| self.fail(cause))
    }

    fn fail(&mut self, cause: Cause<<C as Decode>::Error, <C as Encode>::Error>) -> ErrorOf<C> {
        self.connection.close_now();
        self.connection.error(Operation::Serve, cause)
    }
}

/// Shows lengths and states only: card numbers travel in requests.
impl<C: Decode + Encode, S> fmt::Debug for Served<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("connection", &self.connection)
            .field("owed", &self.owed())
            .finish_non_exhaustive()
    }
}

impl<C: Decode + Encode, S: event::Source> event::Source for Served<C, S> {
    fn register(&mut self, registry: &mio::Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.connection.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &mio::Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.connection.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &mio::Registry) -> io::Result<()> {
        self.connection.deregister(registry)
    }
}
