//! Decides how many connections are opened, and when.

use std::sync::Arc;
use std::time::Duration;

use crate::error::ConnectError;
use crate::upstream::pause_before;
use crate::upstream::random::Random;

/// The dials that are under way, and when the next one may begin.
#[derive(Debug, Default)]
pub(super) struct Dials {
    pub(super) under_way: u32,
    /// How many dials have failed since the last success.
    failed: u32,
    /// Failed dials since the last useful exchange. A connection that ended before it was used counts as failed.
    pub(super) useless: u32,
    /// Nothing is dialled before this time.
    pub(super) not_before: Duration,
    pub(super) last_failure: Option<Arc<ConnectError>>,
    /// Whether a caller wanted a connection and did not wait.
    pub(super) is_wanted: bool,
    /// How many connections were closed to be replaced.
    pub(super) owed: u32,
    random: Random,
}

impl Dials {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), ..Self::default() }
    }

    /// Returns how many dials should be under way, if `missing` connections lack to `min` and `waiting` callers wait.
    pub(super) fn wanted(&self, missing: u32, waiting: usize) -> u32 {
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        missing.max(waiting).max(self.owed).max(u32::from(self.is_wanted))
    }

    /// Begins the missing dials. While dials fail there is one at a time, after a pause; `Err` is the end of the pause.
    pub(super) fn begin(&mut self, wanted: u32, now: Duration) -> Result<u32, Duration> {
        let wanted = if self.failed > 0 { wanted.min(1) } else { wanted };
        let missing = wanted.saturating_sub(self.under_way);
        if missing > 0 && now < self.not_before {
            return Err(self.not_before);
        }
        self.under_way += missing;
        Ok(missing)
    }

    /// Notes that a connection could not be opened, or ended before it was used.
    pub(super) fn failed(&mut self, now: Duration, why: Option<Arc<ConnectError>>) {
        self.useless = self.useless.saturating_add(1);
        self.failed = self.useless;
        self.not_before = now.saturating_add(pause_before(self.failed.saturating_add(1)));
        self.last_failure = why.or_else(|| self.last_failure.take());
        if self.are_over() {
            self.not_before = Duration::MAX;
        }
        // No connections are dialled in advance for now.
        self.is_wanted = false;
        self.owed = 0;
    }

    /// Returns whether no connection will ever be dialled again.
    pub(super) fn are_over(&self) -> bool {
        self.last_failure.as_ref().is_some_and(|error| error.is_final())
    }

    pub(super) fn succeeded(&mut self) {
        self.failed = 0;
        self.last_failure = None;
        self.is_wanted = false;
        self.owed = self.owed.saturating_sub(1);
    }

    /// Notes that this many dials are no longer under way.
    pub(super) fn forget(&mut self, begun: usize) {
        self.under_way = self.under_way.saturating_sub(u32::try_from(begun).unwrap_or(u32::MAX));
    }

    /// Returns the time, shortened at random by up to a tenth.
    pub(super) fn shorter(&mut self, time: Duration) -> Duration {
        time - self.random.up_to(time / 10)
    }
}
