//! What a process holds, and that it holds no more when a row of a test is over.

use std::alloc::System;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use stats_alloc::StatsAlloc;

/// Descriptors, threads and heap of this process, which runs one test only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline {
    pub(crate) files: usize,
    pub(crate) threads: usize,
    pub(crate) heap: usize,
}

/// What allocators, runtimes and the test itself keep between two rows.
const SLACK: usize = 64 * 1024;
const DEADLINE: Duration = Duration::from_secs(10);

impl Baseline {
    /// What is held now.
    pub(crate) fn take(allocator: &StatsAlloc<System>) -> Self {
        let count = |directory| fs::read_dir(directory).map_or(0, Iterator::count);
        let stats = allocator.stats();
        let heap = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated);
        Self { files: count("/proc/self/fd"), threads: count("/proc/self/task"), heap }
    }

    /// Waits until no more is held than this.
    #[track_caller]
    pub(crate) fn wait_until_back(&self, allocator: &StatsAlloc<System>, row: &str) {
        let began = Instant::now();
        loop {
            let now = Self::take(allocator);
            if now.files <= self.files && now.threads <= self.threads && now.heap <= self.heap + SLACK {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "{row}: {now:?} is held, and before it was {self:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }
}
