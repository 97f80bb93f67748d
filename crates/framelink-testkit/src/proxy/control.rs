//! The rules of a proxy, which can change while it runs.

use std::time::{Duration, Instant};

use crate::stop::watched::Watched;

/// A direction of bytes. The enum is exhaustive.
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
    /// From the client that connected to the proxy, to its target.
    ToServer,
    /// From the target to the client.
    ToClient,
}

/// How a proxy cuts a connection. The enum is exhaustive.
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
    /// Both sides see an orderly end.
    Fin,
    /// Both sides see a reset.
    Reset,
}

/// The rules of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    pub(super) delay: Duration,
    pub(super) is_held: bool,
    pub(super) duplicates: usize,
    pub(super) cut: Option<(u64, Cut)>,
    pub(super) bytes_per_second: Option<u32>,
}

/// The rules of both directions, and the counts.
#[derive(Debug, Default)]
pub(super) struct Control(Watched<ControlState>);

#[derive(Debug, Default)]
struct ControlState {
    rules: [Rules; 2],
    passed: [u64; 2],
    is_stopped: bool,
}

impl Control {
    pub(super) fn set(&self, direction: Direction, change: impl FnOnce(&mut Rules)) {
        self.0.change(|state| change(&mut state.rules[direction.index()]));
    }

    pub(super) fn rules(&self, direction: Direction) -> Rules {
        self.0.get().rules[direction.index()]
    }

    /// Takes one of the requested duplicates, if one is left.
    pub(super) fn take_duplicate(&self, direction: Direction) -> bool {
        let mut state = self.0.get();
        let left = &mut state.rules[direction.index()].duplicates;
        let had = *left > 0;
        *left = left.saturating_sub(1);
        had
    }

    pub(super) fn add_passed(&self, direction: Direction, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.0.change(|state| state.passed[direction.index()] += bytes);
    }

    pub(super) fn passed(&self, direction: Direction) -> u64 {
        self.0.get().passed[direction.index()]
    }

    pub(super) fn wait_passed(&self, direction: Direction, bytes: u64, within: Duration) -> bool {
        self.0.wait_for(within, |state| state.passed[direction.index()] >= bytes)
    }

    /// Waits until this time, and while the direction is held. Calls `is_over` after each change.
    pub(super) fn wait_due(&self, direction: Direction, due: Instant, is_over: impl Fn() -> bool) {
        let mut state = self.0.get();
        while !state.is_stopped && !is_over() {
            let left = due.saturating_duration_since(Instant::now());
            let is_held = state.rules[direction.index()].is_held;
            if left.is_zero() && !is_held {
                return;
            }
            state = self.0.wait(state, (!is_held).then_some(left));
        }
    }

    /// Wakes all waiting threads.
    pub(super) fn wake(&self) {
        // The change takes the lock, so no thread is between its check and its wait.
        self.0.change(|_| ());
    }

    pub(super) fn stop(&self) {
        self.0.change(|state| state.is_stopped = true);
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
