//! Time, where no runtime keeps it.

use std::time::{Duration, Instant};

use crate::drive;

/// Counts from the moment a connection was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: instant() }
    }

    /// So long from now. A time that no clock can count to is as good as never.
    pub(crate) fn within(&self, time: Duration) -> Duration {
        drive::Clock::now(self).saturating_add(time)
    }

    /// The moment that a session named.
    pub(crate) const fn at(&self, time: Duration) -> Duration {
        time
    }
}

impl drive::Clock for Clock {
    fn now(&self) -> Duration {
        instant().saturating_duration_since(self.start)
    }
}

/// The clock of the system, unless a test has one of its own.
fn instant() -> Instant {
    #[cfg(any(test, feature = "fuzz"))]
    if let Some(now) = crate::simulated::now() {
        return now;
    }
    Instant::now()
}
