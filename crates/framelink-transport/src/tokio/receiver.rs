//! The receiver of a connection with calls in flight.

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

use super::mux::Mux;
use super::{RecvHalf, SendHalf};
use crate::calls::{CallTable, CauseOf, ErrorOf, receiver_methods, receiver_traits};
use crate::connection::docs;
use crate::drive::Came;
use crate::error::{Cause, Operation};
use crate::session::{ByteCount, LivenessHandle};
use crate::{FramingPair, Incoming};

type Result<T, C> = std::result::Result<T, ErrorOf<C>>;

/// Receives on a connection with calls in flight: hands each reply to its call, and returns all other messages.
///
/// Replies arrive only while the receiver is polled, so it needs a task of its own. Dropping it closes the connection.
///
/// See [`Connection::duplex`](super::Connection::duplex) for an example.
pub struct Receiver<C: Decode + Encode = FramingPair, R = OwnedReadHalf, W: AsyncWrite + Unpin = OwnedWriteHalf> {
    half: RecvHalf<C, R>,
    mux: Arc<Mux<C, W>>,
    pair: Option<Pair<C, R, W>>,
}

/// The unused directions of a simplex pair: the reading side of the connection that sends, which is watched for its
/// end, and the writing side of the connection that receives.
pub(super) struct Pair<C: Decode + Encode, R, W> {
    pub(super) watched: RecvHalf<C, R>,
    pub(super) _unused: SendHalf<C, W>,
}

impl<C: Decode + Encode, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Receiver<C, R, W> {
    pub(super) const fn new(half: RecvHalf<C, R>, mux: Arc<Mux<C, W>>, pair: Option<Pair<C, R, W>>) -> Self {
        Self { half, mux, pair }
    }

    receiver_methods!();

    /// Like [`recv`](Self::recv), as a poll function.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Incoming>, C>> {
        self.mux.poll_sender(context);
        loop {
            match self.mux.before_reading() {
                Ok(None) => {}
                Ok(Some(late)) => return Poll::Ready(Ok(Some(Incoming::Late(late)))),
                Err(cause) => {
                    self.half.give_up();
                    self.pair = None;
                    return Poll::Ready(Err(self.error(cause)));
                }
            }
            let came = match self.half.poll_came(context) {
                Poll::Ready(Ok(Came::Beat | Came::Wait(_))) => {
                    self.mux.poll_sender(context);
                    continue;
                }
                Poll::Ready(came) => came,
                // The task has used up its budget, and there may be more to read.
                Poll::Pending if !coop::has_budget_remaining() => return Poll::Pending,
                // All messages that arrived before have been returned now.
                Poll::Pending => match self.mux.look(CallTable::failure).or_else(|| self.poll_watched(context)) {
                    Some(cause) => {
                        self.mux.end(&cause);
                        continue;
                    }
                    None => return Poll::Pending,
                },
            };
            let received =
                self.mux.on_came(came, self.pair.is_some(), |message| self.half.receiving.on_unread(message));
            if let Some(received) = received.map_err(|cause| self.error(cause))? {
                return Poll::Ready(Ok(received.into_message()));
            }
        }
    }

    #[doc = docs!(recv_incoming)]
    pub async fn recv(&mut self) -> Result<Option<Incoming>, C> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Returns why the pair has ended, if the connection that sends has ended.
    fn poll_watched(&mut self, context: &mut Context<'_>) -> Option<CauseOf<C>> {
        match self.pair.as_mut()?.watched.poll_recv(context) {
            Poll::Ready(received) => Some(Cause::of_one_way(received)),
            Poll::Pending => None,
        }
    }

    fn error(&self, cause: CauseOf<C>) -> ErrorOf<C> {
        ErrorOf::<C>::new(Operation::Receive, self.half.peer_addr(), cause)
    }
}

receiver_traits!(AsyncWrite + Unpin);
