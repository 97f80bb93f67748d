//! What reads the counts of a server and drains it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::drain::{Drain, DrainReport};
use super::stats::{ServerCounts, Stats};
use crate::admission::Admission;
use crate::session::Stage;

/// The counts and the drain of one server. The driver wakes the server after an order.
pub(crate) struct ServerControl {
    stats: Arc<Stats>,
    drain: Mutex<Drain>,
}

impl ServerControl {
    pub(crate) fn new(admission: Admission) -> Self {
        Self { stats: Stats::new(admission), drain: Mutex::default() }
    }

    pub(crate) const fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    pub(crate) fn counts(&self) -> ServerCounts {
        self.stats.counts()
    }

    /// The server is to end within this time. All connections are told the stage before the server is woken and looks at it.
    pub(crate) fn order(&self, now: Duration, within: Duration) {
        let mut drain = self.drain();
        drain.order(now, within, || self.stats.before());
        let stage = drain.stage(now);
        drop(drain);
        self.tell(stage);
    }

    pub(super) fn stage(&self, now: Duration) -> Stage {
        self.drain().stage(now)
    }

    pub(super) fn next_at(&self, now: Duration) -> Option<Duration> {
        self.drain().next_at(now)
    }

    /// Has every connection come to this stage.
    pub(super) fn tell(&self, stage: Stage) {
        self.stats.admission().tell(stage);
    }

    pub(super) fn report(&self) -> DrainReport {
        self.stats.report(self.drain().before())
    }

    /// A panic while it was held left nothing half done.
    fn drain(&self) -> MutexGuard<'_, Drain> {
        self.drain.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
