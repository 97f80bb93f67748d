//! The keys that calls and heartbeats of one connection have in use.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::calls::{Key, KeyRule};

/// The keys in use on a connection, shared by its calls and its heartbeats. So that a reply answers only one of them, neither
/// chooses a number that the other has in use. Exists only where heartbeats have numbers.
#[derive(Clone, Debug)]
pub(crate) struct KeysInUse(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rule: KeyRule,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The keys of calls that are in flight, or were given up and may get a late reply.
    calls: HashSet<Key>,
    /// The key of our last probe.
    probe: Option<Key>,
}

impl KeysInUse {
    pub(super) fn new(rule: KeyRule) -> Self {
        Self(Arc::new(Shared { rule, state: Mutex::default() }))
    }

    /// Returns how many keys calls have in use.
    pub(crate) fn len(&self) -> usize {
        self.state().calls.len()
    }

    /// Notes the key of our next probe. Returns false if a call has this key: then the probe needs another number.
    pub(crate) fn begin_probe(&self, probe: &[u8]) -> bool {
        let key = self.0.rule.of_request(probe);
        let mut state = self.state();
        let is_free = key.is_none_or(|key| !state.calls.contains(&key));
        state.probe = key;
        is_free
    }

    pub(super) fn is_of_probe(&self, key: &[u8]) -> bool {
        self.state().probe.is_some_and(|probe| *probe == *key)
    }

    pub(super) fn begin_call(&self, key: Key) {
        self.state().calls.insert(key);
    }

    pub(super) fn end_call(&self, key: &Key) {
        self.state().calls.remove(key);
    }

    pub(super) fn end_all(&self) {
        self.state().calls = HashSet::new();
    }

    /// No panic leaves the state half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
