//! Requests of several threads, and their outcomes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::ledger::{Ledger, Outcome};
use crate::DEADLINE;

const THREADS: u64 = 8;

/// Sends requests with consecutive numbers, and records the outcomes in a ledger.
pub(crate) struct Load<'a, F> {
    ledger: &'a Mutex<Ledger>,
    /// Sends the request of this number, and returns its outcome.
    call: F,
    begun: AtomicU64,
    answered: AtomicU64,
}

impl<'a, F: Fn(u64) -> Outcome + Sync> Load<'a, F> {
    pub(crate) const fn new(ledger: &'a Mutex<Ledger>, call: F) -> Self {
        Self { ledger, call, begun: AtomicU64::new(0), answered: AtomicU64::new(0) }
    }

    /// Sends requests until a number of them were answered, each thread one after the other.
    pub(crate) fn until_answered(&self, count: u64) {
        self.during(|| self.wait_for_answers(count));
    }

    /// Sends this many requests. All are answered.
    pub(crate) fn burst(&self, count: u64) {
        let (first, answered) = (self.begun(), self.answered());
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while self.begun() < first + count {
                        self.request()
                    }
                });
            }
        });
        assert_eq!(self.answered() - answered, self.begun() - first, "some of the requests from {first} have failed");
    }

    /// Sends requests while `work` runs.
    pub(crate) fn during(&self, work: impl FnOnce()) {
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while !is_done.load(Ordering::Relaxed) {
                        self.request()
                    }
                });
            }
            // The threads end after a panic too.
            let _done = OnDrop(&is_done);
            work();
        });
    }

    pub(crate) fn wait_for_answers(&self, count: u64) {
        let (began, enough) = (Instant::now(), self.answered() + count);
        while self.answered() < enough {
            assert!(
                began.elapsed() < DEADLINE,
                "no answers; {} of {} requests have one",
                self.answered(),
                self.begun()
            );
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn request(&self) {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        let outcome = (self.call)(number);
        self.ledger.lock().unwrap().ended(number, outcome);
        match outcome {
            Outcome::Answered => _ = self.answered.fetch_add(1, Ordering::SeqCst),
            // The peer is away.
            Outcome::NotSent => thread::sleep(Duration::from_millis(1)),
            Outcome::Unknown => {}
        }
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }
}

/// Sets a flag when it is dropped.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
