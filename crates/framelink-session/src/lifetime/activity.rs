//! The activity of a connection: the cell from which both halves of a session learn when the connection is idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Heartbeats do not count as activity. Clones share one cell.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    /// When a message was received or sent last, in nanoseconds.
    at: AtomicU64,
    /// Messages that were delivered.
    taken: AtomicU64,
    /// Delivered messages that are answered: with no reply, or with a reply that is written completely.
    answered: AtomicU64,
    /// The counters of the server.
    tally: Option<Arc<Tally>>,
}

impl Activity {
    pub(crate) fn new(tally: Option<Arc<Tally>>) -> Self {
        let [at, taken, answered] = [const { AtomicU64::new(0) }; 3];
        Self(Arc::new(Cell { at, taken, answered, tally }))
    }

    /// Records that a message was received, or that bytes of a message were written.
    pub(crate) fn touch(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        // The messages of one read have one time, and a load is cheaper than an update.
        if self.0.at.load(Ordering::Acquire) < nanos {
            self.0.at.fetch_max(nanos, Ordering::AcqRel);
        }
    }

    pub(crate) fn at(&self) -> Duration {
        Duration::from_nanos(self.0.at.load(Ordering::Acquire))
    }

    /// Records that requests were delivered.
    pub(crate) fn on_taken(&self, count: u64) {
        self.0.taken.fetch_add(count, Ordering::AcqRel);
        if let Some(tally) = &self.0.tally {
            tally.on_taken(count);
        }
    }

    /// Records the number of requests that were answered since the connection began.
    pub(crate) fn on_answered(&self, answered: u64, now: Duration) {
        let before = self.0.answered.fetch_max(answered, Ordering::AcqRel);
        if answered > before {
            self.touch(now);
            if let Some(tally) = &self.0.tally {
                tally.on_answered(answered - before);
            }
        }
    }

    /// Returns how many requests were delivered and are not answered.
    pub(crate) fn owed(&self) -> u64 {
        // The order of the two loads matters: a request is delivered before it is answered.
        let answered = self.0.answered.load(Ordering::Acquire);
        self.0.taken.load(Ordering::Acquire).saturating_sub(answered)
    }
}

/// Requests that were delivered and not answered count as lost when the connection is dropped.
impl Drop for Cell {
    fn drop(&mut self) {
        let lost = self.taken.get_mut().saturating_sub(*self.answered.get_mut());
        if let Some(tally) = self.tally.as_ref().filter(|_| lost > 0) {
            tally.on_lost(lost);
        }
    }
}

/// Counts the requests of many connections.
#[derive(Debug, Default)]
pub struct Tally {
    taken: AtomicU64,
    answered: AtomicU64,
    lost: AtomicU64,
}

/// The counts of a [`Tally`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Requests that were delivered.
    pub taken: u64,
    /// Delivered requests that were answered.
    pub answered: u64,
    /// Delivered requests whose connection ended before they were answered.
    pub lost: u64,
}

impl Tally {
    /// Returns the counts so far.
    pub fn now(&self) -> Tallied {
        // Later states of a request are read first, so that no more requests seem to be over than were begun.
        let (lost, answered) = (self.lost.load(Ordering::Acquire), self.answered.load(Ordering::Acquire));
        Tallied { taken: self.taken.load(Ordering::Acquire), answered, lost }
    }

    fn on_taken(&self, count: u64) {
        self.taken.fetch_add(count, Ordering::AcqRel);
    }

    fn on_answered(&self, count: u64) {
        self.answered.fetch_add(count, Ordering::AcqRel);
    }

    fn on_lost(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::AcqRel);
    }
}
