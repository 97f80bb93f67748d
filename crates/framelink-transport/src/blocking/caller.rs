//! Many calls at a time on one connection.

use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::link::{Begun, CauseOf, Link};
use super::{Shared, WriteStream};
use crate::drive::Clock as _;
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::Sent;
use crate::{Directions, Message};

type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type CallResult<T, C> = std::result::Result<T, CallError<<C as Decode>::Error, <C as Encode>::Error>>;

/// What had come when a call's time was over is taken before it is given up: a program that was stopped and goes on finds both at
/// once.
const GRACE: Duration = Duration::from_millis(10);

/// Sends requests on a connection, many at a time, each from a thread of its own, and receives the reply to each.
///
/// Made by [`Connection::duplex`](super::Connection::duplex), together with the [`Receiver`](super::Receiver), which has to be
/// asked for any reply to come. Clones share the connection.
pub struct Caller<C: Decode + Encode = Directions, W = Shared<TcpStream>> {
    link: Arc<Link<C, W>>,
}

impl<C: Decode + Encode, W: WriteStream> Caller<C, W> {
    pub(super) const fn new(link: Arc<Link<C, W>>) -> Self {
        Self { link }
    }

    /// Sends a request and waits for its reply, all of it within one deadline: waiting until there is room among the calls in
    /// flight, writing, and the reply.
    ///
    /// # Errors
    /// When the request was not accepted (its key is in flight, say), when no reply came in time, and when the connection was
    /// lost. The error says what the peer may have seen of the request.
    pub fn call(&self, request: &[u8], within: Duration) -> CallResult<Message, C> {
        let deadline = self.link.clock.within(within);
        self.exchange(request, deadline).map_err(|(sent, cause)| self.failed(sent, cause).within(within))
    }

    /// Sends a message that is no request, and returns when the socket has taken all of it.
    ///
    /// # Errors
    /// When the message cannot be sent with this framing, and when the connection was lost.
    pub fn send(&self, message: &[u8]) -> Result<(), C> {
        self.check()?;
        // Without a deadline it is waited for.
        self.link.sender(None).map_or(Ok(()), |mut sender| sender.send(message))
    }

    /// Ends our side: what is queued is written, then writing is shut down. Replies that are owed can still come.
    ///
    /// # Errors
    /// When the connection was lost.
    pub fn finish(&self) -> Result<(), C> {
        self.check()?;
        self.link.sender(None).map_or(Ok(()), |mut sender| sender.finish())
    }

    /// Gives the connection up at once: calls in flight fail, and the receiver has an error that says so.
    pub fn abort(&self) {
        self.link.end(&Cause::Closed);
    }

    /// How many calls are waited for.
    pub fn in_flight(&self) -> usize {
        self.link.in_flight()
    }

    /// How many calls were given up and are not answered yet.
    pub fn unanswered(&self) -> usize {
        self.link.unanswered()
    }

    /// The address of the other side, where it has one.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.link.peer
    }

    fn exchange(&self, request: &[u8], deadline: Duration) -> std::result::Result<Message, (Sent, CauseOf<C>)> {
        let Begun { call, ticket, answer } = self.link.begin(request, deadline)?;
        let left = deadline.saturating_sub(self.link.clock.now()).saturating_add(GRACE);
        let outcome = match answer.recv_timeout(left) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => Err(Cause::Closed),
            Err(RecvTimeoutError::Timeout) => match self.link.give_up(call, ticket, Duration::ZERO) {
                Some(failed) => return Err(failed),
                // At the last moment.
                None => answer.recv().unwrap_or(Err(Cause::Closed)),
            },
        };
        outcome.map_err(|cause| (self.link.sent(ticket, &cause), cause))
    }

    /// Where the peer has closed its side in good order, ours can go on sending.
    fn check(&self) -> Result<(), C> {
        match self.link.over().filter(|cause| !matches!(cause, Cause::NoReply)) {
            Some(cause) => Err(Error::new(Operation::Send, self.link.peer, cause)),
            None => Ok(()),
        }
    }

    fn failed(&self, sent: Sent, cause: CauseOf<C>) -> CallError<<C as Decode>::Error, <C as Encode>::Error> {
        CallError::new(sent, Error::new(Operation::Call, self.link.peer, cause))
    }
}

impl<C: Decode + Encode, W> Clone for Caller<C, W> {
    fn clone(&self) -> Self {
        Self { link: Arc::clone(&self.link) }
    }
}

/// Lengths and states only: card numbers travel in requests.
impl<C: Decode + Encode, W: WriteStream> fmt::Debug for Caller<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("peer", &self.link.peer)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
