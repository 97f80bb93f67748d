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
/// A handler is polled when it starts, and then only after it was woken. Its memory and its waker are used again, so a
/// handler that is ready at once allocates nothing.
pub(super) struct Handlers<F> {
    /// The places of handlers, indexed by number.
    places: Vec<Place<F>>,
    /// The numbers of the places without a handler.
    free: Vec<usize>,
    woken: Arc<Lock<WokenHandlers>>,
}

/// The place of one handler after the other.
struct Place<F> {
    /// The request of the handler that runs here.
    slot: Option<ReplySlot>,
    future: Pin<Box<Option<F>>>,
    handler: Arc<HandlerWaker>,
    waker: Waker,
}

/// Wakes the handler of one place.
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

/// A place for a larger handler is not kept while no handler runs, because connections may be idle for long.
const KEPT: usize = 256;

impl<R, F: Future<Output = R>> Handlers<F> {
    pub(super) fn new() -> Self {
        let woken = WokenHandlers { numbers: Vec::new(), task: Waker::noop().clone() };
        Self { places: Vec::new(), free: Vec::new(), woken: Arc::new(Lock::new(woken)) }
    }

    /// Returns whether no handler runs.
    pub(super) fn are_idle(&self) -> bool {
        self.free.len() == self.places.len()
    }

    /// Starts a handler and polls it once. Returns its result if it is ready. If not, the caller
    /// [keeps](Self::keep) the handler with the returned number. The caller catches panics.
    #[inline]
    pub(super) fn start(&mut self, begin: impl FnOnce() -> F) -> Result<R, usize> {
        let number = self.free_place();
        let Some(place) = self.places.get_mut(number) else { return Err(number) };
        // A handler that is ready at once leaves its place free.
        match place.start(begin) {
            Poll::Ready(done) => Ok(done),
            Poll::Pending => {
                self.free.pop();
                Err(number)
            }
        }
    }

    /// Returns the last free place.
    #[inline]
    fn free_place(&mut self) -> usize {
        self.free.last().copied().unwrap_or_else(|| self.add_place())
    }

    #[cold] // so that `free_place` is short
    fn add_place(&mut self) -> usize {
        let number = self.places.len();
        self.places.push(Place::new(number, &self.woken));
        self.free.push(number);
        number
    }

    /// Keeps a handler that was not ready, with the place of its request.
    pub(super) fn keep(&mut self, number: usize, slot: Option<ReplySlot>) {
        if let Some(place) = self.places.get_mut(number) {
            place.slot = slot;
        }
    }

    /// Polls each woken handler once, and calls `finished` for those that are ready.
    pub(super) fn poll<D, E>(
        &mut self,
        context: &mut Context<'_>,
        mut finished: impl FnMut(ReplySlot, R) -> Result<(), Cause<D, E>>,
    ) -> Result<(), Cause<D, E>> {
        let mut woken = self.woken.lock();
        woken.task.clone_from(context.waker());
        let numbers = std::mem::take(&mut woken.numbers);
        drop(woken);
        if self.places.len() == 1 {
            // A single handler is polled whenever the task is, as if it were awaited.
            self.poll_place(0, &mut finished)?;
        } else {
            for number in numbers {
                self.poll_place(number, &mut finished)?;
            }
        }
        self.forget_bursts();
        Ok(())
    }

    fn poll_place<D, E>(
        &mut self,
        number: usize,
        finished: &mut impl FnMut(ReplySlot, R) -> Result<(), Cause<D, E>>,
    ) -> Result<(), Cause<D, E>> {
        let Some(place) = self.places.get_mut(number) else { return Ok(()) };
        // A finished handler can still be woken.
        let Some(slot) = place.slot else { return Ok(()) };
        match drive::guarded(|| place.poll())? {
            Poll::Pending => Ok(()),
            Poll::Ready(reply) => {
                place.slot = None;
                self.free.push(number);
                finished(slot, reply)
            }
        }
    }

    /// Frees the memory that a burst of requests needed.
    fn forget_bursts(&mut self) {
        let kept = usize::from(size_of::<F>() <= KEPT);
        if self.are_idle() && self.places.len() > kept {
            self.places.truncate(kept);
            self.places.shrink_to_fit();
            self.free = (0..kept).collect();
        }
    }
}

impl<F: Future> Place<F> {
    fn new(number: usize, woken: &Arc<Lock<WokenHandlers>>) -> Self {
        let woken = Arc::clone(woken);
        let handler = Arc::new(HandlerWaker { number, is_woken: AtomicBool::new(true), woken });
        let waker = Waker::from(Arc::clone(&handler));
        Self { slot: None, future: Box::pin(None), handler, waker }
    }

    #[inline(always)] // A call with a result in memory takes as long as the rest.
    fn start(&mut self, begin: impl FnOnce() -> F) -> Poll<F::Output> {
        self.future.set(Some(begin()));
        self.poll()
    }

    #[inline]
    fn poll(&mut self) -> Poll<F::Output> {
        let Some(future) = self.future.as_mut().as_pin_mut() else { return Poll::Pending };
        self.handler.is_woken.store(false, Ordering::Release);
        let polled = future.poll(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            self.future.set(None);
        }
        polled
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
