//! The clock of a session: the time since the connection was made.

use std::time::Duration;

use tokio::time::Instant;

use crate::drive;

/// Counts time from the moment the connection was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl drive::Clock for Clock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time from the start to `now`, or none if `now` is earlier.
    pub(super) fn since_start(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start)
    }

    pub(super) fn within(&self, time: Duration) -> Instant {
        within(time)
    }

    /// The moment that the session calls `time`.
    pub(super) fn at(&self, time: Duration) -> Instant {
        after(self.start, time)
    }
}

/// The moment `time` from now.
pub(super) fn within(time: Duration) -> Instant {
    after(Instant::now(), time)
}

/// Adds `time` to `start`. A sum that the clock cannot represent becomes 100 years.
fn after(start: Instant, time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(100 * 365 * 86400);
    start.checked_add(time).unwrap_or_else(|| start + NEVER)
}
