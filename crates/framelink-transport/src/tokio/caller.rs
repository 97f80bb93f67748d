//! Many calls at a time on one connection.

#[cfg(test)]
mod last_moment;

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::io::AsyncWrite;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::futures::Notified;
use tokio::sync::oneshot::error::RecvError;
use tokio::task::coop;
use tokio::time::{Instant, timeout_at};

use super::clock;
use super::mux::{Begun, CauseOf, Mux, Offer, Outcome};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{NotBegun, Sent, Ticket};
use crate::{Directions, Message};

type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;
type CallResult<T, C> = std::result::Result<T, CallError<<C as Decode>::Error, <C as Encode>::Error>>;

/// What had come when a call's time was over is taken before it is given up: a program that was stopped and goes on finds both at
/// once. So a call may end so much later than it was asked to.
const GRACE: Duration = Duration::from_millis(10);

/// Sends requests on a connection, many at a time, and receives the reply to each.
///
/// Made by [`Connection::duplex`](super::Connection::duplex), together with the [`Receiver`](super::Receiver), which has to be
/// polled for any reply to come. Clones share the connection.
///
/// Every future can be dropped at any time. A call that is dropped before its request was accepted has not happened; after that
/// its reply is a late one when it comes, also if it has come and the call has not taken it yet.
pub struct Caller<C: Decode + Encode = Directions, W = OwnedWriteHalf> {
    mux: Arc<Mux<C, W>>,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> Caller<C, W> {
    pub(super) const fn new(mux: Arc<Mux<C, W>>) -> Self {
        Self { mux }
    }

    /// Sends a request and waits for its reply, all of it within one deadline: waiting until there is room among the calls in
    /// flight, writing, and the reply. (What has come by then is taken for 10 ms more.)
    ///
    /// # Errors
    /// When the request was not accepted (its key is in flight, say), when no reply came in time, and when the connection was
    /// lost. The error says what the peer may have seen of the request.
    pub async fn call(&self, request: &[u8], within: Duration) -> CallResult<Message, C> {
        let deadline = clock::within(within);
        let mut waits_for = None;
        let begun = match timeout_at(deadline, self.begin(request, deadline, &mut waits_for)).await {
            Ok(begun) => begun.map_err(|cause| self.failed(Sent::Not, cause))?,
            Err(_) => {
                let queued_bytes = self.mux.unwritten_bytes();
                let no_room = Cause::NoRoom { after: within, queued_bytes };
                return Err(self.failed(Sent::Not, waits_for.map_or(no_room, Cause::NotBegun)));
            }
        };
        let mut under_way = UnderWay { mux: &self.mux, begun, is_over: false };
        let answered = timeout_at(deadline + GRACE, &mut under_way.begun.answer).await;
        under_way.end(answered.ok(), within).map_err(|(sent, cause)| self.failed(sent, cause))
    }

    /// Sends a message that is no request, and returns when the socket has taken all of it.
    ///
    /// # Errors
    /// When the message cannot be sent with this framing, and when the connection was lost.
    pub async fn send(&self, message: &[u8]) -> Result<(), C> {
        self.send_noting(message, &mut None).await
    }

    /// Sends a message that is no request, within that time. The error says what the peer may have seen of the message.
    ///
    /// # Errors
    /// As [`send`](Self::send), and when the socket did not take the message in time.
    pub async fn send_with_outcome(&self, message: &[u8], within: Duration) -> CallResult<(), C> {
        let mut accepted = None;
        let sending = timeout_at(clock::within(within), self.send_noting(message, &mut accepted)).await;
        let cause = match sending {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into_cause(),
            Err(_) => self.mux.not_written(accepted.is_some(), within),
        };
        let sent = match accepted {
            None => Sent::Not,
            // The rest of it leaves still.
            Some(_) if matches!(cause, Cause::TimedOut { .. }) => Sent::Perhaps,
            Some(ticket) => self.mux.sent(ticket, &cause),
        };
        Err(CallError::new(sent, self.error(cause)))
    }

    /// Sends, and notes which bytes the message is as soon as it is accepted.
    async fn send_noting(&self, message: &[u8], accepted: &mut Option<Ticket>) -> Result<(), C> {
        let ticket = loop {
            let drained = self.mux.drained();
            match self.mux.send(message).map_err(|cause| self.error(cause))? {
                Offer::Taken(ticket) => break ticket,
                Offer::NoRoom => wait(drained).await,
            }
        };
        *accepted = Some(ticket);
        loop {
            let drained = self.mux.drained();
            if self.mux.is_written(ticket).map_err(|cause| self.error(cause))? {
                return Ok(());
            }
            wait(drained).await;
        }
    }

    /// Ends our side: what is queued is written, then writing is shut down. Replies that are owed can still come.
    ///
    /// # Errors
    /// When the connection was lost.
    pub async fn finish(&self) -> Result<(), C> {
        self.mux.finish();
        loop {
            let drained = self.mux.drained();
            if self.mux.is_flushed().map_err(|cause| self.error(cause))? {
                return Ok(());
            }
            wait(drained).await;
        }
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

    /// Has the request accepted, as soon as there is room for it.
    async fn begin(
        &self,
        request: &[u8],
        deadline: Instant,
        waits_for: &mut Option<NotBegun>,
    ) -> std::result::Result<Begun<C>, CauseOf<C>> {
        let mut turn = self.mux.turn.lock().await;
        loop {
            let (keys, drained) = (self.mux.keys.notified(), self.mux.drained());
            let why = match self.mux.begin(request, deadline.saturating_duration_since(Instant::now())) {
                Ok(Offer::Taken(begun)) => return Ok(begun),
                Ok(Offer::NoRoom) => None,
                Err(Cause::NotBegun(why)) if self.mux.may_wait(why) => Some(why),
                Err(cause) => return Err(cause),
            };
            *waits_for = why;
            match why {
                None => wait(drained).await,
                // Whoever waits for its own key is no reason for others to wait.
                Some(NotBegun::DuplicateKey) => {
                    drop(turn);
                    keys.await;
                    turn = self.mux.turn.lock().await;
                }
                Some(_) => self.mux.room.notified().await,
            }
        }
    }

    fn failed(&self, sent: Sent, cause: CauseOf<C>) -> CallError<<C as Decode>::Error, <C as Encode>::Error> {
        CallError::new(sent, Error::new(Operation::Call, self.mux.peer, cause))
    }

    fn error(&self, cause: CauseOf<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        Error::new(Operation::Send, self.mux.peer, cause)
    }
}

/// Waits until some of the queue is written, or can be. A task that has used up its turn cannot write, and waits for its next one.
async fn wait(drained: Notified<'_>) {
    poll_fn(|context| coop::poll_proceed(context).map(|proceeded| proceeded.made_progress())).await;
    drained.await;
}

impl<C: Decode + Encode, W> Clone for Caller<C, W> {
    fn clone(&self) -> Self {
        Self { mux: Arc::clone(&self.mux) }
    }
}

/// Lengths and states only: card numbers travel in requests.
impl<C: Decode + Encode, W: AsyncWrite + Unpin> fmt::Debug for Caller<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("peer", &self.mux.peer)
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

/// A call that is waited for. Dropped before its end, it is cancelled.
struct UnderWay<'l, C: Decode + Encode, W: AsyncWrite + Unpin> {
    mux: &'l Mux<C, W>,
    begun: Begun<C>,
    is_over: bool,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> UnderWay<'_, C, W> {
    /// What came of it; `None` when its time is over.
    fn end(
        mut self,
        answered: Option<std::result::Result<Outcome<C>, RecvError>>,
        within: Duration,
    ) -> std::result::Result<Message, (Sent, CauseOf<C>)> {
        self.is_over = true;
        let Begun { call, ticket, answer } = &mut self.begun;
        let outcome = match answered {
            Some(outcome) => outcome.unwrap_or(Err(Cause::Closed)),
            None => match self.mux.give_up(*call, *ticket, Some(within)) {
                Some(failed) => return Err(failed),
                None => self.mux.last_outcome(answer, *ticket, within),
            },
        };
        match outcome {
            Ok(reply) => Ok(reply.into_message()),
            Err(cause) => Err((self.mux.sent(*ticket, &cause), cause)),
        }
    }
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> Drop for UnderWay<'_, C, W> {
    fn drop(&mut self) {
        let Begun { call, ticket, answer } = &mut self.begun;
        if !self.is_over && self.mux.give_up(*call, *ticket, None).is_none() {
            self.mux.reclaim(answer);
        }
    }
}
