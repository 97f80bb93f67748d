//! The caller of a connection with many calls at a time.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::io::AsyncWrite;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::futures::Notified;
use tokio::task::coop;
use tokio::time::{Instant, timeout_at};

use super::clock;
use super::mux::{Begun, Mux, Offer};
use crate::calls::{CallErrorOf, CallTable, CauseOf, ErrorOf, GRACE, PendingCall, caller_methods, caller_traits};
use crate::connection::docs;
use crate::error::{CallError, Cause, Operation};
use crate::session::{NotBegun, Sent, Ticket};
use crate::{FramingPair, Message};

type Result<T, C> = std::result::Result<T, ErrorOf<C>>;
type CallResult<T, C> = std::result::Result<T, CallErrorOf<C>>;

/// Sends requests on a connection, many at a time, and receives the reply to each.
///
/// [`Connection::duplex`](super::Connection::duplex) creates a caller together with a [`Receiver`](super::Receiver).
/// Replies arrive only while the receiver is polled. Clones share the connection.
///
/// If several tasks have requests ready, their requests leave in one write of up to 16 KiB: each waits until the other
/// tasks that are ready have run. A request without others is written when `call` is first polled.
///
/// Every future can be dropped at any time. If a call is dropped before its request was accepted, nothing is sent. If
/// it is dropped later, its reply counts as late, even a reply that has arrived but was not returned.
pub struct Caller<C: Decode + Encode = FramingPair, W = OwnedWriteHalf> {
    pub(crate) mux: Arc<Mux<C, W>>,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> Caller<C, W> {
    pub(super) const fn new(mux: Arc<Mux<C, W>>) -> Self {
        Self { mux }
    }

    caller_methods!();

    #[doc = docs!(call)]
    pub async fn call(&self, request: &[u8], within: Duration) -> CallResult<Message, C> {
        let failed = |failed| self.mux.call_error(failed);
        let deadline = clock::within(within);
        let mut waits_for = None;
        let begun = match timeout_at(deadline, self.begin(request, deadline, &mut waits_for)).await {
            Ok(begun) => begun.map_err(|cause| failed((Sent::Not, cause)))?,
            Err(_) => {
                let no_room = Cause::NoRoom { after: within, queued_bytes: self.mux.send.unwritten_bytes() };
                return Err(failed((Sent::Not, waits_for.map_or(no_room, Cause::NotBegun))));
            }
        };
        let mut under_way = PendingCall::new(&*self.mux, begun);
        // One timer for both waits, set before the first.
        let answered = timeout_at(deadline + GRACE, async {
            self.mux.share_write(under_way.begun.ticket).await;
            under_way.check_sent()?;
            Ok((&mut under_way.begun.answer).await.ok())
        });
        let answered = answered.await.unwrap_or(Ok(None)).map_err(failed)?;
        under_way.end(answered, within).map_err(failed)
    }

    /// Waits for room, then begins the call.
    async fn begin(
        &self,
        request: &[u8],
        deadline: Instant,
        waits_for: &mut Option<NotBegun>,
    ) -> std::result::Result<Begun<C>, CauseOf<C>> {
        let shared = &self.mux.send;
        let mut turn = shared.turn.lock().await;
        loop {
            let (keys, drained) = (shared.keys.notified(), shared.drained());
            let why = match self.mux.begin(request, deadline.saturating_duration_since(Instant::now()))? {
                Offer::Taken(begun) => return Ok(begun),
                Offer::NoRoom => None,
                Offer::Later(why) => Some(why),
            };
            waits_for.clone_from(&why);
            match why {
                None => wait(drained).await,
                // A call that waits for its own key must not hold up other calls.
                Some(NotBegun::DuplicateKey) => {
                    drop(turn);
                    keys.await;
                    turn = shared.turn.lock().await;
                }
                Some(_) => shared.room.notified().await,
            }
        }
    }

    #[doc = docs!(send)]
    pub async fn send(&self, message: &[u8]) -> Result<(), C> {
        self.send_noting(message, &mut None).await
    }

    #[doc = docs!(send_of_caller)]
    pub async fn send_with_outcome(&self, message: &[u8], within: Duration) -> CallResult<(), C> {
        let mut accepted = None;
        let sending = timeout_at(clock::within(within), self.send_noting(message, &mut accepted)).await;
        let error = match sending {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => {
                let (after, unwritten_bytes) = (within, self.mux.send.unwritten_bytes());
                self.error(match accepted {
                    Some(_) => Cause::TimedOut { after, unwritten_bytes, unfinished: None },
                    None => Cause::NoRoom { after, queued_bytes: unwritten_bytes },
                })
            }
        };
        let sent = match accepted {
            None => Sent::Not,
            // The rest of the message is still to be written.
            Some(_) if matches!(error.cause(), Cause::TimedOut { .. }) => Sent::Perhaps,
            Some(ticket) => self.mux.sent(ticket, error.cause()),
        };
        Err(CallError::new(sent, error))
    }

    /// Sends a message, and stores its ticket as soon as the message is accepted.
    async fn send_noting(&self, message: &[u8], accepted: &mut Option<Ticket>) -> Result<(), C> {
        let ticket = loop {
            let drained = self.mux.send.drained();
            match self.mux.send(message).map_err(|cause| self.error(cause))? {
                Offer::Taken(ticket) => break ticket,
                Offer::NoRoom | Offer::Later(_) => wait(drained).await,
            }
        };
        *accepted = Some(ticket);
        self.drain(|| self.mux.is_written(ticket)).await
    }

    #[doc = docs!(finish)]
    pub async fn finish(&self) -> Result<(), C> {
        self.mux.finish();
        self.drain(|| self.mux.is_flushed()).await
    }

    /// Waits until enough of the queue is written.
    async fn drain(&self, is_enough: impl Fn() -> std::result::Result<bool, CauseOf<C>>) -> Result<(), C> {
        loop {
            let drained = self.mux.send.drained();
            if is_enough().map_err(|cause| self.error(cause))? {
                return Ok(());
            }
            wait(drained).await;
        }
    }

    fn error(&self, cause: CauseOf<C>) -> ErrorOf<C> {
        self.mux.error(Operation::Send, cause)
    }
}

/// Waits until a part of the queue is written, or can be. A task without budget yields first.
async fn wait(drained: Notified<'_>) {
    poll_fn(|context| coop::poll_proceed(context).map(|proceeded| proceeded.made_progress())).await;
    drained.await;
}

caller_traits!();
