//! A connection that a server serves.

use std::net::SocketAddr;
use std::sync::Arc;

use super::ending::ServedOutcome;
use super::stats::Stats;
use crate::admission::{Observer, ServerEvent, tell};
use crate::error::{Cause, Error};
use crate::session::Ending;
use framelink_profile::{DecodeError, EncodeError};

/// Counts a connection as served, until it has ended or this is dropped, and tells the observer of both.
pub(crate) struct ServedGuard {
    stats: Arc<Stats>,
    observer: Option<Observer>,
    peer: Option<SocketAddr>,
    has_begun: bool,
    has_ended: bool,
}

impl ServedGuard {
    pub(super) fn new(stats: &Arc<Stats>, observer: Option<&Observer>, peer: Option<SocketAddr>) -> Self {
        stats.on_begun();
        Self { stats: Arc::clone(stats), observer: observer.cloned(), peer, has_begun: false, has_ended: false }
    }

    /// There is a thread or a task that serves the connection.
    pub(crate) const fn begun(mut self) -> Self {
        self.has_begun = true;
        self
    }

    /// Serving begins.
    pub(crate) fn on_connected(&self) {
        tell(self.observer.as_ref(), &ServerEvent::Connected { peer: self.peer });
    }

    /// The connection has ended, after so many bytes were received. Its place has to be free before, because the observer may look.
    pub(crate) fn on_ended(mut self, outcome: &ServedOutcome<Error>, bytes_received: u64) {
        self.count(outcome.ended.as_ref().copied().map_err(Error::cause), outcome.discarded);
        let (peer, observer) = (self.peer, self.observer.as_ref());
        if is_probe(&outcome.ended, bytes_received) {
            tell(observer, &ServerEvent::Probed { peer });
        }
        let error = outcome.ended.as_ref().err();
        tell(observer, &ServerEvent::Closed { peer, answered: outcome.answered, error });
    }

    fn count(&mut self, ended: Result<(), &Cause<DecodeError, EncodeError>>, discarded: usize) {
        self.stats.on_ended(ended, discarded);
        self.has_ended = true;
    }
}

/// A connection that was ended from outside was cut. One that has not begun to be served has failed.
impl Drop for ServedGuard {
    fn drop(&mut self) {
        if !self.has_ended {
            let cause = if self.has_begun { Cause::Ended(Ending::Cut) } else { Cause::Closed };
            self.count(Err(&cause), 0);
        }
    }
}

/// Whether the peer connected only to see whether it can.
const fn is_probe<T, D, E>(ended: &Result<T, Error<D, E>>, bytes_received: u64) -> bool {
    let is_by_peer = match ended {
        Ok(_) => true,
        Err(error) => matches!(error.cause(), Cause::Reset(_)),
    };
    is_by_peer && bytes_received == 0
}
