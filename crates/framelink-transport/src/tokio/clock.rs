//! Time, as sessions take it.

use std::time::Duration;

use tokio::time::Instant;

use crate::drive;

/// Counts from the moment a connection was made.
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

    /// So long from now.
    pub(super) fn within(&self, time: Duration) -> Instant {
        within(time)
    }

    /// The moment that a session named.
    pub(super) fn at(&self, time: Duration) -> Instant {
        after(self.start, time)
    }
}

/// So long from now.
pub(super) fn within(time: Duration) -> Instant {
    after(Instant::now(), time)
}

/// A time that no clock can count to is as good as never.
fn after(start: Instant, time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(100 * 365 * 86400);
    start.checked_add(time).unwrap_or_else(|| start + NEVER)
}
