//! How a pool ends.

use std::mem;
use std::task::Waker;
use std::time::Duration;

use super::{Job, PoolState};
use crate::pool::{CloseReason, PoolReport, Poolable};

/// How far it has got with its end.
#[derive(Debug)]
pub(super) enum Stage {
    Open,
    /// Nothing new is lent; whoever waits for the end.
    Closing {
        lent_before: u64,
        drainers: Vec<Waker>,
    },
    /// What comes back is dropped, for nobody is left to close it in good order.
    Over,
}

impl<M: Poolable> PoolState<M> {
    /// Lends nothing any more: those who wait are told, and what is idle is closed.
    pub(crate) fn close(&mut self, now: Duration) {
        if !self.is_open() {
            return;
        }
        self.stage = Stage::Closing { lent_before: self.lent.len() as u64, drainers: Vec::new() };
        let (wakers, given) = self.waiters.clear();
        self.wakes.extend(wakers);
        let asked = self.jobs.len();
        self.jobs.retain(|job| !matches!(job, Job::Dial));
        self.dials.forget(asked - self.jobs.len());
        for lent in self.shelf.clear().chain(given).collect::<Vec<_>>() {
            self.part(lent, CloseReason::PoolClosed, now);
        }
        self.is_roused = true;
    }

    /// Whether all that were lent when it was closed are back, and everything is closed; otherwise whom to wake then.
    pub(crate) fn poll_drained(&mut self, waker: &Waker) -> bool {
        let is_drained = self.is_drained();
        if let Stage::Closing { drainers, .. } = &mut self.stage
            && !is_drained
        {
            if !drainers.iter().any(|drainer| drainer.will_wake(waker)) {
                drainers.push(waker.clone());
            }
            return false;
        }
        true
    }

    /// Waits no more for good order. What came of closing, and by what those that are lent are cut.
    pub(crate) fn cut(&mut self, now: Duration) -> (PoolReport, Vec<M::Handle>) {
        self.close(now);
        let still = self.lent.len() as u64;
        let report = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Closing { lent_before, drainers } => {
                self.wakes.extend(drainers);
                PoolReport { finished: lent_before.saturating_sub(still), cut: still }
            }
            Stage::Open | Stage::Over => PoolReport::default(),
        };
        self.closing = 0;
        self.jobs.clear();
        self.is_roused = true;
        (report, mem::take(&mut self.lent).into_values().collect())
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    /// All are back and closed: whoever waits for that is to be woken.
    pub(super) fn wake_drainers(&mut self) {
        if self.is_drained()
            && let Stage::Closing { drainers, .. } = &mut self.stage
        {
            self.wakes.append(drainers);
        }
    }

    fn is_drained(&self) -> bool {
        self.lent.is_empty() && self.closing == 0
    }
}
