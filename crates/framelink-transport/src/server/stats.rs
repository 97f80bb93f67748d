//! The statistics of a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::admission::{Admission, AdmissionCounts};
use crate::error::Cause;
use crate::net::lock::Lock;
use crate::session::{Ending, Tally};

/// The counts of a server at one moment while it runs.
///
/// ```
/// let counts = framelink_transport::ServerCounts::default();
/// assert_eq!((counts.answered, counts.closed.panicked, counts.admission.accepted), (0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerCounts {
    /// Which connections were let in, and which were refused.
    pub admission: AdmissionCounts,
    /// How many connections have a place now.
    pub connections: usize,
    /// How often the system could not accept a connection, or could not start to serve one.
    pub accept_failed: u64,
    /// Requests that were wholly answered: with nothing, or with a reply that the system took whole.
    pub answered: u64,
    /// Requests that were taken and are not answered yet.
    pub in_flight: u64,
    /// Requests that were taken and whose connection ended before they were answered.
    pub lost: u64,
    /// Messages that arrived on connections that had ended already.
    pub discarded: u64,
    /// Connections that have ended, by reason.
    pub closed: ClosedCounts,
}

/// Connections that have ended, each counted once, by reason.
///
/// ```
/// assert_eq!(framelink_transport::ClosedCounts::default().all(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClosedCounts {
    /// The peer closed, or the one exchange of a short connection was over.
    pub done: u64,
    /// Nothing was sent or received for too long.
    pub idle: u64,
    /// The connection reached its maximum lifetime.
    pub lifetime: u64,
    /// A drain ended the connection at a quiet moment.
    pub drained: u64,
    /// The connection made room for a newer one.
    pub dropped: u64,
    /// The connection held too much of the server's memory.
    pub memory: u64,
    /// A drain cut the connection when its time was over.
    pub cut: u64,
    /// A message began too late or took too long, or a reply was not taken in time.
    pub timed_out: u64,
    /// The peer sent bytes that are no message, or a proxy put a header before them.
    pub bad_bytes: u64,
    /// The peer sent more empty messages than allowed.
    pub too_many_empty: u64,
    /// A handler panicked.
    pub panicked: u64,
    /// A handler failed.
    pub handler_failed: u64,
    /// A reply could not be sent with the framing.
    pub bad_reply: u64,
    /// The peer read too slowly for the messages that were pushed to it.
    pub too_slow: u64,
    /// Heartbeats showed that the peer was dead.
    pub dead: u64,
    /// The connection failed, for example by a reset.
    pub failed: u64,
}

/// The result of draining a server. Each request is counted once.
///
/// ```
/// use framelink_transport::DrainReport;
///
/// assert!(DrainReport::default().is_clean(), "nothing was in flight");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// How many requests were wholly answered since the drain began: with nothing, or with a reply that the system took
    /// whole.
    pub answered: u64,
    /// How many requests were taken, and not answered when the time was over.
    pub cut: u64,
    /// How many messages arrived on connections that had ended already, and were not taken.
    pub discarded: u64,
    /// How many connections ended since the drain began, each at a quiet moment or by its own fault.
    pub closed: u64,
    /// How many connections were cut when the time was over.
    pub connections_cut: u64,
    /// How many connections were refused because their client may not connect. The counts of refusals begin when the
    /// server was bound and include the drain. A drain with refusals can still be [clean](Self::is_clean).
    pub refused_by_access: u64,
    /// How many connections were refused because the server had its maximum number of connections.
    pub refused_by_total: u64,
    /// How many connections were refused because their client had its maximum number of connections.
    pub refused_by_client: u64,
}

impl DrainReport {
    /// Returns whether nothing was cut.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.cut == 0 && self.connections_cut == 0
    }

    /// Returns how many connections were refused since the server was bound.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused_by_access + self.refused_by_total + self.refused_by_client
    }
}

pub(crate) struct Stats {
    pub(crate) admission: Admission,
    tally: Arc<Tally>,
    pub(super) accept_failed: AtomicU64,
    discarded: AtomicU64,
    /// Connections that began to be served.
    pub(super) begun: AtomicU64,
    closed: Lock<ClosedCounts>,
}

