//! The tasks of a server.

use std::sync::Arc;

use tokio::task::AbortHandle;

use super::connector::Tokio;
use crate::server::ServerControl;

/// The tasks that serve the connections of a server. Dropping this ends them.
///
/// A task is 8 bytes of this list. A `JoinSet` needs an allocation for each of them.
pub(super) struct Tasks {
    /// The tasks by number. `None` once the connection of the task has ended.
    handles: Vec<Option<AbortHandle>>,
    /// The numbers without a task.
    free: Vec<u32>,
    /// Has the numbers of the tasks that have ended.
    control: Arc<ServerControl<Tokio>>,
}

impl Tasks {
    pub(super) const fn new(control: Arc<ServerControl<Tokio>>) -> Self {
        Self { handles: Vec::new(), free: Vec::new(), control }
    }

    /// Spawns a task, which gets its number.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(&mut self, task: impl FnOnce(u32) -> F) {
        self.forget_ended();
        let number = self.free.pop().unwrap_or_else(|| {
            self.handles.push(None);
            // There are never so many: each task has a file descriptor.
            u32::try_from(self.handles.len() - 1).unwrap_or(u32::MAX)
        });
        let handle = tokio::spawn(task(number)).abort_handle();
        if let Some(place) = self.place(number) {
            *place = Some(handle);
        }
    }

    /// Frees the memory of tasks whose connections have ended.
    pub(super) fn forget_ended(&mut self) {
        let ended = std::mem::take(&mut *self.control.ended_tasks.lock());
        for &number in &ended {
            if let Some(place) = self.place(number) {
                *place = None;
            }
        }
        self.free.extend(ended);
        if self.free.len() == self.handles.len() {
            // Frees the memory that a flood of connections needed.
            (self.handles, self.free) = (Vec::new(), Vec::new());
        }
    }

    fn place(&mut self, number: u32) -> Option<&mut Option<AbortHandle>> {
        self.handles.get_mut(number as usize)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.handles.iter().flatten().for_each(AbortHandle::abort);
    }
}
