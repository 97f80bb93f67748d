//! What a process holds: the same before and after.

use std::fs;
use std::time::{Duration, Instant};

/// What is closed in the background is so soon.
const SOON: Duration = Duration::from_secs(5);

/// How many descriptors and threads there are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Baseline {
    descriptors: usize,
    threads: usize,
}

impl Baseline {
    pub(crate) fn now() -> Self {
        let count = |of| fs::read_dir(of).map_or(0, Iterator::count);
        Self { descriptors: count("/proc/self/fd"), threads: count("/proc/self/task") }
    }

    /// # Panics
    /// When it is not, after a while.
    pub(crate) fn is_restored(&self, after: &str) {
        let began = Instant::now();
        while Self::now() != *self {
            assert!(began.elapsed() < SOON, "{after}: {:?}, before it {self:?}", Self::now());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Waits until all tasks of this runtime are over.
///
/// # Panics
/// When they are not, after a while.
pub(crate) async fn no_tasks(after: &str) {
    let began = Instant::now();
    let metrics = tokio::runtime::Handle::current().metrics();
    while metrics.num_alive_tasks() > 0 {
        assert!(began.elapsed() < SOON, "{after}: {} tasks are left", metrics.num_alive_tasks());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
