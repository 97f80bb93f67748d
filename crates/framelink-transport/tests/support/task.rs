//! A thread with a deadline for its end.

use std::sync::mpsc;
use std::thread;

use super::DEADLINE;

/// A running thread, whose result can be waited for.
pub(crate) struct Task<T>(mpsc::Receiver<thread::Result<T>>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, done) = mpsc::channel();
        thread::spawn(move || sender.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))));
        Self(done)
    }

    pub(crate) fn join(self) -> T {
        match self.0.recv_timeout(DEADLINE).expect("a thread that ends in time") {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
