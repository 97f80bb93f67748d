//! The states of an upstream, for threads.

use std::time::{Duration, Instant};

use super::State;
use super::watch::Unseen;
use crate::driver::{ThreadNotify, at_once};

/// The states of an upstream, one after the other. A slow reader misses outdated states, but never the newest.
/// ```no_run
/// # fn example(upstream: framelink_transport::blocking::Upstream) {
/// use std::time::Duration;
///
/// let mut states = upstream.states();
/// while let Some(state) = states.changed_within(Duration::from_secs(3600)) {
///     println!("{state:?}");
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct States(pub(crate) Unseen<ThreadNotify>);

impl States {
    /// Returns the newest state.
    pub fn current(&self) -> State {
        self.0.current()
    }

    /// Waits for a state other than the last one seen. `None` after `limit`, or when the upstream is gone.
    pub fn changed_within(&mut self, limit: Duration) -> Option<State> {
        at_once(self.0.next(Instant::now().checked_add(limit)))
    }
}
