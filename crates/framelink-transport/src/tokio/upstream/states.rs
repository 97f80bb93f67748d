//! The sequence of states of an upstream.

use crate::tokio::driver::TaskNotify;
use crate::upstream::{State, Unseen};

/// The states of an upstream, one after the other. A slow reader misses older states, but never the newest one.
///
/// ```no_run
/// # async fn example(upstream: framelink_transport::tokio::Upstream) {
/// use framelink_transport::upstream::State;
///
/// let mut states = upstream.states();
/// while let Some(state) = states.changed().await {
///     if let State::Down { why, next_try } = state {
///         println!("{why}, next try in {next_try:?}");
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct States(pub(super) Unseen<TaskNotify>);

impl States {
    /// Returns the current state.
    pub fn current(&self) -> State {
        self.0.current()
    }

    /// Waits for a state that differs from the last one. Returns `None` when the upstream and its connections are gone.
    pub async fn changed(&mut self) -> Option<State> {
        self.0.next(None).await
    }
}
