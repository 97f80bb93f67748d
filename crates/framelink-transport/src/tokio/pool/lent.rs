//! A connection in the hands of a borrower.

use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::{Member, PoolDesk};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::Sent;
use crate::tokio::Connection;
use crate::{Message, pool};

/// A connection that a [`Pool`](super::Pool) has lent; dropped, it goes back.
///
/// It is lent again if it is clean: no exchange unfinished, nothing unsent, nothing unread, not ended, and (where replies are received)
/// no fewer messages received than were sent. Otherwise it is closed. One that is leaked (`std::mem::forget`) never comes back, and takes its place in the pool with it.
///
/// ```no_run
/// # async fn example(pool: framelink_transport::tokio::Pool) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// // Two exchanges that belong together, on one connection.
/// let mut lent = pool.lend().await?;
/// lent.call(b"begin", Duration::from_secs(1)).await?;
/// lent.call(b"commit", Duration::from_secs(1)).await?;
/// # Ok(())
/// # }
/// ```
pub struct Lent {
    /// There until it is dropped.
    lent: Option<pool::Lent<Member>>,
    desk: Arc<PoolDesk>,
}

impl Lent {
    pub(super) fn new(lent: pool::Lent<Member>, desk: &Arc<PoolDesk>) -> Self {
        Self { lent: Some(lent), desk: Arc::clone(desk) }
    }

    /// The address that it was dialled by, as it was given to the pool.
    #[must_use]
    pub fn address(&self) -> &str {
        self.member().seat.address()
    }

    /// Whether it was there before it was asked for.
    pub(super) fn was_there(&self) -> bool {
        self.lent.as_ref().is_some_and(|lent| lent.was_there)
    }

    /// Sends a request and receives its reply, unless the pool is closed meanwhile and does not wait for it.
    pub(super) async fn exchange(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError> {
        let (peer, cut, before) = (self.peer_addr(), Arc::clone(&self.member().cut), self.sender.sending.accepted());
        let done = {
            let (mut exchange, mut cut) = (pin!(self.call(request, within)), pin!(cut.notified()));
            poll_fn(|context| match exchange.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending => cut.as_mut().poll(context).map(|()| None),
            })
            .await
        };
        done.unwrap_or_else(|| {
            // What was accepted may leave while the connection is closed.
            let sent = if self.sender.sending.accepted() == before { Sent::Not } else { Sent::Perhaps };
            Err(CallError::new(sent, Error::new(Operation::Call, peer, Cause::Closed)))
        })
    }

    fn member(&self) -> &Member {
        &self.lent.as_ref().expect("it is there until it is dropped").member
    }
}

impl Deref for Lent {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.member().connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.lent.as_mut().expect("it is there until it is dropped").member.connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(lent) = self.lent.take() {
            self.desk.give_back(lent);
        }
    }
}

/// States only.
impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("address", &self.address()).finish_non_exhaustive()
    }
}
