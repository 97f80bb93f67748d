//! Threads, of which the system may have too few.

use std::io;
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, available_parallelism};

use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use crate::failure::Failure;

/// So many threads are left to the rest of the program: one reads stdin, say.
const SPARE: usize = 2;

/// A runtime with a worker for each processor, or without workers where the system has too few threads: tokio panics, and then hangs,
/// where it can begin only some of them.
pub(crate) fn runtime() -> io::Result<Runtime> {
    let workers = available_parallelism().map_or(1, NonZero::get);
    let mut builder = match has_threads(workers + SPARE) {
        true => runtime::Builder::new_multi_thread(),
        false => runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build()
}

/// Whether so many threads can be begun, and run at the same time.
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

/// Does work that waits, on a thread of its own.
pub(crate) async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let (done, is_done) = oneshot::channel();
    let begun = Builder::new().spawn(move || drop(done.send(work())));
    begun.map_err(|error| Failure::fault(format!("the system has no thread left ({error})")))?;
    is_done.await.map_err(Failure::fault)
}