impl Stats {
    pub(super) fn new(admission: Admission) -> Self {
        let tally = Arc::<Tally>::default();
        admission.count_in(&tally);
        let [accept_failed, discarded, begun] = [const { AtomicU64::new(0) }; 3];
        Self { admission, tally, accept_failed, discarded, begun, closed: Lock::default() }
    }

    /// Counts the end of a connection. `cause` is `None` if the connection was done.
    pub(super) fn on_ended<D, E>(&self, cause: Option<&Cause<D, E>>, discarded: usize) {
        self.discarded.fetch_add(discarded as u64, Ordering::AcqRel);
        self.closed.lock().count(cause);
    }

    pub(crate) fn counts(&self) -> ServerCounts {
        // Read in this order, because the requests of a connection are counted before its end.
        let (closed, tallied) = (*self.closed.lock(), self.tally.now());
        ServerCounts {
            admission: self.admission.counts(),
            connections: self.admission.len(),
            accept_failed: self.accept_failed.load(Ordering::Relaxed),
            answered: tallied.answered,
            in_flight: tallied.taken.saturating_sub(tallied.answered + tallied.lost),
            lost: tallied.lost,
            discarded: self.discarded.load(Ordering::Acquire),
            closed,
        }
    }

    /// Returns the result of a drain. Connections that are still served count as cut.
    pub(super) fn report(&self, before: &ServerCounts) -> DrainReport {
        let begun = self.begun.load(Ordering::Acquire);
        let now = self.counts();
        let cut = now.closed.cut - before.closed.cut;
        DrainReport {
            answered: now.answered - before.answered,
            cut: now.in_flight + now.lost - before.lost,
            discarded: now.discarded - before.discarded,
            closed: now.closed.all() - before.closed.all() - cut,
            connections_cut: cut + begun.saturating_sub(now.closed.all()),
            refused_by_access: now.admission.refused_by_access,
            refused_by_total: now.admission.refused_by_total,
            refused_by_client: now.admission.refused_by_client,
        }
    }
}

impl ClosedCounts {
    /// Returns the total.
    #[must_use]
    pub const fn all(&self) -> u64 {
        let ours = self.idle + self.lifetime + self.drained + self.dropped + self.memory + self.cut;
        let theirs = self.timed_out + self.bad_bytes + self.too_many_empty + self.too_slow + self.dead + self.failed;
        self.done + ours + theirs + self.panicked + self.handler_failed + self.bad_reply
    }

    const fn count<D, E>(&mut self, cause: Option<&Cause<D, E>>) {
        let count = match cause {
            None => &mut self.done,
            Some(Cause::Ended(Ending::Idle { .. })) => &mut self.idle,
            Some(Cause::Ended(Ending::Lifetime { .. })) => &mut self.lifetime,
            Some(Cause::Ended(Ending::Drained)) => &mut self.drained,
            Some(Cause::Ended(Ending::Dropped)) => &mut self.dropped,
            Some(Cause::Ended(Ending::Memory { .. } | Ending::ClientMemory { .. })) => &mut self.memory,
            Some(Cause::Ended(Ending::Cut)) => &mut self.cut,
            Some(Cause::TimedOut { .. } | Cause::NoRoom { .. }) => &mut self.timed_out,
            Some(Cause::Fault(_) | Cause::Preamble(_) | Cause::Proxy(_) | Cause::ProxyHeader(_)) => &mut self.bad_bytes,
            Some(Cause::TooManyEmpty { .. }) => &mut self.too_many_empty,
            Some(Cause::HandlerPanicked) => &mut self.panicked,
            Some(Cause::HandlerFailed(_)) => &mut self.handler_failed,
            Some(Cause::Refused(_) | Cause::Heartbeat(_)) => &mut self.bad_reply,
            Some(Cause::TooSlow) => &mut self.too_slow,
            Some(Cause::Dead(_)) => &mut self.dead,
            Some(_) => &mut self.failed,
        };
        *count += 1;
    }
}
