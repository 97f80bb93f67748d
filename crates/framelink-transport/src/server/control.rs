//! The state that a server shares with its handles: its statistics and its drain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::drain::Drain;
use super::stats::Stats;
use crate::admission::Admission;
use crate::drive::Clock as _;
use crate::driver::{Driver, Notify as _};
use crate::net::lock::Lock;
use crate::session::NoticeStage;

/// The state that a server shares with its handles and with the connections that it serves.
pub(crate) struct ServerControl<D: Driver> {
    pub(crate) stats: Stats,
    pub(super) drain: Lock<Drain>,
    clock: D::Clock,
    /// How many connections are served.
    pub(super) serving: AtomicUsize,
    /// The numbers of the tasks whose connections have ended, until the server's list of tasks knows.
    pub(crate) ended_tasks: Lock<Vec<u32>>,
    /// Notified when a connection has ended, and when a drain is ordered.
    pub(super) changed: D::Notify,
}

impl<D: Driver> ServerControl<D> {
    pub(crate) fn new(admission: Admission) -> Arc<Self> {
        let (stats, drain, serving) = (Stats::new(admission), Lock::default(), AtomicUsize::new(0));
        let (ended_tasks, changed) = (Lock::default(), D::Notify::default());
        Arc::new(Self { stats, drain, clock: D::clock(), serving, ended_tasks, changed })
    }

    /// Orders the server to end within this time. Connections are told the stage before the server wakes up.
    pub(crate) fn order(&self, within: Duration) {
        let now = self.clock.now();
        let mut drain = self.drain.lock();
        drain.order(now, within, || self.stats.counts());
        let stage = drain.stage(now);
        drop(drain);
        self.stats.admission.tell(stage);
        self.changed.notify();
    }

    pub(super) async fn ordered(&self) {
        loop {
            let version = self.changed.version();
            if self.stage() != NoticeStage::Open {
                return;
            }
            self.changed.wait(version, None).await;
        }
    }

    /// Waits for `time`, or until the next stage of a drain.
    pub(super) async fn pause(&self, time: Duration) {
        let until = self.clock.now().saturating_add(time);
        let before = self.stage();
        loop {
            let version = self.changed.version();
            let now = self.clock.now();
            let until = self.drain.lock().next_at(now).map_or(until, |next_at| until.min(next_at));
            if until <= now || self.stage() != before {
                return;
            }
            self.changed.wait(version, Some(D::within(until - now))).await;
        }
    }

    /// Tells the connections each stage of the drain, until all have ended or the time is over.
    pub(super) async fn end(&self) {
        /// How long connections that were cut may take to end after the time of a drain.
        const GRACE: Duration = Duration::from_millis(250);
        let (mut told, mut cut_at) = (NoticeStage::Open, None);
        loop {
            let version = self.changed.version();
            if self.serving.load(Ordering::Acquire) == 0 {
                return;
            }
            let (now, stage) = (self.clock.now(), self.stage());
            if stage > told {
                told = stage;
                self.stats.admission.tell(stage);
            }
            let next_at = self.drain.lock().next_at(now);
            // A handler that does not return cannot be ended. It is left alone.
            let until = next_at.unwrap_or_else(|| *cut_at.get_or_insert(now.saturating_add(GRACE)));
            if until <= now {
                return;
            }
            self.changed.wait(version, Some(D::within(until - now))).await;
        }
    }

    pub(super) fn stage(&self) -> NoticeStage {
        self.drain.lock().stage(self.clock.now())
    }
}
