//! What the process holds, before and after.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{ALLOCATOR, DEADLINE};

/// Those that count what the process holds do so one after the other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The turn of a test that counts: taken before anything of its own, a runtime too.
pub(crate) struct Turn {
    _held: MutexGuard<'static, ()>,
}

impl Turn {
    pub(crate) fn take() -> Self {
        Self { _held: ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

/// File descriptors, threads of pools, tasks, and bytes of the heap. Taken before something, they have to be the same after it.
pub(crate) struct Baseline {
    descriptors: usize,
    threads: usize,
    tasks: usize,
    heap_bytes: usize,
}

/// Whoever runs the tests, and what the library keeps for its next connection, may hold so much more.
const OTHERS: usize = 256 * 1024;

impl Baseline {
    pub(crate) fn take(_turn: &Turn) -> Self {
        let (descriptors, threads, tasks) = held();
        Self { descriptors, threads, tasks, heap_bytes: heap_bytes() }
    }

    /// All of it is back: at once, or when the last thread has seen its end.
    pub(crate) fn comes_back(self) {
        let began = Instant::now();
        while self.is_above() {
            assert!(began.elapsed() < DEADLINE, "{:?} are held, and were {:?}", held(), self.before());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The same where tasks have to run to end.
    pub(crate) async fn comes_back_soon(self) {
        let began = Instant::now();
        while self.is_above() {
            assert!(began.elapsed() < DEADLINE, "{:?} are held, and were {:?}", held(), self.before());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn is_above(&self) -> bool {
        let (descriptors, threads, tasks) = held();
        let heap = heap_bytes() > self.heap_bytes + OTHERS;
        descriptors > self.descriptors || threads > self.threads || tasks > self.tasks || heap
    }

    const fn before(&self) -> (usize, usize, usize) {
        (self.descriptors, self.threads, self.tasks)
    }
}

/// Descriptors, threads of pools, tasks of the runtime that this is in.
fn held() -> (usize, usize, usize) {
    let descriptors = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let is_of_pool = |task: fs::DirEntry| {
        // One that ended meanwhile has no name.
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("framelink-pool"))
    };
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let threads = threads.filter_map(|task| is_of_pool(task).then_some(()));
    let tasks = tokio::runtime::Handle::try_current().map_or(0, |runtime| runtime.metrics().num_alive_tasks());
    (descriptors, threads.count(), tasks)
}

fn heap_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated).saturating_add_signed(stats.bytes_reallocated)
}
