//! What a proxy is to do, changed while it runs.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which way bytes go. Complete by nature.
///
/// ```
/// use framelink_testkit::{Direction, Proxy};
/// use std::time::Duration;
///
/// let proxy = Proxy::start("127.0.0.1:7000")?;
/// proxy.delay(Direction::ToServer, Duration::from_millis(200));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From who connected to the proxy, to its target.
    ToServer,
    /// From the target, to who connected.
    ToClient,
}

/// How a proxy cuts a connection. Complete by nature.
///
/// ```
/// use framelink_testkit::{Cut, Direction, Proxy};
///
/// let proxy = Proxy::start("127.0.0.1:7000")?;
/// proxy.cut_after(Direction::ToClient, 100, Cut::Reset);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// Both sides see an end in good order.
    Fin,
    /// Both sides see a reset.
    Reset,
}

/// What holds for one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    pub(super) delay: Duration,
    pub(super) is_held: bool,
    pub(super) duplicates: usize,
    pub(super) cut: Option<(u64, Cut)>,
    pub(super) bytes_per_second: Option<u32>,
}

/// The rules of both directions, and what passed.
#[derive(Debug, Default)]
pub(super) struct Control {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rules: [Rules; 2],
    passed: [u64; 2],
    is_stopped: bool,
}

impl Control {
    pub(super) fn set(&self, direction: Direction, change: impl FnOnce(&mut Rules)) {
        change(&mut self.lock().rules[direction.index()]);
        self.changed.notify_all();
    }

    pub(super) fn rules(&self, direction: Direction) -> Rules {
        self.lock().rules[direction.index()]
    }

    /// Takes one of the duplicates that were asked for, if one is left.
    pub(super) fn take_duplicate(&self, direction: Direction) -> bool {
        let mut state = self.lock();
        let left = &mut state.rules[direction.index()].duplicates;
        let had = *left > 0;
        *left = left.saturating_sub(1);
        had
    }

    pub(super) fn add_passed(&self, direction: Direction, bytes: usize) {
        self.lock().passed[direction.index()] += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.changed.notify_all();
    }

    pub(super) fn passed(&self, direction: Direction) -> u64 {
        self.lock().passed[direction.index()]
    }

    pub(super) fn wait_passed(&self, direction: Direction, bytes: u64, within: Duration) -> bool {
        let too_few = |state: &mut State| state.passed[direction.index()] < bytes;
        let waited = self.changed.wait_timeout_while(self.lock(), within, too_few);
        waited.unwrap_or_else(PoisonError::into_inner).0.passed[direction.index()] >= bytes
    }

    /// Waits until this moment, and as long as the direction is held. `is_over` is asked whenever something changes.
    pub(super) fn wait_due(&self, direction: Direction, due: Instant, is_over: impl Fn() -> bool) {
        let mut state = self.lock();
        while !state.is_stopped && !is_over() {
            let left = due.saturating_duration_since(Instant::now());
            let is_held = state.rules[direction.index()].is_held;
            if left.is_zero() && !is_held {
                return;
            }
            state = if is_held {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }

    /// Has all who wait look again.
    pub(super) fn wake(&self) {
        // With the lock held nobody is between looking and waiting.
        let _state = self.lock();
        self.changed.notify_all();
    }

    pub(super) fn stop(&self) {
        self.lock().is_stopped = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Direction {
    pub(super) const fn index(self) -> usize {
        match self {
            Self::ToServer => 0,
            Self::ToClient => 1,
        }
    }
}
