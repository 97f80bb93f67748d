//! The clock of a session: the time since the connection was made.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

use crate::drive;

/// Counts time from the moment the connection was made. It takes 8 bytes, because each connection has several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// The nanoseconds from [`epoch`] to that moment. Negative only if the time of a runtime is simulated.
    start: i64,
}

impl drive::Clock for Clock {
    fn now(&self) -> Duration {
        self.since_start(Instant::now())
    }
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: since_epoch(Instant::now()) }
    }

    /// The time from the start to `now`, or none if `now` is earlier.
    pub(super) fn since_start(&self, now: Instant) -> Duration {
        let nanos = since_epoch(now).saturating_sub(self.start);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    pub(super) fn within(&self, time: Duration) -> Instant {
        within(time)
    }

    /// The moment that the session calls `time`.
    pub(super) fn at(&self, time: Duration) -> Instant {
        let start = Duration::from_nanos(self.start.unsigned_abs());
        let moment = if self.start < 0 { epoch().checked_sub(start) } else { epoch().checked_add(start) };
        after(moment.unwrap_or_else(epoch), time)
    }
}

/// The moment from which all clocks count: when the first of them was started.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

/// The nanoseconds from the epoch to `moment`. 292 years at most.
fn since_epoch(moment: Instant) -> i64 {
    let epoch = epoch();
    let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    match moment.checked_duration_since(epoch) {
        Some(time) => nanos(time),
        None => -nanos(epoch.saturating_duration_since(moment)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_counts_from_its_start_also_if_that_is_before_the_epoch() {
        let seconds = Duration::from_secs;
        for start in [-7_000_000_000, 0, 7_000_000_000] {
            let clock = Clock { start };
            let began = clock.at(Duration::ZERO);
            assert_eq!(since_epoch(began), start);
            assert_eq!(clock.since_start(began + seconds(3)), seconds(3));
            assert_eq!(clock.at(seconds(3)), began + seconds(3));
            assert_eq!(clock.since_start(began - seconds(1)), Duration::ZERO);
        }
        assert_eq!(size_of::<Clock>(), 8);
    }
}
