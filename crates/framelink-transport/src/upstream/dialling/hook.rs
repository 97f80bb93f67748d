//! Reports losses to the application.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::{Counts, Loss};
use crate::net::lock::Lock;
use crate::net::threads;

/// The application's hook.
pub(crate) type OnLoss = Arc<dyn Fn(&Loss) + Send + Sync>;

/// How many losses may wait for a hook that is busy.
const CAPACITY: usize = 1024;

/// Runs a hook in a thread of its own, which starts at the first loss. A hook that hangs therefore delays nothing else.
pub(super) struct Hook {
    on_loss: OnLoss,
    /// The queue of its thread, once there is a thread.
    losses: Lock<Option<SyncSender<Loss>>>,
    panics: Arc<AtomicU64>,
    missed: AtomicU64,
    threads_refused: AtomicU64,
}

impl Hook {
    pub(super) fn new(on_loss: OnLoss) -> Self {
        let (missed, threads_refused) = Default::default();
        Self { on_loss, losses: Lock::new(None), panics: Arc::default(), missed, threads_refused }
    }

    pub(super) fn tell(&self, loss: Loss) {
        let mut losses = self.losses.lock();
        if losses.is_none() {
            *losses = self.begin();
        }
        let told = losses.as_ref().is_some_and(|losses| losses.try_send(loss).is_ok());
        if !told {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Starts the thread. If the system has none left, the next loss tries again.
    fn begin(&self) -> Option<SyncSender<Loss>> {
        let (sender, losses) = sync_channel(CAPACITY);
        let (on_loss, panics) = (Arc::clone(&self.on_loss), Arc::clone(&self.panics));
        let begun = threads::spawn("framelink-on-loss", move || run(&losses, &*on_loss, &panics));
        if begun.is_err() {
            self.threads_refused.fetch_add(1, Ordering::Relaxed);
        }
        begun.ok().map(|_| sender)
    }

    pub(super) fn add_to(&self, counts: &mut Counts) {
        counts.hook_panics = self.panics.load(Ordering::Relaxed);
        counts.hook_missed = self.missed.load(Ordering::Relaxed);
        counts.threads_refused += self.threads_refused.load(Ordering::Relaxed);
    }
}

/// Calls the hook until the upstream and its connections are gone.
fn run(losses: &Receiver<Loss>, on_loss: &(dyn Fn(&Loss) + Send + Sync), panics: &AtomicU64) {
    for loss in losses {
        // State that the hook shares with other code is the application's responsibility after a panic.
        if catch_unwind(AssertUnwindSafe(|| on_loss(&loss))).is_err() {
            panics.fetch_add(1, Ordering::Relaxed);
        }
    }
}
