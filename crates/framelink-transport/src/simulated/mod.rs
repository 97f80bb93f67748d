//! A simulated clock for tests of the drivers that read the system's clock. It moves only when a test advances it.

pub(crate) mod flag;

use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    /// When the simulation began, and how much time has passed since.
    static CLOCK: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Gives this thread a clock that stands still, until this guard is dropped.
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

/// Returns the simulated time, if this thread has a simulation.
pub(crate) fn now() -> Option<Instant> {
    CLOCK.get().map(|(began, elapsed)| began + elapsed)
}

/// Returns how much time has passed since the simulation began.
pub(crate) fn elapsed() -> Duration {
    CLOCK.get().map_or(Duration::ZERO, |(_, elapsed)| elapsed)
}

/// Advances the simulated time.
pub(crate) fn advance(time: Duration) {
    CLOCK.set(CLOCK.get().map(|(began, elapsed)| (began, elapsed + time)));
}

#[cfg(all(test, feature = "tokio"))]
thread_local! {
    static AT_EACH_TURN: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Sets a function to call wherever another task may go on: before a lock is taken that tasks share.
#[cfg(all(test, feature = "tokio"))]
pub(crate) fn at_each_turn(work: Option<fn()>) {
    AT_EACH_TURN.set(work);
}

/// Marks a place where another task may go on.
#[cfg(all(test, feature = "tokio"))]
pub(crate) fn turn() {
    if let Some(work) = AT_EACH_TURN.get() {
        work();
    }
}
