//! The time of one step of a served connection.

use std::cell::Cell;
use std::time::Duration;

use crate::drive::Clock;

/// The clock of a connection for one step: reading it again returns the same time, until [`renew`](Self::renew). A step
/// asks for the time at each check of a limit, and the system's clock costs as much as a short message.
pub(crate) struct StepClock<'c, K> {
    clock: &'c K,
    /// Whether time may pass between two readings, because reads wait.
    waits: bool,
    now: Cell<Option<Duration>>,
}

impl<'c, K> StepClock<'c, K> {
    pub(crate) const fn new(clock: &'c K, waits: bool) -> Self {
        Self { clock, waits, now: Cell::new(None) }
    }

    /// Reads the system's clock the next time, because handlers have run or a deadline has passed.
    pub(crate) fn renew(&self) {
        self.now.set(None);
    }
}

impl<K: Clock> Clock for StepClock<'_, K> {
    fn now(&self) -> Duration {
        if let Some(now) = self.now.get() {
            return now;
        }
        let now = self.clock.now();
        self.now.set((!self.waits).then_some(now));
        now
    }
}
