//! The cells of a row run side by side in one network: they wait for the fault together, and each reports its progress.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Every event that a row waits for happens within this time, or the row fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The state that the cells of a row share.
#[derive(Debug, Default)]
pub(crate) struct NoticeStage {
    ready: AtomicUsize,
    struck: OnceLock<Instant>,
    over: AtomicBool,
}

/// One cell, as its row sees it.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    stage: Arc<NoticeStage>,
    steps: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    began: Instant,
}

impl NoticeStage {
    pub(crate) fn part(self: &Arc<Self>) -> Part {
        Part { stage: Arc::clone(self), steps: Arc::default(), ended: Arc::default(), began: Instant::now() }
    }

    /// Waits until this many cells are ready for the fault, or have failed.
    pub(crate) fn wait_until_ready(&self, parts: &[Part]) {
        wait_for("cells that are ready", || {
            let ended = parts.iter().filter(|part| part.ended.load(Ordering::Acquire)).count();
            self.ready.load(Ordering::Acquire) + ended >= parts.len()
        });
    }

    /// Waits until this many clients are ready.
    pub(crate) fn wait_for_ready(&self, count: usize) {
        wait_for("clients that are ready", || self.ready.load(Ordering::Acquire) >= count);
    }

    /// Tells the cells that the fault has happened.
    pub(crate) fn strike(&self) {
        let _ = self.struck.set(Instant::now());
    }

    /// Waits until each cell has made this many more steps, or has failed.
    pub(crate) fn wait_for_steps(parts: &[Part], more: u64) {
        let wanted: Vec<_> = parts.iter().map(|part| part.steps.load(Ordering::Acquire) + more).collect();
        wait_for("cells that go on", || {
            let mut all = parts.iter().zip(&wanted);
            all.all(|(part, wanted)| {
                part.ended.load(Ordering::Acquire) || part.steps.load(Ordering::Acquire) >= *wanted
            })
        });
    }

    /// Waits until each cell has ended.
    pub(crate) fn wait_until_ended(&self, parts: &[Part]) {
        wait_for("cells that end", || parts.iter().all(|part| part.ended.load(Ordering::Acquire)));
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }
}

impl Part {
    /// Reports that the cell is ready, and waits for the fault.
    pub(crate) fn wait_for_the_fault(&self) {
        self.stage.ready.fetch_add(1, Ordering::AcqRel);
        while self.struck_at().is_none() {
            self.must_go_on("the fault");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Reports that the cell is ready, and continues.
    pub(crate) fn is_ready(&self) {
        self.stage.ready.fetch_add(1, Ordering::AcqRel);
    }

    /// Returns when the fault happened.
    pub(crate) fn struck_at(&self) -> Option<Instant> {
        self.stage.struck.get().copied()
    }

    pub(crate) fn step(&self) {
        self.steps.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stage.over.load(Ordering::Acquire) || self.began.elapsed() > 2 * DEADLINE
    }

    pub(crate) fn must_go_on(&self, what: &str) {
        assert!(self.began.elapsed() < 2 * DEADLINE, "waited in vain for {what}");
    }

    /// Reports that the cell has ended, with or without an error.
    pub(crate) fn ends(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < DEADLINE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
