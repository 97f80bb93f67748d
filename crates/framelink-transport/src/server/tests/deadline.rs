//! The timer of a connection that a server may tell to end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::FramingPair;
use crate::connection::{Parts, SessionParts as _};
use crate::error::Cause;
use crate::session::{self, Lifetime, Notice};
use crate::tokio::Connection;
use framelink_profile::Framing;

const LIMIT: Duration = Duration::from_secs(1);

/// Counts how often it is woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_wakes_the_task_that_polled_last() {
    let framing: FramingPair = "net:2".parse::<Framing>().unwrap().into();
    let (ours, _theirs) = tokio::io::duplex(64);
    let mut connection = Connection::from_parts(ours, tokio::io::sink(), framing);
    let Parts { receiving, sending, .. } = connection.parts();
    receiving.limit_first(LIMIT);
    session::limit_lifetime(receiving, sending, Lifetime::new().heed(Arc::new(Notice::new())));
    let tasks: [Arc<Task>; 2] = Default::default();
    let mut poll = |task: usize| {
        let waker = Waker::from(Arc::clone(&tasks[task]));
        pin!(connection.recv()).poll(&mut Context::from_waker(&waker))
    };
    assert!([0, 0, 1, 1].into_iter().all(|task| poll(task).is_pending()));
    tokio::time::sleep(LIMIT).await;
    assert_eq!(tasks.each_ref().map(|task| task.0.load(Ordering::Acquire)), [0, 1]);
    let Poll::Ready(Err(error)) = poll(1) else { panic!("the limit has passed") };
    assert!(matches!(error.cause(), Cause::TimedOut { .. }), "{error}");
}
