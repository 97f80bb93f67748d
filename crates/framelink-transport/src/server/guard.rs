//! A guard for each connection that a server serves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::ServerControl;
use super::ending::ServedOutcome;
use crate::admission::ServerEvent;
use crate::driver::{Driver, Notify as _};
use crate::error::{Cause, Error};
use crate::session::Ending;
use framelink_profile::{DecodeError, EncodeError};

/// Counts a connection as served until this guard is dropped. Tells the observer when serving begins and ends.
pub(crate) struct ServedGuard<D: Driver> {
    control: Arc<ServerControl<D>>,
    if_dropped: IfDropped,
    /// The number of the task, if the server has a list of them.
    task: u32,
}

/// The end of the connection to count if the guard is dropped now.
#[derive(Clone, Copy)]
enum IfDropped {
    /// The connection got no task or thread.
    Failed,
    /// A task or thread serves the connection. If that is ended from outside, the connection was cut.
    Cut,
    Counted,
}

/// The number of a task that is in no list.
const UNLISTED: u32 = u32::MAX;

impl<D: Driver> ServedGuard<D> {
    /// Until `begun` is called, dropping the guard counts the connection as failed: it got no task or thread.
    pub(super) fn new(control: &Arc<ServerControl<D>>) -> Self {
        control.stats.begun.fetch_add(1, Ordering::AcqRel);
        control.serving.fetch_add(1, Ordering::AcqRel);
        Self { control: Arc::clone(control), if_dropped: IfDropped::Failed, task: UNLISTED }
    }

    /// A task or thread serves the connection now.
    pub(crate) const fn begun(mut self) -> Self {
        self.if_dropped = IfDropped::Cut;
        self
    }

    /// Like `begun`. The number of the task is in `ended_tasks` after the connection has ended.
    #[cfg(feature = "tokio")]
    pub(crate) const fn begun_as(mut self, task: u32) -> Self {
        self.task = task;
        self.begun()
    }

    pub(crate) fn on_connected(&self, peer: Option<SocketAddr>) {
        self.control.stats.admission.notify(&ServerEvent::Connected { peer });
    }

    /// Counts the end and tells the observer. The place must be free before, because the observer may look.
    pub(crate) fn on_ended(mut self, peer: Option<SocketAddr>, outcome: &ServedOutcome<Error>, bytes_received: u64) {
        self.if_dropped = IfDropped::Counted;
        let (error, stats) = (outcome.ended.as_ref().err(), &self.control.stats);
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
        let cause: Option<Cause<DecodeError, EncodeError>> = match self.if_dropped {
            IfDropped::Failed => Some(Cause::Closed),
            IfDropped::Cut => Some(Cause::Ended(Ending::Cut)),
            IfDropped::Counted => None,
        };
        if let Some(cause) = cause {
            self.control.stats.on_ended(Some(&cause), 0);
        }
        if self.task != UNLISTED {
            self.control.ended_tasks.lock().push(self.task);
        }
        self.control.serving.fetch_sub(1, Ordering::AcqRel);
        self.control.changed.notify();
    }
}
