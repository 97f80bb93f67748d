//! A connection whose requests are answered in one loop.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;
use mio::{Interest, Token, event};

use super::{Connection, WriteStream};
use crate::drive::{self, Ahead, Clock as _, Outgoing, Progress};
use crate::error::{Cause, Error, Operation};
use crate::profile::ExchangeKind;
use crate::session::{Concurrency, Place, Replies};
use crate::{Directions, MemberId, Message, Profile, Registry, TryRecv};

type Result<T, C> = std::result::Result<T, crate::connection::ErrorOf<C>>;
type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;

/// A connection that is served in an event loop: requests are taken one after the other, and answered whenever that is done.
///
/// Made by [`Connection::serve_many`], and driven like one: register it for reading and writing, and
///
/// - when an event comes, and after a [`reply`](Self::reply), [`try_flush`](Self::try_flush), then
///   [`try_next`](Self::try_next) until it says [`TryRecv::Nothing`];
/// - wait no longer than [`deadline`](Self::deadline) says, and then do the same though no event has come;
/// - when it says [`TryRecv::Closed`], `close` it.
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
/// // Finished in any order, they go out in that of the requests.
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
pub struct Served<C: Decode + Encode = Directions, S = TcpStream> {
    pub(super) connection: Connection<C, S>,
    replies: Replies,
    outgoing: Outgoing<C>,
    waker: Waker,
    is_short: bool,
    takes_turns: bool,
    /// What was read before there was room for it.
    ahead: Ahead<Message>,
    /// What reading has come to, once there are no more requests.
    end: Option<Result<(), C>>,
}

impl<C: Decode + Encode, S> Connection<C, S> {
    /// Joins those that are pushed to by a registry, until it ends: what is pushed goes out while it is
    /// [served](Self::serve_many). One that had joined another registry leaves that.
    ///
    /// See [`Registry`] for an example.
    pub fn join(&mut self, registry: &Registry<C>) -> MemberId {
        let sending = &self.session.sending;
        let mailbox = registry.join(Arc::clone(sending.framing()), sending.memory());
        self.session.receiving.take_heartbeat_for_first();
        self.mailbox.insert(mailbox).id()
    }

    /// For many requests at a time, whose replies go out as `concurrency` and the profile say.
    pub fn serve_many(mut self, profile: &Profile, concurrency: Concurrency) -> Served<C, S> {
        if profile.exchange() == ExchangeKind::Sync {
            self.session.receiving.take_turns();
        }
        self.session.receiving.take_requests(true);
        let outgoing = Outgoing::new(self.mailbox.take(), profile.timeouts().write, &self.session.sending);
        let memory = self.session.sending.memory();
        let replies = Replies::new(concurrency).count_memory(memory, profile.limits().handled());
        let ahead = Ahead::new(memory);
        Served {
            connection: self,
            replies,
            outgoing,
            waker: Waker::noop().clone(),
            is_short: profile.connection().short().is_some(),
            takes_turns: profile.exchange() == ExchangeKind::Sync,
            ahead,
            end: None,
        }
    }
}

impl<C: Decode + Encode, S> Served<C, S> {
    /// After so long it is to be asked again, though no event comes: a reply may be overdue, or silence ends a message.
    pub fn deadline(&self) -> Option<Duration> {
        let now = self.connection.clock.now();
        let writing = self.outgoing.deadline(&self.replies).map(|at| at.saturating_sub(now));
        let reading = if self.is_reading() { self.connection.deadline() } else { self.beat_within(now) };
        let told = self.connection.told().map(|_| Duration::ZERO);
        [writing, reading, told].into_iter().flatten().min()
    }

    /// What is told when something is [pushed](Registry) to the connection, or it is to be closed because it is too slow, or to end
    /// as its [`Admission`](crate::Admission) tells: there is no event of the system for that. It is to have [`try_next`](Self::try_next) asked: make one of whatever
    /// [wakes](std::task::Wake) the loop, a `mio::Waker` say, and set it before anything else.
    pub fn set_waker(&mut self, waker: Waker) {
        self.outgoing.tell(&waker);
        self.connection.set_waker(&waker);
        self.waker = waker;
    }

    /// How many requests are not answered wholly: their replies are not written.
    pub fn owed(&self) -> usize {
        self.replies.owed()
    }

    /// How many were answered wholly.
    pub const fn answered(&self) -> u64 {
        self.replies.answered()
    }

    /// How many bytes of replies are still to be written: an event for writing is worth waiting for.
    pub fn unwritten_bytes(&self) -> usize {
        self.connection.unwritten_bytes()
    }

