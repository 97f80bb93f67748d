//! What wakes the tasks and threads of a pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use crate::driver::Notify;

/// A notification that a waker gives.
#[derive(Debug, Default)]
pub(super) struct Signal<N>(pub(super) N);

impl<N: Notify> Signal<N> {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }
}

impl<N: Notify> Wake for Signal<N> {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Wakes the pool's task when something arrives on an idle connection.
#[derive(Debug)]
pub(super) struct Arrivals<N> {
    task: Arc<Signal<N>>,
    has_arrived: AtomicBool,
}

impl<N: Notify> Arrivals<N> {
    pub(super) fn new(task: &Arc<Signal<N>>) -> Arc<Self> {
        Arc::new(Self { task: Arc::clone(task), has_arrived: AtomicBool::new(false) })
    }

    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }

    /// Whether something has arrived since this was asked last.
    pub(super) fn take(&self) -> bool {
        self.has_arrived.swap(false, Ordering::AcqRel)
    }
}

impl<N: Notify> Wake for Arrivals<N> {
    fn wake(self: Arc<Self>) {
        self.has_arrived.store(true, Ordering::Release);
        self.task.0.notify();
    }
}

#[cfg(all(test, feature = "blocking"))]
mod tests {
    use super::*;
    use crate::driver::ThreadNotify;

    #[test]
    fn an_arrival_notifies_the_task_and_is_taken_once() {
        let task = Signal::<ThreadNotify>::new();
        let arrivals = Arrivals::new(&task);
        task.waker().wake();
        assert_eq!((task.0.version(), arrivals.take()), (1, false));
        arrivals.waker().wake();
        assert_eq!((task.0.version(), arrivals.take(), arrivals.take()), (2, true, false));
    }
}
