//! The background task or thread of a role.

#[cfg(all(test, feature = "tokio"))]
mod tests;

use std::io;

use super::{Driver, Task as _};
use crate::net::lock::Lock;

/// The one background task of a role. Dropping this ends a task where it waits, and a thread at its next check.
#[derive(Debug)]
pub(crate) struct TaskSlot<D: Driver>(Lock<Option<D::Task>>);

impl<D: Driver> TaskSlot<D> {
    pub(crate) const fn new() -> Self {
        Self(Lock::new(None))
    }

    /// Starts the task, unless it is running. A task that has ended, for example with its runtime, is started again.
    pub(crate) fn begin<F>(&self, name: &'static str, work: impl FnOnce() -> F) -> io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut task = self.0.lock();
        if task.as_ref().is_none_or(D::Task::is_finished) {
            *task = Some(D::spawn(name, work())?);
        }
        Ok(())
    }

    pub(crate) fn abort(&self) {
        if let Some(task) = self.0.lock().take() {
            task.abort();
        }
    }
}

impl<D: Driver> Drop for TaskSlot<D> {
    fn drop(&mut self) {
        self.abort();
    }
}