    /// The address of the other side, where it has one.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.connection.peer_addr()
    }

    /// The stream, to look at it or to set options of its own; `None` after it was closed because of an error.
    pub const fn stream(&self) -> Option<&S> {
        self.connection.stream()
    }

    /// Where heartbeats are expected some requests are read ahead: the peer must not seem dead, nor we, while all are busy.
    fn is_reading(&self) -> bool {
        let may_be_ahead = self.connection.pulse().is_some() && self.ahead.has_room();
        self.end.is_none() && (self.replies.room() > 0 || may_be_ahead)
    }

    /// While nothing is read it is still to be seen that we live; but not sooner than the socket takes what is left.
    fn beat_within(&self, now: Duration) -> Option<Duration> {
        let pulse = self.connection.pulse().filter(|_| !self.connection.session.sending.owes_beat())?;
        Some(pulse.beat_at()?.saturating_sub(now))
    }
}

impl<C: Decode + Encode, S: Read + WriteStream> Served<C, S> {
    /// The next request and its place, if it is there and there is room for it. [`TryRecv::Closed`] when the peer has closed its
    /// side and all replies are written.
    ///
    /// # Errors
    /// When a reply was not taken in time, when the connection failed or is too slow for what is pushed to it; when something came
    /// that is no message, after those before it were answered; when its time was over ([`Cause::Ended`]: it is asked once more and
    /// closed then, like one that the peer has closed, unless it had to make room).
    pub fn try_next(&mut self) -> Result<TryRecv<(Place, Message)>, C> {
        self.try_flush()?;
        loop {
            if let Some(request) = self.next_ahead() {
                return Ok(TryRecv::Message(request));
            }
            if !self.is_reading() || !self.read()? {
                break;
            }
        }
        match &self.end {
            None => Ok(TryRecv::Nothing),
            Some(_) if !self.replies.is_empty() || !self.ahead.is_empty() => Ok(TryRecv::Nothing),
            Some(Ok(())) => Ok(TryRecv::Closed),
            Some(Err(_)) => self.end.replace(Ok(())).unwrap_or(Ok(())).map(|()| TryRecv::Closed),
        }
    }

    /// Answers a request, with a reply or with nothing. The reply goes out as soon as the order lets it, as far as the socket takes
    /// it now. False if the request was answered before.
    ///
    /// # Errors
    /// When a reply cannot be sent with this framing, and when the connection failed. It is closed then.
    pub fn reply(&mut self, place: Place, reply: Option<&[u8]>) -> Result<bool, C> {
        let is_owed = self.replies.answer(place, reply.map(<[u8]>::to_vec), self.connection.clock.now());
        self.try_flush()?;
        Ok(is_owed)
    }

    /// Writes what is due, as far as the socket takes it now; true when all of it is out.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next).
    pub fn try_flush(&mut self) -> Result<bool, C> {
        self.outgoing.tell(&self.waker);
        if !self.is_reading() {
            let now = self.connection.clock.now();
            self.connection.session.sending.on_time(now);
        }
        let (outgoing, replies) = (&mut self.outgoing, &mut self.replies);
        let written =
            self.connection.both(|session, port, clock| outgoing.write(replies, &mut session.sending, port, clock));
        written.map(|progress| progress == Progress::Done).map_err(|cause| self.fail(cause))
    }

    /// Of what was read, if there is room for it.
    fn next_ahead(&mut self) -> Option<(Place, Message)> {
        if self.ahead.is_empty() {
            return None;
        }
        let place = self.replies.take_request(self.ahead.next_len())?;
        let message = self.ahead.pop()?;
        if self.takes_turns {
            self.connection.session.receiving.hold_pulse();
        }
        Some((place, message))
    }

    /// Reads one request; false if there is none.
    fn read(&mut self) -> Result<bool, C> {
        match self.connection.receive() {
            Ok(TryRecv::Message(message)) => {
                if self.is_short {
                    self.end = Some(Ok(()));
                }
                let len = message.len();
                self.ahead.push(message, len);
                return Ok(true);
            }
            Ok(TryRecv::Nothing) => {}
            Ok(TryRecv::Closed) => self.end = Some(Ok(())),
            Err(error) if drive::is_lost(error.cause()) => return Err(self.fail(error.into_cause())),
            Err(error) => self.end = Some(Err(error)),
        }
        Ok(false)
    }

    fn fail(&mut self, cause: CauseOf<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        self.connection.close_now();
        self.connection.error(Operation::Serve, cause)
    }
}

/// Lengths and states only: card numbers travel in requests.
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
