//! What a server counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::DrainReport;
use super::drain::Before;
use crate::admission::{Admission, AdmissionCounts};
use crate::error::Cause;
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

/// The sums of one server.
pub(crate) struct Stats {
    admission: Admission,
    tally: Arc<Tally>,
    accept_failed: AtomicU64,
    discarded: AtomicU64,
    begun: AtomicU64,
    closed: Mutex<ClosedCounts>,
}

impl Stats {
    pub(crate) fn new(admission: Admission) -> Arc<Self> {
        let tally = Arc::<Tally>::default();
        admission.count_in(&tally);
        let [accept_failed, discarded, begun] = [const { AtomicU64::new(0) }; 3];
        Arc::new(Self { admission, tally, accept_failed, discarded, begun, closed: Mutex::default() })
    }

    pub(crate) const fn admission(&self) -> &Admission {
        &self.admission
    }

    pub(crate) fn on_accept_failed(&self) {
        self.accept_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection begins to be served.
    pub(crate) fn on_begun(&self) {
        self.begun.fetch_add(1, Ordering::AcqRel);
    }

    /// A connection has ended.
    pub(crate) fn on_ended<D, E>(&self, ended: Result<(), &Cause<D, E>>, discarded: usize) {
        self.discarded.fetch_add(discarded as u64, Ordering::AcqRel);
        self.closed().count(ended);
    }

    pub(crate) fn counts(&self) -> ServerCounts {
        let tallied = self.tally.now();
        ServerCounts {
            admission: self.admission.counts(),
            connections: self.admission.len(),
            accept_failed: self.accept_failed.load(Ordering::Relaxed),
            answered: tallied.answered,
            in_flight: tallied.taken.saturating_sub(tallied.answered + tallied.lost),
            lost: tallied.lost,
            discarded: self.discarded.load(Ordering::Acquire),
            closed: *self.closed(),
        }
    }

    /// What has been counted when a drain begins.
    pub(crate) fn before(&self) -> Before {
        let closed = *self.closed();
        let discarded = self.discarded.load(Ordering::Acquire);
        Before { tallied: self.tally.now(), discarded, closed: closed.all(), cut: closed.cut }
    }

    /// What a drain came to. Connections that are still served are cut with it.
    pub(crate) fn report(&self, before: &Before) -> DrainReport {
        let begun = self.begun.load(Ordering::Acquire);
        let (closed, tallied) = (*self.closed(), self.tally.now());
        let left = begun.saturating_sub(closed.all());
        let connections_cut = closed.cut - before.cut + left;
        let admission = self.admission.counts();
        DrainReport {
            answered: tallied.answered - before.tallied.answered,
            cut: tallied.taken.saturating_sub(tallied.answered + before.tallied.lost),
            discarded: self.discarded.load(Ordering::Acquire) - before.discarded,
            closed: closed.all() - before.closed - (closed.cut - before.cut),
            connections_cut,
            refused_by_access: admission.refused_by_access,
            refused_by_total: admission.refused_by_total,
            refused_by_client: admission.refused_by_client,
        }
    }

    fn closed(&self) -> MutexGuard<'_, ClosedCounts> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
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

    const fn count<D, E>(&mut self, ended: Result<(), &Cause<D, E>>) {
        let count = match ended {
            Ok(()) => &mut self.done,
            Err(cause) => match cause {
                Cause::Ended(Ending::Idle { .. }) => &mut self.idle,
                Cause::Ended(Ending::Lifetime { .. }) => &mut self.lifetime,
                Cause::Ended(Ending::Drained) => &mut self.drained,
                Cause::Ended(Ending::Dropped) => &mut self.dropped,
                Cause::Ended(Ending::Memory { .. } | Ending::ClientMemory { .. }) => &mut self.memory,
                Cause::Ended(Ending::Cut) => &mut self.cut,
                Cause::TimedOut { .. } | Cause::NoRoom { .. } => &mut self.timed_out,
                Cause::Fault(_) | Cause::Preamble(_) | Cause::ProxyHeader(_) => &mut self.bad_bytes,
                Cause::TooManyEmpty { .. } => &mut self.too_many_empty,
                Cause::HandlerPanicked => &mut self.panicked,
                Cause::HandlerFailed(_) => &mut self.handler_failed,
                Cause::Refused(_) | Cause::Heartbeat(_) => &mut self.bad_reply,
                Cause::TooSlow => &mut self.too_slow,
                Cause::Dead(_) => &mut self.dead,
                _ => &mut self.failed,
            },
        };
        *count += 1;
    }
}
