//! Several futures in one task, of which only those that were woken are polled.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::threads::lock;

/// A future that is polled again only after its own waker was woken.
///
/// A task is polled as a whole. The two directions of a pair and its drain are futures of one task, and most often only
/// one of them has something to do.
pub(crate) struct WhenWoken<F> {
    future: F,
    flag: Arc<Flag>,
    waker: Waker,
    /// The waker that `flag` has.
    task: Option<Waker>,
}

/// Says whether the future was woken, and wakes its task.
struct Flag {
    is_woken: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl<F: Future + Unpin> WhenWoken<F> {
    pub(crate) fn new(future: F) -> Self {
        let flag = Arc::new(Flag { is_woken: AtomicBool::new(true), task: Mutex::new(None) });
        Self { future, waker: Waker::from(Arc::clone(&flag)), flag, task: None }
    }
}

impl<F: Future + Unpin> Future for WhenWoken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, flag, waker, task } = &mut *self;
        // The task is stored before the flag is read, so that no wake is lost between the two. It seldom changes.
        if !task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            *task = Some(context.waker().clone());
            flag.wakes(context.waker());
        }
        if !flag.is_woken.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        flag.is_woken.swap(false, Ordering::AcqRel);
        Pin::new(future).poll(&mut Context::from_waker(waker))
    }
}

impl Flag {
    #[cold]
    fn wakes(&self, waker: &Waker) {
        *lock(&self.task) = Some(waker.clone());
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        let task = lock(&self.task).clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Counts its polls in `polls`, and stores its waker.
    fn counting(polls: &Mutex<(u32, Option<Waker>)>) -> impl Future<Output = ()> + Unpin {
        poll_fn(|context| {
            let mut polls = lock(polls);
            *polls = (polls.0 + 1, Some(context.waker().clone()));
            Poll::Pending
        })
    }

    #[tokio::test]
    async fn only_the_future_that_was_woken_is_polled() {
        let [one, other] = [Mutex::default(), Mutex::default()];
        let (mut first, mut second) = (WhenWoken::new(counting(&one)), WhenWoken::new(counting(&other)));
        let mut poll_both = async || {
            poll_fn(|context| {
                let _ = (Pin::new(&mut first).poll(context), Pin::new(&mut second).poll(context));
                Poll::Ready(())
            })
            .await;
            (lock(&one).0, lock(&other).0)
        };
        assert_eq!(poll_both().await, (1, 1));
        assert_eq!(poll_both().await, (1, 1), "neither was woken");
        let waker = lock(&other).1.clone().unwrap();
        waker.wake();
        assert_eq!(poll_both().await, (1, 2), "the second was woken");
        assert_eq!(poll_both().await, (1, 2), "once");
    }

    #[tokio::test]
    async fn a_wake_reaches_the_task() {
        let notify = tokio::sync::Notify::new();
        let mut notified = WhenWoken::new(Box::pin(notify.notified()));
        tokio::join!(async { notify.notify_one() }, &mut notified);
    }
}
