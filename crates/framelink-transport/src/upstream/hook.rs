//! Telling the application of losses.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use super::Loss;

/// What the application wants done.
pub(crate) type OnLoss = Arc<dyn Fn(&Loss) + Send + Sync>;

/// So many losses wait for a hook that is busy.
const CAPACITY: usize = 1024;

/// Runs a hook in a thread of its own, from the first loss on, so that one that hangs holds nobody up.
pub(super) struct Hook {
    on_loss: OnLoss,
    losses: OnceLock<Option<SyncSender<Loss>>>,
    panics: Arc<AtomicU64>,
    missed: AtomicU64,
}

impl Hook {
    pub(super) fn new(on_loss: OnLoss) -> Self {
        Self { on_loss, losses: OnceLock::new(), panics: Arc::default(), missed: AtomicU64::new(0) }
    }

    /// Has it told, some time soon.
    pub(super) fn tell(&self, loss: Loss) {
        let losses = self.losses.get_or_init(|| {
            let (sender, losses) = sync_channel(CAPACITY);
            let (on_loss, panics) = (Arc::clone(&self.on_loss), Arc::clone(&self.panics));
            let thread = std::thread::Builder::new().name("framelink-on-loss".to_owned());
            thread.spawn(move || run(&losses, &*on_loss, &panics)).ok().map(|_| sender)
        });
        let told = losses.as_ref().is_some_and(|losses| losses.try_send(loss).is_ok());
        if !told {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    pub(super) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

/// Until the upstream and its connections are gone.
fn run(losses: &Receiver<Loss>, on_loss: &(dyn Fn(&Loss) + Send + Sync), panics: &AtomicU64) {
    for loss in losses {
        // Whatever it shares with others is its own to keep in order.
        if catch_unwind(AssertUnwindSafe(|| on_loss(&loss))).is_err() {
            panics.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
