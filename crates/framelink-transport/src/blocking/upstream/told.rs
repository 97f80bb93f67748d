//! The newest state, for whoever waits for another one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::upstream::State;

/// The newest state, and how often something has changed.
#[derive(Debug)]
pub(super) struct Told {
    newest: Mutex<Newest>,
    changed: Condvar,
}

#[derive(Debug)]
struct Newest {
    state: State,
    /// So many states there were.
    states: u64,
    /// So often somebody was woken.
    version: u64,
}

/// The states of an upstream, one after the other. Whoever is slow misses some that are over, but never the newest.
///
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
pub struct States {
    told: Arc<Told>,
    seen: u64,
}

impl Told {
    pub(super) const fn new() -> Self {
        let newest = Newest { state: State::Idle, states: 0, version: 0 };
        Self { newest: Mutex::new(newest), changed: Condvar::new() }
    }

    pub(super) fn tell(&self, state: State) {
        let mut newest = self.lock();
        if newest.state != state {
            newest.state = state;
            newest.states += 1;
        }
        newest.version += 1;
        drop(newest);
        self.changed.notify_all();
    }

    /// Something has changed that is no state.
    pub(super) fn wake(&self) {
        self.lock().version += 1;
        self.changed.notify_all();
    }

    pub(super) fn state(&self) -> State {
        self.lock().state.clone()
    }

    /// For [`wait`](Self::wait): what changes from now on is not missed.
    pub(super) fn version(&self) -> u64 {
        self.lock().version
    }

    /// Waits until something has changed since then, so long at most.
    pub(super) fn wait(&self, version: u64, limit: Duration) {
        drop(self.wait_while(limit, |newest| newest.version == version));
    }

    fn wait_while(&self, limit: Duration, condition: impl FnMut(&mut Newest) -> bool) -> MutexGuard<'_, Newest> {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, condition);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl States {
    pub(super) fn of(told: &Arc<Told>) -> Self {
        Self { told: Arc::clone(told), seen: told.lock().states }
    }

    /// The newest.
    pub fn current(&self) -> State {
        self.told.state()
    }

    /// Waits for another one than was seen last; `None` when there is none within that time.
    pub fn changed_within(&mut self, limit: Duration) -> Option<State> {
        let seen = self.seen;
        let newest = self.told.wait_while(limit, |newest| newest.states == seen);
        let is_another = newest.states != seen;
        self.seen = newest.states;
        is_another.then(|| newest.state.clone())
    }
}
