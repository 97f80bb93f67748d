//! The resources of a process, and checks that a test or a row leaves none behind.

use std::alloc::System;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use stats_alloc::StatsAlloc;

use super::DEADLINE;

/// File descriptors, threads, tasks of the current runtime, and heap bytes if they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) files: usize,
    pub(crate) threads: usize,
    pub(crate) tasks: usize,
    pub(crate) heap: usize,
}

/// The resources before a test. All of them must be free again after it.
#[derive(Clone, Copy)]
pub(crate) struct Baseline {
    pub(crate) held: Held,
    counting: Counting,
}

#[derive(Clone, Copy, Default)]
struct Counting {
    allocator: Option<&'static StatsAlloc<System>>,
    /// The allowance for allocators, runtimes, and the test itself.
    slack: usize,
    /// Only threads whose names have this prefix are counted.
    threads: &'static str,
}

impl Baseline {
    /// Counts descriptors, all threads, and tasks.
    pub(crate) fn take() -> Self {
        Self::counting(Counting::default())
    }

    /// Also counts the heap, which may grow by `slack` bytes.
    pub(crate) fn with_heap(allocator: &'static StatsAlloc<System>, slack: usize) -> Self {
        Self::counting(Counting { allocator: Some(allocator), slack, threads: "" })
    }

    /// Also counts the heap, and only the threads with this prefix, because other tests may run in this process.
    pub(crate) fn of_threads(threads: &'static str, allocator: &'static StatsAlloc<System>, slack: usize) -> Self {
        Self::counting(Counting { allocator: Some(allocator), slack, threads })
    }

    fn counting(counting: Counting) -> Self {
        Self { held: counting.held(), counting }
    }

    /// Waits until the process holds no more than before.
    #[track_caller]
    pub(crate) fn assert_freed(&self, after: &str) {
        let began = Instant::now();
        while self.is_above(began, after) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the process holds no more than before, and lets tasks run meanwhile.
    pub(crate) async fn assert_freed_soon(&self, after: &str) {
        let began = Instant::now();
        while self.is_above(began, after) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until the process holds exactly what it held before, except for the heap.
    #[track_caller]
    pub(crate) fn assert_restored(&self, after: &str) {
        let began = Instant::now();
        while self.counting.held() != self.held {
            self.is_in_time(began, after);
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[track_caller]
    fn is_above(&self, began: Instant, after: &str) -> bool {
        let (now, before) = (self.counting.held(), self.held);
        let heap = now.heap > before.heap + self.counting.slack;
        let is_above = heap || now.files > before.files || now.threads > before.threads || now.tasks > before.tasks;
        if is_above {
            self.is_in_time(began, after);
        }
        is_above
    }

    #[track_caller]
    fn is_in_time(&self, began: Instant, after: &str) {
        let (now, before) = (self.counting.held(), self.held);
        assert!(began.elapsed() < DEADLINE, "{after}: {now:?} is held, and before it was {before:?}");
    }
}

impl Counting {
    fn held(&self) -> Held {
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let heap = self.allocator.map_or(0, |allocator| {
            let stats = allocator.stats();
            stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
        });
        Held { files, threads: self.threads(), tasks: tasks(), heap }
    }

    fn threads(&self) -> usize {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        if self.threads.is_empty() {
            return threads.count();
        }
        // A thread that has ended meanwhile has no name.
        let name = |thread: &fs::DirEntry| fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        threads.filter(|thread| name(thread).starts_with(self.threads)).count()
    }
}

fn tasks() -> usize {
    tokio::runtime::Handle::try_current().map_or(0, |runtime| runtime.metrics().num_alive_tasks())
}

/// Waits until all tasks of this runtime have ended.
pub(crate) async fn no_tasks(after: &str) {
    let began = Instant::now();
    while tasks() > 0 {
        assert!(began.elapsed() < DEADLINE, "{after}: {} tasks are left", tasks());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Serializes the tests that count the resources of the process. A test takes its turn first, before it makes a
/// runtime.
pub(crate) struct Turn(#[expect(dead_code, reason = "held until the turn is over")] MutexGuard<'static, ()>);

impl Turn {
    pub(crate) fn take() -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        Self(ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
