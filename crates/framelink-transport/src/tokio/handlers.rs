//! Handlers of requests that run concurrently.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::drive;
use crate::error::Cause;
use crate::net::lock::Lock;
use crate::session::ReplySlot;

/// The handlers of one connection.
///
/// The handlers run in the task that serves the connection. Therefore they can borrow, need not be `Send`, and end when
/// that task is dropped. A panic is caught in the poll. A handler that blocks or computes for long must spawn a task.
///
/// Only the handlers that were woken are polled.
pub(super) struct Handlers<F> {
    /// The running handlers, indexed by number.
    running: Vec<Option<RunningHandler<F>>>,
    free: Vec<usize>,
    woken: Arc<Lock<WokenHandlers>>,
}

struct RunningHandler<F> {
    place: ReplySlot,
    future: Pin<Box<F>>,
    waker: Arc<HandlerWaker>,
}

/// Wakes one handler.
struct HandlerWaker {
    number: usize,
    is_woken: AtomicBool,
    woken: Arc<Lock<WokenHandlers>>,
}

/// The numbers of the handlers to poll, and the task that polls them.
struct WokenHandlers {
    numbers: Vec<usize>,
    task: Waker,
}

impl<R, F: Future<Output = R>> Handlers<F> {
    pub(super) fn new() -> Self {
        let woken = WokenHandlers { numbers: Vec::new(), task: Waker::noop().clone() };
        Self { running: Vec::new(), free: Vec::new(), woken: Arc::new(Lock::new(woken)) }
    }

    /// Adds a handler, to be polled with the others.
    pub(super) fn push(&mut self, place: ReplySlot, future: F) {
        let number = self.free.pop().unwrap_or_else(|| {
            self.running.push(None);
            self.running.len() - 1
        });
        let waker = Arc::new(HandlerWaker { number, is_woken: AtomicBool::new(true), woken: Arc::clone(&self.woken) });
        if let Some(slot) = self.running.get_mut(number) {
            *slot = Some(RunningHandler { place, future: Box::pin(future), waker });
        }
        self.woken.lock().numbers.push(number);
    }

    /// Polls each woken handler once, and calls `finished` for those that are ready.
    pub(super) fn poll<D, E>(
        &mut self,
        context: &mut Context<'_>,
        mut finished: impl FnMut(ReplySlot, R) -> Result<(), Cause<D, E>>,
    ) -> Result<(), Cause<D, E>> {
        let mut woken = self.woken.lock();
        woken.task.clone_from(context.waker());
        let mut numbers = std::mem::take(&mut woken.numbers);
        drop(woken);
        if self.running.len() == 1 {
            // A single handler is polled whenever the task is, as if it were awaited.
            numbers.clear();
            numbers.push(0);
        }
        for number in numbers {
            let Some(slot) = self.running.get_mut(number) else { continue };
            // A finished handler can still be woken.
            let Some(running) = slot else { continue };
            if let Poll::Ready(reply) = drive::guarded(|| running.poll())? {
                finished(running.place, reply)?;
                *slot = None;
                self.free.push(number);
            }
        }
        if self.free.len() == self.running.len() {
            // Frees the memory that a burst of requests needed.
            (self.running, self.free) = (Vec::new(), Vec::new());
        }
        Ok(())
    }
}

impl<F: Future> RunningHandler<F> {
    fn poll(&mut self) -> Poll<F::Output> {
        self.waker.is_woken.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&self.waker));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for HandlerWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_woken.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut state = self.woken.lock();
        state.numbers.push(self.number);
        let task = state.task.clone();
        drop(state);
        task.wake();
    }
}
