//! Telling threads to end, wherever they wait.

use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Ends what waits for time at once, and what waits in a read or a write of a socket by shutting it down.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_stopped: bool,
    /// Weak, so that a thread that drops its stream has closed it.
    streams: Vec<Weak<TcpStream>>,
}

impl Stop {
    /// Ends them all, now and later.
    pub(crate) fn stop(&self) {
        let streams = {
            let mut state = self.lock();
            state.is_stopped = true;
            std::mem::take(&mut state.streams)
        };
        self.changed.notify_all();
        for stream in streams.iter().filter_map(Weak::upgrade) {
            // Whoever is not connected any more waits for nothing either.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Has a stream shut down in the end.
    pub(crate) fn watch(&self, stream: &Arc<TcpStream>) {
        let mut state = self.lock();
        if state.is_stopped {
            let _ = stream.shutdown(Shutdown::Both);
        } else {
            state.streams.retain(|stream| stream.strong_count() > 0);
            state.streams.push(Arc::downgrade(stream));
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// Waits; true, and early, when it is time to end.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |state| !state.is_stopped);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_stopped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
