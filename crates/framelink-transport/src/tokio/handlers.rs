//! Handlers that run side by side.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::drive;
use crate::error::Cause;
use crate::session::Place;

/// The handlers of one connection.
///
/// They run in the task that serves it, and not in tasks of their own: so they can borrow, need not be `Send`, and end with that task
/// when it is dropped; a panic is caught where they are polled. One that computes for long, or blocks, spawns that itself.
///
/// Of many only those that were woken are polled.
pub(super) struct Handlers<F> {
    /// By number.
    running: Vec<Option<Running<F>>>,
    free: Vec<usize>,
    woken: Arc<Woken>,
}

struct Running<F> {
    place: Place,
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
}

/// What one handler is woken by.
struct Bell {
    number: usize,
    is_rung: AtomicBool,
    woken: Arc<Woken>,
}

/// Those that are to be polled, and the task that does it.
struct Woken(Mutex<State>);

struct State {
    numbers: Vec<usize>,
    task: Waker,
}

impl<R, F: Future<Output = R>> Handlers<F> {
    pub(super) fn new() -> Self {
        let state = State { numbers: Vec::new(), task: Waker::noop().clone() };
        Self { running: Vec::new(), free: Vec::new(), woken: Arc::new(Woken(Mutex::new(state))) }
    }

    /// Begins one, which is polled with the others.
    pub(super) fn push(&mut self, place: Place, future: F) {
        let number = self.free.pop().unwrap_or_else(|| {
            self.running.push(None);
            self.running.len() - 1
        });
        let bell = Arc::new(Bell { number, is_rung: AtomicBool::new(true), woken: Arc::clone(&self.woken) });
        if let Some(slot) = self.running.get_mut(number) {
            *slot = Some(Running { place, future: Box::pin(future), bell });
        }
        self.woken.lock().numbers.push(number);
    }

    /// Polls once each that was woken, and tells of those that are finished.
    pub(super) fn poll<D, E>(
        &mut self,
        context: &mut Context<'_>,
        mut finished: impl FnMut(Place, R),
    ) -> Result<(), Cause<D, E>> {
        let mut numbers = self.woken.take(context.waker());
        if self.running.len() == 1 {
            // One alone is polled whenever the task is, as if it were awaited.
            numbers.clear();
            numbers.push(0);
        }
        for number in numbers {
            let Some(slot) = self.running.get_mut(number) else { continue };
            // One that is finished may be woken still.
            let Some(running) = slot else { continue };
            if let Poll::Ready(reply) = drive::guarded(|| running.poll())? {
                finished(running.place, reply);
                *slot = None;
                self.free.push(number);
            }
        }
        if self.free.len() == self.running.len() {
            // What one burst needed is not kept for ever.
            (self.running, self.free) = (Vec::new(), Vec::new());
        }
        Ok(())
    }
}

impl<F: Future> Running<F> {
    fn poll(&mut self) -> Poll<F::Output> {
        self.bell.is_rung.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&self.bell));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Woken {
    fn take(&self, task: &Waker) -> Vec<usize> {
        let mut state = self.lock();
        state.task.clone_from(task);
        std::mem::take(&mut state.numbers)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_rung.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut state = self.woken.lock();
        state.numbers.push(self.number);
        let task = state.task.clone();
        drop(state);
        task.wake();
    }
}
