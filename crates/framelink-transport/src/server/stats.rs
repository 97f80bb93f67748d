//! What a server counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::admission::{Admission, AdmissionCounts};
use crate::error::Cause;
use crate::net::lock::Lock;
use crate::session::{Ending, Tally};

/// What a server has counted, at one moment while it runs.
///
/// ```
/// let counts = framelink_transport::ServerCounts::default();
/// assert_eq!((counts.answered, counts.closed.panicked, counts.admission.accepted), (0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerCounts {
    /// Who was let in, and who was not.
    pub admission: AdmissionCounts,
    /// How many connections have a place now.
    pub connections: usize,
    /// How often the system could not accept, or a connection could not be begun to be served.
    pub accept_failed: u64,
    /// Requests that were answered wholly: with nothing, or with a reply that the system took whole.
    pub answered: u64,
    /// Requests that were taken and are not answered yet.
    pub in_flight: u64,
    /// Requests that were taken, and whose connection ended before they were answered.
    pub lost: u64,
    /// Messages that came on connections that had ended already.
    pub discarded: u64,
    /// Connections that have ended, by why.
    pub closed: ClosedCounts,
}

/// Connections that have ended, each counted once.
///
/// ```
/// assert_eq!(framelink_transport::ClosedCounts::default().all(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClosedCounts {
    /// The peer closed, or the one exchange of a short connection was over.
    pub done: u64,
    /// Nothing came or went for too long.
    pub idle: u64,
    /// They were there for as long as they may be.
    pub lifetime: u64,
    /// A drain ended them at a quiet moment.
    pub drained: u64,
    /// They made room for newer ones.
    pub dropped: u64,
    /// They held too much of the server's memory.
    pub memory: u64,
    /// A drain ended them when its time was over.
    pub cut: u64,
    /// A message began too late or took too long, or a reply was not taken in time.
    pub timed_out: u64,
    /// What came is no message, or a proxy put a header before it.
    pub bad_bytes: u64,
    /// More empty messages came than may.
    pub too_many_empty: u64,
    /// A handler panicked.
    pub panicked: u64,
    /// A handler failed.
    pub handler_failed: u64,
    /// A reply could not be sent with the framing.
    pub bad_reply: u64,
    /// The peer read too slowly for what was pushed to it.
    pub too_slow: u64,
    /// The peer showed no life.
    pub dead: u64,
    /// The connection failed: a reset, say.
    pub failed: u64,
}

/// What came of draining a server. Each request is counted once.
///
/// ```
/// use framelink_transport::DrainReport;
///
/// assert!(DrainReport::default().is_clean(), "nothing was in flight");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// So many requests were answered wholly since it began: with nothing, or with a reply that the system took whole.
    pub answered: u64,
    /// So many were taken, and were not when the time was over.
    pub cut: u64,
    /// So many messages came on connections that had ended already, and were not taken.
    pub discarded: u64,
    /// So many connections ended since it began, each at a quiet moment or by its own fault.
    pub closed: u64,
    /// So many were cut when the time was over.
    pub connections_cut: u64,
    /// So many connections were refused since the server was bound because their client may not connect. Refusals during the drain are
    /// counted as well, here and below. They are no reason why a drain is not [clean](Self::is_clean).
    pub refused_by_access: u64,
    /// So many were refused, since the server was bound, because there were as many connections as there may be.
    pub refused_by_total: u64,
    /// So many were refused, since the server was bound, because there were as many of their client.
    pub refused_by_client: u64,
}

impl DrainReport {
    /// Whether nothing was cut.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.cut == 0 && self.connections_cut == 0
    }

    /// All that were refused since the server was bound.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused_by_access + self.refused_by_total + self.refused_by_client
    }
}

/// The sums of one server.
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

    /// A connection has ended, by this cause unless it was done.
    pub(super) fn on_ended<D, E>(&self, cause: Option<&Cause<D, E>>, discarded: usize) {
        self.discarded.fetch_add(discarded as u64, Ordering::AcqRel);
        self.closed.lock().count(cause);
    }

    pub(crate) fn counts(&self) -> ServerCounts {
        // A connection that is counted as ended has its requests counted before.
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

    /// What a drain came to. Connections that are still served are cut with it.
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
    /// All of them.
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
            Some(Cause::Fault(_) | Cause::Preamble(_) | Cause::ProxyHeader(_)) => &mut self.bad_bytes,
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
