//! What a process holds, and that it holds no more when a test, or a row of one, is over.

use std::alloc::System;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use stats_alloc::StatsAlloc;

use super::DEADLINE;

/// File descriptors, threads, tasks of the runtime that this is in, and bytes of the heap where they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) files: usize,
    pub(crate) threads: usize,
    pub(crate) tasks: usize,
    pub(crate) heap: usize,
}

/// What was held before something; all of it has to be back after it.
#[derive(Clone, Copy)]
pub(crate) struct Baseline {
    pub(crate) held: Held,
    counting: Counting,
}

#[derive(Clone, Copy, Default)]
struct Counting {
    allocator: Option<&'static StatsAlloc<System>>,
    /// What allocators, runtimes, and the test itself keep.
    slack: usize,
    /// Of the threads whose names begin so.
    threads: &'static str,
}

impl Baseline {
    /// Descriptors, all threads, and tasks.
    pub(crate) fn take() -> Self {
        Self::counting(Counting::default())
    }

    /// The heap as well, which may grow by so much.
    pub(crate) fn with_heap(allocator: &'static StatsAlloc<System>, slack: usize) -> Self {
        Self::counting(Counting { allocator: Some(allocator), slack, threads: "" })
    }

    /// The same, and of the threads those whose names begin so: other tests may run beside this one.
    pub(crate) fn of_threads(threads: &'static str, allocator: &'static StatsAlloc<System>, slack: usize) -> Self {
        Self::counting(Counting { allocator: Some(allocator), slack, threads })
    }

    fn counting(counting: Counting) -> Self {
        Self { held: counting.held(), counting }
    }

    /// Waits until no more is held than this.
    #[track_caller]
    pub(crate) fn comes_back(&self, after: &str) {
        let began = Instant::now();
        while self.is_above(began, after) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The same where tasks have to run to end.
    pub(crate) async fn comes_back_soon(&self, after: &str) {
        let began = Instant::now();
        while self.is_above(began, after) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until exactly this is held, the heap apart.
    #[track_caller]
    pub(crate) fn is_restored(&self, after: &str) {
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
        // One that ended meanwhile has no name.
        let name = |thread: &fs::DirEntry| fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        threads.filter(|thread| name(thread).starts_with(self.threads)).count()
    }
}

fn tasks() -> usize {
    tokio::runtime::Handle::try_current().map_or(0, |runtime| runtime.metrics().num_alive_tasks())
}

/// Waits until all tasks of this runtime are over.
pub(crate) async fn no_tasks(after: &str) {
    let began = Instant::now();
    while tasks() > 0 {
        assert!(began.elapsed() < DEADLINE, "{after}: {} tasks are left", tasks());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The turn of a test that counts what the process holds: taken before anything of its own, a runtime too.
pub(crate) struct Turn(#[expect(dead_code, reason = "held until the turn is over")] MutexGuard<'static, ()>);

impl Turn {
    pub(crate) fn take() -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        Self(ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
