//! The requests of all connections of a server.

use std::sync::atomic::{AtomicU64, Ordering};

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

    pub(super) fn on_taken(&self) {
        self.taken.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn on_answered(&self, count: u64) {
        self.answered.fetch_add(count, Ordering::AcqRel);
    }

    pub(super) fn on_lost(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::AcqRel);
    }
}
