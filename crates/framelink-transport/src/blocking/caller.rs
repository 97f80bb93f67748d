//! Many calls at a time on one connection.

use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::mux::{Begun, CauseOf, Mux, Sender};
use super::{Shared, WriteStream};
use crate::drive::Clock as _;
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::Sent;
use crate::{Directions, Message};

type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type CallResult<T, C> = std::result::Result<T, CallError<<C as Decode>::Error, <C as Encode>::Error>>;

/// What had come when a call's time was over is taken before it is given up: a program that was stopped and goes on finds both at
/// once. So a call may end so much later than it was asked to.
const GRACE: Duration = Duration::from_millis(10);

/// Sends requests on a connection, many at a time, each from a thread of its own, and receives the reply to each.
///
/// Made by [`Connection::duplex`](super::Connection::duplex), together with the [`Receiver`](super::Receiver), which has to be
/// asked for any reply to come. Clones share the connection.
pub struct Caller<C: Decode + Encode = Directions, W = Shared<TcpStream>> {
    mux: Arc<Mux<C, W>>,
}

impl<C: Decode + Encode, W: WriteStream> Caller<C, W> {
    pub(super) const fn new(mux: Arc<Mux<C, W>>) -> Self {
        Self { mux }
    }

    /// Sends a request and waits for its reply, all of it within one deadline: waiting until there is room among the calls in
    /// flight, writing, and the reply. (What has come by then is taken for 10 ms more.)
    ///
    /// # Errors
    /// When the request was not accepted (its key is in flight, say), when no reply came in time, and when the connection was
    /// lost. The error says what the peer may have seen of the request.
    pub fn call(&self, request: &[u8], within: Duration) -> CallResult<Message, C> {
        let deadline = self.mux.clock.within(within);
        self.exchange(request, deadline).map_err(|(sent, cause)| self.failed(sent, cause).within(within))
    }

    /// Sends a message that is no request, and returns when the socket has taken all of it.
    ///
    /// # Errors
    /// When the message cannot be sent with this framing, and when the connection was lost.
    pub fn send(&self, message: &[u8]) -> Result<(), C> {
        self.check()?;
        // Without a deadline it is waited for.
        self.mux.sender(None).map_or(Ok(()), |mut sender| sender.send(message))
    }

    /// Sends a message that is no request within that time, which covers waiting for other threads that send. When the time is over the
    /// message is either not accepted at all, or the rest of it leaves before anything else. The error says what the peer may have seen of
    /// the message.
    ///
    /// # Errors
    /// As [`send`](Self::send), and when the socket did not take the message in time.
    pub fn send_with_outcome(&self, message: &[u8], within: Duration) -> CallResult<(), C> {
        let (mut sender, left) = self.sender_within(within).map_err(|error| CallError::new(Sent::Not, error))?;
        sender.send_with_outcome(message, left).map_err(|error| error.within(within))
    }

    /// Ends our side: what is queued is written, then writing is shut down. Replies that are owed can still come.
    ///
    /// # Errors
    /// When the connection was lost.
    pub fn finish(&self) -> Result<(), C> {
        self.check()?;
        self.mux.sender(None).map_or(Ok(()), |mut sender| sender.finish())
    }

    /// The same within that time.
    pub(super) fn finish_within(&self, limit: Duration) -> Result<(), C> {
        let (mut sender, left) = self.sender_within(limit)?;
        sender.finish_within(left)
    }

    /// Gives the connection up at once: calls in flight fail, and the receiver has an error that says so.
    pub fn abort(&self) {
        self.mux.end(&Cause::Closed);
    }

    /// Whether calls are possible still, as far as is known.
    pub fn is_open(&self) -> bool {
        self.mux.over().is_none() && self.mux.failed().is_none()
    }

    /// Why they are not.
    pub(super) fn ended(&self) -> Option<CauseOf<C>> {
        self.mux.over().or_else(|| self.mux.failed())
    }

    /// How many calls are waited for.
    pub fn in_flight(&self) -> usize {
        self.mux.in_flight()
    }

    /// How many calls were given up and are not answered yet.
    pub fn unanswered(&self) -> usize {
        self.mux.unanswered()
    }

    /// The address of the other side, where it has one.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.mux.peer
    }

    /// The sending half, and what is left of the time.
    fn sender_within(&self, limit: Duration) -> Result<(Sender<'_, C, W>, Duration), C> {
        self.check()?;
        let deadline = self.mux.clock.within(limit);
        let no_room = || Error::new(Operation::Send, self.mux.peer, Cause::NoRoom { after: limit, queued_bytes: 0 });
        let sender = self.mux.sender(Some(deadline)).ok_or_else(no_room)?;
        Ok((sender, deadline.saturating_sub(self.mux.clock.now())))
    }

    fn exchange(&self, request: &[u8], deadline: Duration) -> std::result::Result<Message, (Sent, CauseOf<C>)> {
        let Begun { call, ticket, answer } = self.mux.begin(request, deadline)?;
        let left = deadline.saturating_sub(self.mux.clock.now()).saturating_add(GRACE);
        let outcome = match answer.recv_timeout(left) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => Err(Cause::Closed),
            Err(RecvTimeoutError::Timeout) => match self.mux.give_up(call, ticket, Duration::ZERO) {
                Some(failed) => return Err(failed),
                // At the last moment.
                None => answer.recv().unwrap_or(Err(Cause::Closed)),
            },
        };
        outcome.map_err(|cause| (self.mux.sent(ticket, &cause), cause))
    }

    /// Where the peer has closed its side in good order, ours can go on sending.
    fn check(&self) -> Result<(), C> {
        match self.mux.over().filter(|cause| !matches!(cause, Cause::NoReply)) {
            Some(cause) => Err(Error::new(Operation::Send, self.mux.peer, cause)),
            None => Ok(()),
        }
    }

    fn failed(&self, sent: Sent, cause: CauseOf<C>) -> CallError<<C as Decode>::Error, <C as Encode>::Error> {
        CallError::new(sent, Error::new(Operation::Call, self.mux.peer, cause))
    }
}

impl<C: Decode + Encode, W> Clone for Caller<C, W> {
    fn clone(&self) -> Self {
        Self { mux: Arc::clone(&self.mux) }
    }
}

/// Lengths and states only: card numbers travel in requests.
impl<C: Decode + Encode, W: WriteStream> fmt::Debug for Caller<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("peer", &self.mux.peer)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
