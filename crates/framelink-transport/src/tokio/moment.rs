//! The time of one turn of a task.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use super::clock::Clock;
use crate::drive;

/// A moment for the sessions of several connections. The system's clock is read when one of them first asks.
#[derive(Debug, Default)]
pub(super) struct Moment(Cell<Option<Instant>>);

impl Moment {
    /// Returns the clock of a session, stopped at this moment.
    pub(super) const fn of(&self, clock: Clock) -> StoppedClock<'_> {
        StoppedClock { clock, moment: self }
    }

    fn get(&self) -> Instant {
        let now = self.0.get().unwrap_or_else(Instant::now);
        self.0.set(Some(now));
        now
    }
}

/// The clock of a session, stopped at a moment.
#[derive(Debug)]
pub(super) struct StoppedClock<'m> {
    clock: Clock,
    moment: &'m Moment,
}

impl drive::Clock for StoppedClock<'_> {
    fn now(&self) -> Duration {
        self.clock.since_start(self.moment.get())
    }
}
