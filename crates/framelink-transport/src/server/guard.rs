//! A guard for each connection that a server serves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::ServerControl;
use super::ending::ServedOutcome;
use crate::admission::ServerEvent;
use crate::connection::peer_addr::PeerAddr;
use crate::driver::{Driver, Notify as _};
use crate::error::{Cause, Error};
use crate::session::Ending;
use framelink_profile::{DecodeError, EncodeError};

/// Counts a connection as served until this guard is dropped. Tells the observer when serving begins and ends.
pub(crate) struct ServedGuard<D: Driver> {
    control: Arc<ServerControl<D>>,
    peer: PeerAddr,
    /// The end of the connection to count if this guard is dropped now. `None` once the end is counted.
    if_dropped: Option<&'static Cause<DecodeError, EncodeError>>,
}

impl<D: Driver> ServedGuard<D> {
    /// Until `begun` is called, dropping the guard counts the connection as failed: it got no task or thread.
    pub(super) fn new(control: &Arc<ServerControl<D>>) -> Self {
        control.stats.begun.fetch_add(1, Ordering::AcqRel);
        control.serving.fetch_add(1, Ordering::AcqRel);
        Self { control: Arc::clone(control), peer: PeerAddr::None, if_dropped: Some(&Cause::Closed) }
    }

    /// A task or thread serves the connection now. If that is ended from outside, the connection was cut.
    pub(crate) const fn begun(mut self) -> Self {
        self.if_dropped = Some(&Cause::Ended(Ending::Cut));
        self
    }

    pub(crate) fn on_connected(&mut self, peer: Option<SocketAddr>) {
        self.peer = PeerAddr::new(peer);
        self.control.stats.admission.notify(&ServerEvent::Connected { peer });
    }

    /// Counts the end and tells the observer. The place must be free before, because the observer may look.
    pub(crate) fn on_ended(mut self, outcome: &ServedOutcome<Error>, bytes_received: u64) {
        self.if_dropped = None;
        let (peer, error, stats) = (self.peer.get(), outcome.ended.as_ref().err(), &self.control.stats);
        stats.on_ended(error.map(Error::cause), outcome.discarded);
        // The peer connected only to check that it can.
        if bytes_received == 0 && error.is_none_or(|error| matches!(error.cause(), Cause::Reset(_))) {
            stats.admission.notify(&ServerEvent::Probed { peer });
        }
        stats.admission.notify(&ServerEvent::Closed { peer, answered: outcome.answered, error });
    }
}

impl<D: Driver> Drop for ServedGuard<D> {
    fn drop(&mut self) {
        if let Some(cause) = self.if_dropped {
            self.control.stats.on_ended(Some(cause), 0);
        }
        self.control.serving.fetch_sub(1, Ordering::AcqRel);
        self.control.changed.notify();
    }
}
