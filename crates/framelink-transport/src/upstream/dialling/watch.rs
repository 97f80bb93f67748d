//! The newest state of an upstream, for the tasks or threads that wait for another state.

use std::sync::Arc;
use std::time::Instant;

use super::State;
use crate::driver::Notify;
use crate::net::lock::Lock;

/// The newest state, and the notification of every change.
#[derive(Debug)]
pub(crate) struct Watch<N> {
    newest: Lock<Newest>,
    pub(crate) changed: N,
}

#[derive(Debug, Default)]
struct Newest {
    state: State,
    count: u64,
    /// Set when the upstream and its connections are gone: no other state will follow.
    is_last: bool,
}

/// Sets the states. Dropping it marks the last state.
pub(super) struct Setter<N: Notify>(Arc<Watch<N>>);

/// A reader's position in the sequence of states.
#[derive(Debug)]
pub(crate) struct Unseen<N> {
    watch: Arc<Watch<N>>,
    seen: u64,
}

impl<N: Notify> Watch<N> {
    pub(super) fn new() -> (Setter<N>, Arc<Self>) {
        let watch = Arc::new(Self { newest: Lock::default(), changed: N::default() });
        (Setter(Arc::clone(&watch)), watch)
    }

    pub(crate) fn unseen(self: &Arc<Self>) -> Unseen<N> {
        Unseen { watch: Arc::clone(self), seen: self.newest.lock().count }
    }
}

impl<N: Notify> Setter<N> {
    /// Sets the state. Notifies even if the state has not changed, because an address may have become due.
    pub(super) fn set(&self, state: State) {
        let mut newest = self.0.newest.lock();
        if newest.state != state {
            newest.state = state;
            newest.count += 1;
        }
        drop(newest);
        self.0.changed.notify();
    }
}

impl<N: Notify> Drop for Setter<N> {
    fn drop(&mut self) {
        self.0.newest.lock().is_last = true;
        self.0.changed.notify();
    }
}

impl<N: Notify> Unseen<N> {
    pub(crate) fn current(&self) -> State {
        self.watch.newest.lock().state.clone()
    }

    /// Waits for a state other than the last one seen. `None` after `until`, or if no other state will follow.
    pub(crate) async fn next(&mut self, until: Option<Instant>) -> Option<State> {
        loop {
            let version = self.watch.changed.version();
            {
                let newest = self.watch.newest.lock();
                if newest.count != self.seen {
                    self.seen = newest.count;
                    return Some(newest.state.clone());
                }
                if newest.is_last {
                    return None;
                }
            }
            if !self.watch.changed.wait(version, until).await {
                return None;
            }
        }
    }
}

impl<N> Clone for Unseen<N> {
    fn clone(&self) -> Self {
        Self { watch: Arc::clone(&self.watch), seen: self.seen }
    }
}
