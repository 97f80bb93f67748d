//! Time, as sessions take it.

use std::time::Duration;

use tokio::time::Instant;

/// Counts from the moment a connection was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The moment that a session named.
    pub(super) fn at(&self, time: Duration) -> Instant {
        self.start + time
    }
}
