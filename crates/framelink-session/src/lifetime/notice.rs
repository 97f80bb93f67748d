//! How a connection is told, from elsewhere, to end, and why it ends.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use framelink_codec::notation::{ShowSize, TimeText};

/// How far a connection is from its end, as somebody else has decided. Complete by nature; a later stage is never taken back.
///
/// See [`Notice`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeStage {
    /// It goes on.
    #[default]
    Open,
    /// It is to end at its next quiet moment: nothing is there to be read, no message has begun to come, no reply is owed.
    Draining,
    /// Nothing new is taken, quiet or not. A message that has begun to come is the last, and what was taken is finished.
    Closing,
    /// It is to end at once, for a newer connection takes its place, or for the memory that it holds.
    Dropped,
    /// It is to end at once: the time for what was in flight is over.
    Cut,
}

/// Why a connection ends though its peer has not ended it. Complete by nature.
///
/// See [`Lifetime`](crate::Lifetime) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing came or went, heartbeats apart, for so long.
    Idle {
        /// The limit.
        after: Duration,
    },
    /// It was there for so long.
    Lifetime {
        /// The limit.
        after: Duration,
    },
    /// It was told to, and a quiet moment came, or the time for taking is over.
    Drained,
    /// A newer connection takes its place.
    Dropped,
    /// The memory budget of the server was used up, and the client of this connection held most of it.
    Memory {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The connections of this client held as much memory as one client may hold.
    ClientMemory {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The time for what was in flight is over.
    Cut,
}

impl Ending {
    /// Whether nothing is finished any more.
    #[must_use]
    pub const fn is_abrupt(self) -> bool {
        matches!(self, Self::Dropped | Self::Memory { .. } | Self::ClientMemory { .. } | Self::Cut)
    }
}

/// What tells a connection to end, held by whoever may have to, a server say, and by both halves of its session.
///
/// ```
/// use std::sync::Arc;
/// use framelink_session::{Notice, NoticeStage};
///
/// let notice = Arc::new(Notice::new());
/// assert_eq!(notice.stage(), NoticeStage::Open);
/// notice.tell(NoticeStage::Closing);
/// notice.tell(NoticeStage::Draining);
/// assert_eq!(notice.stage(), NoticeStage::Closing, "it is never taken back");
/// ```
#[derive(Default)]
pub struct Notice {
    stage: AtomicStage,
    /// Why it is dropped, where it does not make room for a newer one.
    evicted: OnceLock<Ending>,
    ears: Mutex<Wakers>,
}

/// A [`NoticeStage`] that many threads share, and that only advances.
#[derive(Default)]
struct AtomicStage(AtomicU8);

impl AtomicStage {
    /// Comes to this stage. False if it was there before, or further.
    fn advance(&self, stage: NoticeStage) -> bool {
        self.0.fetch_max(stage as u8, Ordering::AcqRel) < stage as u8
    }

    #[inline]
    fn get(&self) -> NoticeStage {
        match self.0.load(Ordering::Acquire) {
            0 => NoticeStage::Open,
            1 => NoticeStage::Draining,
            2 => NoticeStage::Closing,
            3 => NoticeStage::Dropped,
            _ => NoticeStage::Cut,
        }
    }
}

/// Whom to tell.
#[derive(Default)]
struct Wakers {
    receiver: Option<Waker>,
    sender: Option<Waker>,
    /// What ends the waits of whoever is inside a call of the system.
    closer: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Notice {
    /// Of a connection that goes on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has the connection come to this stage, unless it is further. Whoever waits on it looks.
    pub fn tell(&self, stage: NoticeStage) {
        if !self.stage.advance(stage) {
            return;
        }
        let mut ears = self.ears();
        let wakers = [ears.receiver.clone(), ears.sender.clone()];
        let closer = if stage >= NoticeStage::Dropped { ears.closer.take() } else { None };
        // Not locked: whoever is woken may have locks of its own.
        drop(ears);
        if let Some(close) = closer {
            close();
        }
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Has the connection end at once for the memory that it holds, unless it does already.
    pub(crate) fn evict(&self, ending: Ending) {
        if self.stage() < NoticeStage::Dropped && self.evicted.set(ending).is_ok() {
            self.tell(NoticeStage::Dropped);
        }
    }

    /// Whether the connection is to end at once, whatever is in flight, and why.
    pub fn abrupt(&self) -> Option<Ending> {
        match self.stage() {
            NoticeStage::Dropped => Some(self.evicted.get().copied().unwrap_or(Ending::Dropped)),
            NoticeStage::Cut => Some(Ending::Cut),
            NoticeStage::Open | NoticeStage::Draining | NoticeStage::Closing => None,
        }
    }

    /// How far it is.
    #[must_use]
    pub fn stage(&self) -> NoticeStage {
        self.stage.get()
    }

    /// Whom to wake, of those that receive, when the stage changes. To be said before the stage is looked at.
    pub fn wake_receiver(&self, waker: &Waker) {
        set(&mut self.ears().receiver, waker);
    }

    /// The same of those that send.
    pub fn wake_sender(&self, waker: &Waker) {
        set(&mut self.ears().sender, waker);
    }

    /// What ends the waits of whoever is inside a call of the system, when the connection is to end at once.
    pub fn close_with(&self, closer: Box<dyn Fn() + Send + Sync>) {
        let mut ears = self.ears();
        if self.stage() < NoticeStage::Dropped {
            ears.closer = Some(closer);
            return;
        }
        drop(ears);
        closer();
    }

    fn ears(&self) -> MutexGuard<'_, Wakers> {
        self.ears.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(ear: &mut Option<Waker>, waker: &Waker) {
    match ear {
        Some(before) => before.clone_from(waker),
        None => *ear = Some(waker.clone()),
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice").field("stage", &self.stage()).finish_non_exhaustive()
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle { after } => {
                write!(f, "nothing came or went for {}, and the connection was ended", TimeText(*after))
            }
            Self::Lifetime { after } => {
                write!(f, "the connection was there for {}, which is its lifetime", TimeText(*after))
            }
            Self::Drained => f.write_str("the connection was ended by a drain"),
            Self::Dropped => f.write_str("the connection was dropped to make room for a newer one"),
            Self::Memory { limit } => {
                let limit = ShowSize(*limit);
                write!(f, "the server's memory budget of {limit} was used up, and this client held most of it")
            }
            Self::ClientMemory { limit } => {
                write!(f, "this client held more than its share of the server's memory, which is {}", ShowSize(*limit))
            }
            Self::Cut => f.write_str("the connection was cut: the time for what was in flight is over"),
        }
    }
}
