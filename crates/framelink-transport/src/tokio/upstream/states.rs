//! The states of an upstream, one after the other.

use tokio::sync::watch;

use crate::upstream::State;

/// The states of an upstream, one after the other. Whoever is slow misses some that are over, but never the newest.
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
pub struct States(watch::Receiver<State>);

impl States {
    pub(super) const fn of(states: watch::Receiver<State>) -> Self {
        Self(states)
    }

    /// The newest.
    pub fn current(&self) -> State {
        self.0.borrow().clone()
    }

    /// Waits for another one than was seen last; `None` when the upstream and its connections are gone.
    pub async fn changed(&mut self) -> Option<State> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}
