//! What last came or went on a connection, and what is owed on it: the cell by which both halves of a session know when it is idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Heartbeats are none. Clones are the same cell.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    /// When a message came or went last, in nanoseconds.
    at: AtomicU64,
    /// Messages that were delivered, and those of them that were answered wholly, with nothing or with a reply that is written.
    taken: AtomicU64,
    answered: AtomicU64,
    /// The sums of a server.
    tally: Option<Arc<Tally>>,
}

impl Activity {
    pub(crate) fn new(tally: Option<Arc<Tally>>) -> Self {
        let [at, taken, answered] = [const { AtomicU64::new(0) }; 3];
        Self(Arc::new(Cell { at, taken, answered, tally }))
    }

    /// A message came, or bytes of one went.
    pub(crate) fn touch(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.0.at.fetch_max(nanos, Ordering::AcqRel);
    }

    pub(crate) fn at(&self) -> Duration {
        Duration::from_nanos(self.0.at.load(Ordering::Acquire))
    }

    /// A request was delivered.
    pub(crate) fn on_taken(&self) {
        self.0.taken.fetch_add(1, Ordering::AcqRel);
        if let Some(tally) = &self.0.tally {
            tally.on_taken();
        }
    }

    /// So many requests were answered since the connection began.
    pub(crate) fn on_answered(&self, answered: u64, now: Duration) {
        let before = self.0.answered.fetch_max(answered, Ordering::AcqRel);
        if answered > before {
            self.touch(now);
            if let Some(tally) = &self.0.tally {
                tally.on_answered(answered - before);
            }
        }
    }

    /// How many requests were delivered and not answered.
    pub(crate) fn owed(&self) -> u64 {
        // In this order: a request is delivered before it is answered.
        let answered = self.0.answered.load(Ordering::Acquire);
        self.0.taken.load(Ordering::Acquire).saturating_sub(answered)
    }
}

/// What was taken and not answered when the last of a connection is gone is lost.
impl Drop for Cell {
    fn drop(&mut self) {
        let lost = self.taken.get_mut().saturating_sub(*self.answered.get_mut());
        if let Some(tally) = self.tally.as_ref().filter(|_| lost > 0) {
            tally.on_lost(lost);
        }
    }
}

/// Counts the requests of many connections, each once.
#[derive(Debug, Default)]
pub struct Tally {
    taken: AtomicU64,
    answered: AtomicU64,
    lost: AtomicU64,
}

/// What was counted at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    /// The requests that were delivered.
    pub taken: u64,
    /// Those of them that were answered.
    pub answered: u64,
    /// Those of them whose connection ended before they were answered.
    pub lost: u64,
}

impl Tally {
    /// Returns what has been counted so far.
    pub fn now(&self) -> Tallied {
        // What is later in the life of a request is read earlier, so that none seems to be over that was not begun.
        let (lost, answered) = (self.lost.load(Ordering::Acquire), self.answered.load(Ordering::Acquire));
        Tallied { taken: self.taken.load(Ordering::Acquire), answered, lost }
    }

    fn on_taken(&self) {
        self.taken.fetch_add(1, Ordering::AcqRel);
    }

    fn on_answered(&self, count: u64) {
        self.answered.fetch_add(count, Ordering::AcqRel);
    }

    fn on_lost(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::AcqRel);
    }
}
