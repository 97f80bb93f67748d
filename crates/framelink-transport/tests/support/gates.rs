//! Handlers that wait until the test lets them continue.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};

use super::DEADLINE;

/// Requests wait here until the test opens their name.
#[derive(Clone, Default)]
pub(crate) struct Gates(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    open: HashSet<Vec<u8>>,
    inside: usize,
    most_inside: usize,
    entered: usize,
}

impl Gates {
    /// Lets the request with this name continue, whether or not it has arrived.
    pub(crate) fn open(&self, name: &[u8]) {
        self.0.0.lock().unwrap().open.insert(name.to_vec());
        self.0.1.notify_all();
    }

    /// Waits until the name is opened.
    pub(crate) fn pass(&self, name: &[u8]) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.inside += 1;
        state.entered += 1;
        state.most_inside = state.most_inside.max(state.inside);
        changed.notify_all();
        let (mut state, waited) =
            changed.wait_timeout_while(state, DEADLINE, |state| !state.open.contains(name)).unwrap();
        assert!(!waited.timed_out(), "the test did not open {}", String::from_utf8_lossy(name));
        state.inside -= 1;
        changed.notify_all();
    }

    /// Waits until this many requests have entered, including those that have left.
    pub(crate) fn wait_for_entered(&self, count: usize) {
        let (state, changed) = &*self.0;
        let waited =
            changed.wait_timeout_while(state.lock().unwrap(), DEADLINE, |state| state.entered < count).unwrap();
        assert!(!waited.1.timed_out(), "{} requests are handled, not {count}", waited.0.entered);
    }

    pub(crate) fn entered(&self) -> usize {
        self.0.0.lock().unwrap().entered
    }

    pub(crate) fn most_inside(&self) -> usize {
        self.0.0.lock().unwrap().most_inside
    }
}
