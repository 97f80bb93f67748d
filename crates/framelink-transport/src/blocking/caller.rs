//! The callers of a duplex connection.

use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::mux::Mux;
use super::{SendHalf, Shared, WriteStream};
use crate::calls::{CallErrorOf, CallTable, CauseOf, ErrorOf, GRACE, PendingCall, caller_methods, caller_traits};
use crate::connection::docs;
use crate::drive::Clock as _;
use crate::error::{CallError, Cause, Operation};
use crate::session::Sent;
use crate::{FramingPair, Message};

type Result<T, C> = std::result::Result<T, ErrorOf<C>>;
type CallResult<T, C> = std::result::Result<T, CallErrorOf<C>>;

/// Sends requests and waits for their replies on a connection that has many calls in flight, one for each thread.
///
/// [`Connection::duplex`](super::Connection::duplex) returns a caller together with a [`Receiver`](super::Receiver).
/// Replies arrive only while a thread receives on the receiver. Clones share the connection.
///
/// If several threads have requests ready, their requests leave in one write of up to 16 KiB, by one of the threads. A
/// request without others is written at once.
pub struct Caller<C: Decode + Encode = FramingPair, W = Shared<TcpStream>> {
    mux: Arc<Mux<C, W>>,
}

impl<C: Decode + Encode, W: WriteStream> Caller<C, W> {
    pub(super) const fn new(mux: Arc<Mux<C, W>>) -> Self {
        Self { mux }
    }

    caller_methods!();

    #[doc = docs!(call)]
    pub fn call(&self, request: &[u8], within: Duration) -> CallResult<Message, C> {
        self.exchange(request, within).map_err(|failed| self.mux.call_error(failed))
    }

    pub(super) fn finish_within(&self, limit: Duration) -> Result<(), C> {
        self.with_sender(Some(limit), |half, left| half.finish_within(left))?
    }

    fn exchange(&self, request: &[u8], within: Duration) -> std::result::Result<Message, (Sent, CauseOf<C>)> {
        let clock = self.mux.send.clock;
        let deadline = clock.within(within);
        let mut under_way = PendingCall::new(&*self.mux, self.mux.begin(request, deadline, within)?);
        if self.mux.share_write(deadline) {
            under_way.check_sent()?;
        }
        let left = deadline.saturating_add(GRACE).saturating_sub(clock.now());
        let answered = under_way.begun.answer.recv_timeout(left).ok();
        under_way.end(answered, within)
    }

    #[doc = docs!(send)]
    pub fn send(&self, message: &[u8]) -> Result<(), C> {
        self.with_sender(None, |half, _| half.send(message))?
    }

    #[doc = docs!(send_of_caller)]
    pub fn send_with_outcome(&self, message: &[u8], within: Duration) -> CallResult<(), C> {
        self.with_sender(Some(within), |half, left| half.send_with_outcome(message, left))
            .map_err(|error| CallError::new(Sent::Not, error))?
            .map_err(|error| error.within(within))
    }

    #[doc = docs!(finish)]
    pub fn finish(&self) -> Result<(), C> {
        self.with_sender(None, |half, _| half.finish())?
    }

    /// Waits for the sending half and runs `work` on it, with the time that is left.
    fn with_sender<T>(
        &self,
        limit: Option<Duration>,
        work: impl FnOnce(&mut SendHalf<C, W>, Duration) -> T,
    ) -> Result<T, C> {
        let clock = self.mux.send.clock;
        self.check()?;
        let deadline = limit.map(|limit| clock.within(limit));
        let done = self.mux.send.with(deadline, |half| {
            // The connection may have been given up during the wait.
            self.check()?;
            Ok(work(half, deadline.map_or(Duration::MAX, |deadline| deadline.saturating_sub(clock.now()))))
        });
        let no_room = Cause::NoRoom { after: limit.unwrap_or_default(), queued_bytes: 0 };
        done.unwrap_or_else(|| Err(self.mux.error(Operation::Send, no_room)))
    }

    /// Fails if the connection is lost. If the peer has closed its side in good order, our side can still send.
    fn check(&self) -> Result<(), C> {
        self.mux.look(CallTable::lost).map_or(Ok(()), |cause| Err(self.mux.error(Operation::Send, cause)))
    }
}

caller_traits!();
