//! The moments in which a process is started.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held while a process is started. Between its fork and its exec the process has all sockets and locks of this one.
static STARTING: Mutex<()> = Mutex::new(());

pub(crate) fn starting() -> MutexGuard<'static, ()> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no process is being started. Sockets and locks that were closed before are free then.
pub(crate) fn wait_for_starts() {
    drop(starting());
}
