//! A clock that only moves when a test says so, for the drivers that read the clock of the system.

#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) mod flag;

use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    /// When the simulation began, and how much time has passed since.
    static CLOCK: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// While it lives, this thread has a clock that stands still.
pub(crate) struct Simulation(());

impl Simulation {
    pub(crate) fn begin() -> Self {
        CLOCK.set(Some((Instant::now(), Duration::ZERO)));
        Self(())
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        CLOCK.set(None);
    }
}

/// The time, where it is simulated.
pub(crate) fn now() -> Option<Instant> {
    CLOCK.get().map(|(began, elapsed)| began + elapsed)
}

/// How much time has passed since the simulation began.
pub(crate) fn elapsed() -> Duration {
    CLOCK.get().map_or(Duration::ZERO, |(_, elapsed)| elapsed)
}

/// Lets time pass, where it is simulated.
pub(crate) fn advance(time: Duration) {
    CLOCK.set(CLOCK.get().map(|(began, elapsed)| (began, elapsed + time)));
}

#[cfg(all(test, feature = "tokio"))]
thread_local! {
    static AT_EACH_TURN: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Has this done wherever another task may go on: before a lock is taken that tasks share.
#[cfg(all(test, feature = "tokio"))]
pub(crate) fn at_each_turn(work: Option<fn()>) {
    AT_EACH_TURN.set(work);
}

/// Another task may go on here.
#[cfg(all(test, feature = "tokio"))]
pub(crate) fn turn() {
    if let Some(work) = AT_EACH_TURN.get() {
        work();
    }
}
