//! A clock without a runtime.

use std::time::{Duration, Instant};

use crate::drive;

/// Measures time from when a connection was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: instant() }
    }

    /// Returns the time `time` from now. A time beyond the clock's range counts as never.
    pub(crate) fn within(&self, time: Duration) -> Duration {
        drive::Clock::now(self).saturating_add(time)
    }

    /// Returns the time that a session named.
    pub(crate) const fn at(&self, time: Duration) -> Duration {
        time
    }
}

impl drive::Clock for Clock {
    fn now(&self) -> Duration {
        instant().saturating_duration_since(self.start)
    }
}

/// Returns the system's time, unless a test simulates time.
fn instant() -> Instant {
    #[cfg(any(test, feature = "fuzz"))]
    if let Some(now) = crate::simulated::now() {
        return now;
    }
    Instant::now()
}
