//! The wake-up of the pool's task when bytes arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use crate::driver::Notify;

/// Wakes the pool's task when bytes arrive on an idle connection.
#[derive(Debug)]
pub(super) struct Arrivals<N> {
    task: Arc<N>,
    has_arrived: AtomicBool,
}

impl<N: Notify> Arrivals<N> {
    pub(super) fn new(task: &Arc<N>) -> Arc<Self> {
        Arc::new(Self { task: Arc::clone(task), has_arrived: AtomicBool::new(false) })
    }

    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }

    /// Returns whether bytes have arrived since the last call.
    pub(super) fn take(&self) -> bool {
        self.has_arrived.swap(false, Ordering::AcqRel)
    }
}

impl<N: Notify> Wake for Arrivals<N> {
    fn wake(self: Arc<Self>) {
        self.has_arrived.store(true, Ordering::Release);
        self.task.notify();
    }
}

#[cfg(all(test, feature = "blocking"))]
mod tests {
    use super::*;
    use crate::driver::ThreadNotify;

    #[test]
    fn an_arrival_notifies_the_task_and_is_taken_once() {
        let task = Arc::<ThreadNotify>::default();
        let arrivals = Arrivals::new(&task);
        Waker::from(Arc::clone(&task)).wake();
        assert_eq!((task.version(), arrivals.take()), (1, false));
        arrivals.waker().wake();
        assert_eq!((task.version(), arrivals.take(), arrivals.take()), (2, true, false));
    }
}
