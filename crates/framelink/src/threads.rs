//! Starts threads, also on a system that has few left.

use std::io;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, available_parallelism};

use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use crate::failure::Failure;

/// How many threads the rest of the program may need: one reads stdin, for example.
const SPARE: usize = 2;

/// Returns a runtime with a worker for each processor. With one processor there is no worker: passing tasks to another
/// thread would only cost time. There is none either if the system has too few threads left, because tokio panics, and
/// then hangs, if it can start only some of its workers.
pub(crate) fn runtime() -> io::Result<Runtime> {
    let workers = available_parallelism().map_or(1, NonZero::get);
    let mut builder = match workers > 1 && has_threads(workers + SPARE) {
        true => runtime::Builder::new_multi_thread(),
        false => runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

/// Locks a mutex, also after a panic of the thread that held it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether `count` threads can be started and run at the same time.
fn has_threads(count: usize) -> bool {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock();
    let begin = |_| {
        let gate = Arc::clone(&gate);
        Builder::new().spawn(move || drop(gate.lock())).ok()
    };
    let begun: Vec<_> = (0..count).map_while(begin).collect();
    drop(closed);
    let has_all = begun.len() == count;
    begun.into_iter().for_each(|thread| drop(thread.join()));
    has_all
}

/// Runs blocking work on a thread of its own.
pub(crate) async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (done, is_done) = oneshot::channel();
    let begun = Builder::new().spawn(move || drop(done.send(work())));
    begun.map_err(|error| Failure::fault(format!("the system has no thread left ({error})")))?;
    is_done.await.map_err(Failure::fault)
}
