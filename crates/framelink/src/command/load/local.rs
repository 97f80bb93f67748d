//! What the workers of one thread share. All of them run on that thread, so nothing here is locked.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::buffers::Buffers;
use super::failures::Kind;
use super::phases::{Event, Live, Phase};
use super::plan::Plan;
use super::sockets::Sockets;
use super::tally::Tally;

pub(super) struct Local {
    pub(super) plan: Arc<Plan>,
    pub(super) tally: RefCell<Tally>,
    pub(super) buffers: RefCell<Buffers>,
    pub(super) sockets: Sockets,
    phase: Cell<Phase>,
    start: Cell<Instant>,
    /// The tasks that are told of a new phase, one place for each worker.
    wakers: RefCell<Vec<Waker>>,
    /// The right reply, if all messages have the same.
    only_reply: Option<Vec<u8>>,
    live: Arc<Live>,
    events: UnboundedSender<Event>,
}

impl Local {
    pub(super) fn new(
        plan: Arc<Plan>,
        workers: usize,
        live: Arc<Live>,
        events: UnboundedSender<Event>,
        sockets: Sockets,
    ) -> Self {
        Self {
            tally: RefCell::new(Tally::new(plan.workload.warm_up)),
            buffers: RefCell::new(Buffers::new(plan.frames.clone())),
            sockets,
            only_reply: plan.payloads.only_reply(),
            plan,
            phase: Cell::new(Phase::Connecting),
            start: Cell::new(Instant::now()),
            wakers: RefCell::new(vec![Waker::noop().clone(); workers]),
            live,
            events,
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        if let Phase::Running(start) = phase {
            self.start.set(start);
        }
        self.phase.set(phase);
        for waker in &*self.wakers.borrow() {
            waker.wake_by_ref();
        }
    }

    #[inline]
    pub(super) const fn phase(&self) -> Phase {
        self.phase.get()
    }

    #[inline]
    pub(super) const fn is_running(&self) -> bool {
        matches!(self.phase.get(), Phase::Running(_))
    }

    /// Returns whether a reply is right because it is the same for all messages. Others have to be checked.
    #[inline]
    pub(super) fn is_the_only_reply(&self, reply: &[u8]) -> bool {
        self.only_reply.as_deref() == Some(reply)
    }

    /// Returns the time since the start of the run.
    #[inline]
    pub(super) fn now(&self) -> Duration {
        self.start.get().elapsed()
    }

    /// Returns a time of the run as the clock has it.
    pub(super) fn at(&self, time: Duration) -> Instant {
        let start = self.start.get();
        start.checked_add(time).unwrap_or_else(|| start + Duration::from_secs(86400 * 365))
    }

    /// Has the task of a worker woken by a new phase.
    #[inline]
    pub(super) fn listen(&self, place: usize, context: &Context<'_>) {
        if let Some(waker) = self.wakers.borrow_mut().get_mut(place)
            && !waker.will_wake(context.waker())
        {
            waker.clone_from(context.waker());
        }
    }

    /// Waits until connections are made, and returns whether messages are to be sent.
    pub(super) async fn started(&self, place: usize) -> bool {
        poll_fn(|context| {
            self.listen(place, context);
            if self.phase() == Phase::Connecting { Poll::Pending } else { Poll::Ready(self.is_running()) }
        })
        .await
    }

    /// Waits until no message is to be sent any more.
    pub(super) async fn stopped(&self, place: usize) {
        self.reached(place, Phase::Stopping).await;
    }

    /// Waits until nothing is waited for any more.
    pub(super) async fn cut(&self, place: usize) {
        self.reached(place, Phase::Cut).await;
    }

    async fn reached(&self, place: usize, phase: Phase) {
        poll_fn(|context| {
            self.listen(place, context);
            if self.phase() >= phase { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// A worker has its connection, or has failed to make it.
    pub(super) fn on_connected(&self, result: Result<(), String>) {
        let _ = self.events.send(Event::Connected(result));
    }

    /// Counts a failure.
    #[cold]
    pub(super) fn fail(&self, kind: Kind, text: impl FnOnce() -> String) {
        // The run begins when the connections are made.
        let now = if self.phase() == Phase::Connecting { Duration::ZERO } else { self.now() };
        let tally = &mut *self.tally.borrow_mut();
        tally.on_failure(kind, now, text);
        self.show(tally);
    }

    /// Shows the progress bar what this thread has counted.
    #[inline]
    pub(super) fn show(&self, tally: &Tally) {
        self.live.replied.store(tally.replied, Ordering::Relaxed);
        self.live.failed.store(tally.failures.count(), Ordering::Relaxed);
    }

    /// The thread is done.
    pub(super) fn end(self) {
        let _ = self.events.send(Event::Ended(Box::new(self.tally.into_inner())));
    }
}
