//! The end of a pool.

use std::mem;
use std::task::Waker;
use std::time::Duration;

use super::{Job, PoolState};
use crate::pool::{CloseReason, PoolReport, Poolable};

/// Whether a pool is open, is being closed, or is over.
#[derive(Debug)]
pub(super) enum PoolStage {
    Open,
    /// No connection is handed out any more. `drainers` wait for the end.
    Closing {
        lent_before: u64,
        drainers: Vec<Waker>,
    },
    /// Released connections are dropped, and not closed in good order.
    Over,
}

impl<M: Poolable> PoolState<M> {
    /// Begins the close: waiting callers fail, idle connections are closed, and no connection is handed out.
    pub(crate) fn close(&mut self, now: Duration) {
        if !self.is_open() {
            return;
        }
        self.stage = PoolStage::Closing { lent_before: self.lent.len() as u64, drainers: Vec::new() };
        let (wakers, given) = self.waiters.clear();
        self.wakes.extend(wakers);
        let asked = self.jobs.len();
        self.jobs.retain(|job| !matches!(job, Job::Dial));
        self.dials.forget(asked - self.jobs.len());
        for lent in mem::take(&mut self.idle.list).into_iter().chain(given) {
            self.part(lent, CloseReason::PoolClosed, now);
        }
        self.is_roused = true;
    }

    /// Returns whether all connections in use are released and everything is closed. If not, wakes the waker then.
    pub(crate) fn poll_drained(&mut self, waker: &Waker) -> bool {
        let is_drained = self.is_drained();
        if let PoolStage::Closing { drainers, .. } = &mut self.stage
            && !is_drained
        {
            if !drainers.iter().any(|drainer| drainer.will_wake(waker)) {
                drainers.push(waker.clone());
            }
            return false;
        }
        true
    }

    /// Ends the pool at once. Returns the report, and the handles that cut the connections still in use.
    pub(crate) fn cut(&mut self, now: Duration) -> (PoolReport, Vec<M::Handle>) {
        self.close(now);
        let still = self.lent.len() as u64;
        let report = match mem::replace(&mut self.stage, PoolStage::Over) {
            PoolStage::Closing { lent_before, drainers } => {
                self.wakes.extend(drainers);
                PoolReport { finished: lent_before.saturating_sub(still), cut: still }
            }
            PoolStage::Open | PoolStage::Over => PoolReport::default(),
        };
        self.closing = 0;
        self.jobs.clear();
        self.is_roused = true;
        (report, mem::take(&mut self.lent).into_values().collect())
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, PoolStage::Over)
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage, PoolStage::Open)
    }

    /// Wakes the drainers when all connections are released and closed.
    pub(super) fn wake_drainers(&mut self) {
        if self.is_drained()
            && let PoolStage::Closing { drainers, .. } = &mut self.stage
        {
            self.wakes.append(drainers);
        }
    }

    fn is_drained(&self) -> bool {
        self.lent.is_empty() && self.closing == 0
    }
}
