//! Requests of several threads, and their outcomes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::ledger::{Ledger, Outcome};
use super::rounds::{Round, Rounds};
use crate::DEADLINE;

const THREADS: u64 = 8;
const REQUESTS: u64 = 100;

/// Our client, a daemon that passes its requests on, and our server.
pub(crate) trait Sides {
    /// Waits until heartbeats have passed without other messages.
    fn quiet(&mut self);
    /// Ends one side, and starts it again.
    fn restart(&mut self, restart: Restart);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// The daemon is killed without notice.
    DaemonKilled,
    ServerKilled,
    ClientDisconnects,
    /// The daemon is asked to end.
    DaemonStopped,
}

impl Restart {
    const IN_TURN: [Self; 4] = [Self::DaemonKilled, Self::ServerKilled, Self::ClientDisconnects, Self::DaemonStopped];
}

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

    /// Runs the rounds. During a restart requests are sent, and some fail.
    pub(crate) fn run(&self, sides: &mut impl Sides) {
        self.during(|| self.wait_for_answers(1));
        let mut restarts = Restart::IN_TURN.iter().cycle();
        for round in Rounds::begin() {
            match round {
                Round::Plain => {
                    self.burst();
                    sides.quiet();
                }
                Round::Restart(_) => self.during(|| {
                    self.wait_for_answers(REQUESTS);
                    sides.restart(*restarts.next().expect("a restart"));
                    self.wait_for_answers(REQUESTS);
                }),
            }
        }
    }

    /// Sends requests, and all of them are answered.
    fn burst(&self) {
        let (first, answered) = (self.begun(), self.answered());
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while self.begun() < first + REQUESTS {
                        self.request();
                    }
                });
            }
        });
        assert_eq!(self.answered() - answered, self.begun() - first, "some of the requests from {first} have failed");
    }

    /// Sends requests while `work` runs.
    fn during(&self, work: impl FnOnce()) {
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

    fn wait_for_answers(&self, count: u64) {
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
            // A side is away.
            Outcome::NotSent | Outcome::Unknown => thread::sleep(Duration::from_millis(1)),
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
