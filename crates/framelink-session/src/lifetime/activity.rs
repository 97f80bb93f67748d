//! The activity of a connection: the cell from which both halves of a session learn when the connection is idle.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use framelink_heartbeat::Moment;

use crate::lifetime::notice::Notice;

/// Heartbeats do not count as activity. Clones share one cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Cell>);

#[derive(Default)]
struct Cell {
    /// When a message was received or sent last, in nanoseconds.
    at: AtomicU64,
    /// Messages that were delivered.
    taken: AtomicU64,
    /// Delivered messages that are answered: with no reply, or with a reply that is written completely.
    answered: AtomicU64,
    /// The counters of the server.
    tally: Option<Arc<Tally>>,
    notice: Option<Arc<Notice>>,
    /// Dropped with the last half of the session.
    held: Option<Box<dyn Any + Send + Sync>>,
}

impl Activity {
    /// Sets what the cell has from its start. No effect once the cell is shared.
    pub(super) fn set_notice(&mut self, notice: Arc<Notice>) {
        if let Some(cell) = Arc::get_mut(&mut self.0) {
            cell.notice = Some(notice);
        }
    }

    /// See [`set_notice`](Self::set_notice).
    pub(super) fn set_tally(&mut self, tally: Option<Arc<Tally>>) {
        if let Some(cell) = Arc::get_mut(&mut self.0) {
            cell.tally = tally;
        }
    }

    /// See [`set_notice`](Self::set_notice).
    pub(super) fn set_held(&mut self, held: Box<dyn Any + Send + Sync>) {
        if let Some(cell) = Arc::get_mut(&mut self.0) {
            cell.held = Some(held);
        }
    }

    /// Returns the notice that ends the connection.
    #[inline]
    pub(crate) fn notice(&self) -> Option<&Arc<Notice>> {
        self.0.notice.as_ref()
    }

    /// Records that a message was received, or that bytes of a message were written.
    #[inline]
    pub(crate) fn touch(&self, now: Duration) {
        self.touch_at(Moment::at(now));
    }

    /// Like `touch`, for a time that is counted in nanoseconds already, so that each message costs a comparison.
    #[inline]
    pub(crate) fn touch_at(&self, now: Moment) {
        let nanos = now.since(Moment::START);
        // The messages of one read have one time, and a load is cheaper than an update.
        if self.0.at.load(Ordering::Acquire) < nanos {
            self.0.at.fetch_max(nanos, Ordering::AcqRel);
        }
    }

    /// Returns when a message was received or sent last.
    #[inline]
    pub(crate) fn at(&self) -> Moment {
        Moment::START.after(self.0.at.load(Ordering::Acquire))
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

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, taken, answered, notice, .. } = self;
        let mut cell = f.debug_struct("Activity");
        cell.field("at", at)
            .field("taken", taken)
            .field("answered", answered)
            .field("notice", notice)
            .finish_non_exhaustive()
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
