//! What comes on a connection with calls in flight.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::Standing;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::coop;

use super::mux::{CauseOf, Mux};
use super::{RecvHalf, SendHalf};
use crate::drive::Came;
use crate::error::{Cause, Error, Operation};
use crate::session::{ByteCount, Pulse};
use crate::{Directions, Incoming};

type Result<T, C> = std::result::Result<T, Error<<C as Decode>::Error, <C as Encode>::Error>>;

/// Receives on a connection with calls in flight: hands each reply to its call, and the rest to the application.
///
/// Nothing is read, and no reply comes, while nobody polls it: a task of its own is where it belongs. Dropped, it closes the
/// connection.
///
/// See [`Connection::duplex`](super::Connection::duplex) for an example.
pub struct Receiver<C: Decode + Encode = Directions, R = OwnedReadHalf, W: AsyncWrite + Unpin = OwnedWriteHalf> {
    half: RecvHalf<C, R>,
    mux: Arc<Mux<C, W>>,
    pair: Option<Pair<C, R, W>>,
}

/// Of a pair of connections: what is received where only sending goes on, which is nothing before the end, and the direction that is
/// not used.
pub(super) struct Pair<C: Decode + Encode, R, W> {
    pub(super) watched: RecvHalf<C, R>,
    pub(super) _unused: SendHalf<C, W>,
}

impl<C: Decode + Encode, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Receiver<C, R, W> {
    pub(super) const fn new(half: RecvHalf<C, R>, mux: Arc<Mux<C, W>>, pair: Option<Pair<C, R, W>>) -> Self {
        Self { half, mux, pair }
    }

    /// Receives the next message that answers no call in flight; `None` when the peer has closed its side between two.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// When what came is no frame, when the stream ended inside one, when the connection failed, or when it was given up because
    /// a reply did not come. Whole messages that came before that are delivered first; but not after a reply in order failed to
    /// come, for then none can be told apart.
    pub async fn recv(&mut self) -> Result<Option<Incoming>, C> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// The same, for a future of your own.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Incoming>, C>> {
        self.mux.poll_sender(context);
        if let Some(late) = self.mux.reclaimed() {
            return Poll::Ready(Ok(Some(Incoming::Late(late))));
        }
        loop {
            if let Some(cause) = self.mux.over().filter(|cause| !matches!(cause, Cause::NoReply)) {
                self.half.give_up();
                self.pair = None;
                return Poll::Ready(Err(self.error(cause)));
            }
            match self.half.poll_came(context) {
                Poll::Ready(Ok(Came::Message(message))) => {
                    if let Some(incoming) = self.mux.take(message) {
                        return Poll::Ready(Ok(Some(incoming)));
                    }
                }
                Poll::Ready(Ok(Came::Beat | Came::Wait(_))) => self.mux.poll_sender(context),
                Poll::Ready(Ok(Came::Closed)) => {
                    match self.pair {
                        None => self.mux.end_calls(&Cause::NoReply),
                        // Nothing is sent into a pair that cannot answer.
                        Some(_) => self.mux.end(&Cause::NoReply),
                    }
                    return Poll::Ready(Ok(None));
                }
                Poll::Ready(Err(error)) => {
                    self.mux.end(error.cause());
                    return Poll::Ready(Err(error));
                }
                // The task has used up its turn, and there may be more.
                Poll::Pending if !coop::has_budget_remaining() => return Poll::Pending,
                // What had come before has been taken now.
                Poll::Pending => match self.mux.failed().or_else(|| self.poll_watched(context)) {
                    Some(cause) => self.mux.end(&cause),
                    None => return Poll::Pending,
                },
            }
        }
    }

    /// Why a pair has ended where only sending goes on, if it has.
    fn poll_watched(&mut self, context: &mut Context<'_>) -> Option<CauseOf<C>> {
        match self.pair.as_mut()?.watched.poll_recv(context) {
            Poll::Ready(received) => Some(Cause::of_one_way(received)),
            Poll::Pending => None,
        }
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

    fn error(&self, cause: CauseOf<C>) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        Error::new(Operation::Receive, self.half.peer_addr(), cause)
    }
}

/// No reply can come any more. Where the peer had closed its side in good order, ours can go on sending.
impl<C: Decode + Encode, R, W: AsyncWrite + Unpin> Drop for Receiver<C, R, W> {
    fn drop(&mut self) {
        if self.mux.over().is_none() {
            self.mux.end(&Cause::Unattended);
        }
    }
}

/// Lengths and states only: card numbers travel in messages.
impl<C: Decode + Encode, R, W: AsyncWrite + Unpin> fmt::Debug for Receiver<C, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("in_flight", &self.mux.in_flight()).finish_non_exhaustive()
    }
}
