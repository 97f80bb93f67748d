//! A waker that remembers that it was woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

pub(super) struct Bell {
    rung: Arc<Rung>,
    pub(super) waker: Waker,
}

struct Rung(AtomicBool);

impl Bell {
    /// It is rung at first, so that the task that waits for it begins.
    pub(super) fn rung() -> Self {
        let rung = Arc::new(Rung(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&rung));
        Self { rung, waker }
    }

    /// Whether it was rung since this was asked last.
    pub(super) fn take(&self) -> bool {
        self.rung.0.swap(false, Ordering::Relaxed)
    }

    pub(super) fn ring(&self) {
        self.rung.0.store(true, Ordering::Relaxed);
    }
}

impl Wake for Rung {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
