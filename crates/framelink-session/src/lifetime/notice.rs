//! Notices that tell a connection to end, and the reasons why it ends.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use framelink_codec::notation::{ShowSize, TimeText};

/// How close a connection is to its end. The enum is exhaustive. A later stage is never taken back.
///
/// See [`Notice`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeStage {
    /// The connection stays open.
    #[default]
    Open,
    /// The connection ends at its next quiet moment: no byte waits, no message has begun, and no reply is owed.
    Draining,
    /// The connection takes no new message. A message that has begun is the last one. Delivered requests are finished.
    Closing,
    /// The connection ends at once, because a newer connection takes its place or because of the memory that it holds.
    Dropped,
    /// The connection ends at once, because the time for finishing is over.
    Cut,
}

/// Why a connection ends although its peer did not end it. The enum is exhaustive.
///
/// See [`Lifetime`](crate::Lifetime) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// No message was received or sent for too long. Heartbeats do not count.
    Idle {
        /// The limit.
        after: Duration,
    },
    /// The connection reached its lifetime.
    Lifetime {
        /// The limit.
        after: Duration,
    },
    /// The connection was told to drain and had a quiet moment, or the time for new messages was over.
    Drained,
    /// A newer connection takes its place.
    Dropped,
    /// The memory budget of the server was used up, and the client of this connection held most of it.
    Memory {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The connections of this client held more memory than one client may hold.
    ClientMemory {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The time for finishing is over.
    Cut,
}

impl Ending {
    /// Returns whether the connection ends without finishing any message.
    #[must_use]
    pub const fn is_abrupt(self) -> bool {
        matches!(self, Self::Dropped | Self::Memory { .. } | Self::ClientMemory { .. } | Self::Cut)
    }
}

/// Tells a connection to end. Both halves of the session hold it, and so does the server or another owner.
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
    wakers: Mutex<Wakers>,
}

/// A [`NoticeStage`] shared by threads. It only advances.
#[derive(Default)]
struct AtomicStage(AtomicU8);

impl AtomicStage {
    /// Advances to this stage. Returns false if the stage was reached before.
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

/// What is woken when the stage changes.
#[derive(Default)]
struct Wakers {
    /// Wakes the receiving half, and the sending half if the same task has it.
    receiver: Option<Waker>,
    /// Boxed, because most connections have none of it.
    rare: Option<Box<Rare>>,
}

/// What few connections have.
#[derive(Default)]
struct Rare {
    /// Wakes the sending half, if another task may have it.
    sender: Option<Waker>,
    /// Ends the waits of threads that are blocked in a system call.
    closer: Option<Box<dyn Fn() + Send + Sync>>,
    /// Why the connection is dropped, if not for a newer one.
    evicted: Option<Ending>,
}

impl Notice {
    /// Creates a notice at stage [`Open`](NoticeStage::Open).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Advances the connection to this stage, unless it is at a later one, and wakes what waits on the connection.
    pub fn tell(&self, stage: NoticeStage) {
        if !self.stage.advance(stage) {
            return;
        }
        let mut wakers = self.wakers();
        let woken = [wakers.receiver.clone(), wakers.rare.as_ref().and_then(|rare| rare.sender.clone())];
        let is_abrupt = stage >= NoticeStage::Dropped;
        let closer = wakers.rare.as_mut().filter(|_| is_abrupt).and_then(|rare| rare.closer.take());
        // The lock is released first, because a woken task may take its own locks.
        drop(wakers);
        if let Some(close) = closer {
            close();
        }
        woken.into_iter().flatten().for_each(Waker::wake);
    }

    /// Ends the connection at once because of the memory that it holds, unless it is ending at once already.
    pub(crate) fn evict(&self, ending: Ending) {
        if self.stage() >= NoticeStage::Dropped {
            return;
        }
        let mut wakers = self.wakers();
        let rare = wakers.rare.get_or_insert_default();
        if rare.evicted.is_none() {
            rare.evicted = Some(ending);
            drop(wakers);
            self.tell(NoticeStage::Dropped);
        }
    }

    /// Returns why the connection ends at once, or `None` if it does not.
    #[inline]
    pub fn abrupt(&self) -> Option<Ending> {
        match self.stage() {
            NoticeStage::Dropped => Some(self.why_dropped()),
            NoticeStage::Cut => Some(Ending::Cut),
            NoticeStage::Open | NoticeStage::Draining | NoticeStage::Closing => None,
        }
    }

    #[cold]
    fn why_dropped(&self) -> Ending {
        let evicted = self.wakers().rare.as_ref().and_then(|rare| rare.evicted);
        evicted.unwrap_or(Ending::Dropped)
    }

    /// Returns the stage.
    #[inline]
    #[must_use]
    pub fn stage(&self) -> NoticeStage {
        self.stage.get()
    }

    /// Sets the waker of the receiving half. Call this before reading the stage, so that no change is missed. Returns
    /// whether it was this waker before.
    pub fn wake_receiver(&self, waker: &Waker) -> bool {
        let mut wakers = self.wakers();
        if wakers.receiver.as_ref().is_some_and(|before| before.will_wake(waker)) {
            return true;
        }
        let before = wakers.receiver.replace(waker.clone());
        // The sending half may still be in the task before. If it is not, that task is woken for nothing.
        if let Some(before) = before
            && wakers.rare.as_ref().is_none_or(|rare| rare.sender.is_none())
        {
            wakers.rare.get_or_insert_default().sender = Some(before);
        }
        wakers.join();
        false
    }

    /// Sets the waker of the sending half. Call this before reading the stage, so that no change is missed.
    pub fn wake_sender(&self, waker: &Waker) {
        let mut wakers = self.wakers();
        let is_same = wakers.receiver.as_ref().is_some_and(|receiver| receiver.will_wake(waker));
        if is_same && wakers.rare.is_none() {
            return;
        }
        set(&mut wakers.rare.get_or_insert_default().sender, waker);
        wakers.join();
    }

    /// Sets the function that ends waits in system calls. It is called when the connection ends at once.
    pub fn close_with(&self, closer: Box<dyn Fn() + Send + Sync>) {
        let mut wakers = self.wakers();
        if self.stage() < NoticeStage::Dropped {
            wakers.rare.get_or_insert_default().closer = Some(closer);
            return;
        }
        drop(wakers);
        closer();
    }

    fn wakers(&self) -> MutexGuard<'_, Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wakers {
    /// Frees the waker of the sending half if it is that of the receiving half.
    fn join(&mut self) {
        let Self { receiver: Some(receiver), rare: Some(rare) } = self else { return };
        if rare.sender.as_ref().is_some_and(|sender| sender.will_wake(receiver)) {
            rare.sender = None;
        }
        if rare.sender.is_none() && rare.closer.is_none() && rare.evicted.is_none() {
            self.rare = None;
        }
    }
}

fn set(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(before) => before.clone_from(waker),
        None => *place = Some(waker.clone()),
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
                write!(f, "the connection was ended: it had no messages for {}", TimeText(*after))
            }
            Self::Lifetime { after } => {
                write!(f, "the connection reached its lifetime of {}", TimeText(*after))
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
            Self::Cut => f.write_str("the connection was cut: the time to finish its messages is over"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// The halves of a connection in the order in which they set their wakers, each with the number of its task, and
    /// the tasks that must be woken.
    type Case = (&'static [(char, usize)], &'static [usize]);

    const CASES: &[Case] = &[
        (&[('r', 0)], &[0]),
        (&[('s', 0)], &[0]),
        (&[('r', 0), ('s', 0)], &[0]),
        (&[('s', 0), ('r', 0)], &[0]),
        (&[('r', 0), ('s', 1)], &[0, 1]),
        (&[('s', 1), ('r', 0)], &[0, 1]),
        // Both halves were in task 0, and only the receiving half has moved.
        (&[('r', 0), ('s', 0), ('r', 1)], &[0, 1]),
        (&[('r', 0), ('s', 0), ('s', 1)], &[0, 1]),
        (&[('r', 0), ('s', 1), ('r', 2), ('s', 0)], &[0, 2]),
        (&[('r', 0), ('s', 0), ('r', 1), ('s', 1)], &[1]),
        (&[('r', 0), ('s', 1), ('r', 1)], &[1]),
    ];

    #[test]
    fn the_task_of_each_half_is_woken_and_a_task_with_both_halves_has_one_waker() {
        for (set, woken) in CASES {
            let tasks: [Arc<Task>; 3] = Default::default();
            let notice = Notice::new();
            for &(half, task) in *set {
                let waker = Waker::from(Arc::clone(&tasks[task]));
                match half {
                    'r' => _ = notice.wake_receiver(&waker),
                    _ => notice.wake_sender(&waker),
                }
            }
            let is_one_task = woken.len() == 1 && set.contains(&('r', woken[0]));
            assert_eq!(notice.wakers().rare.is_none(), is_one_task, "{set:?}");
            notice.tell(NoticeStage::Draining);
            for (number, task) in tasks.iter().enumerate() {
                assert_eq!(task.0.load(Ordering::Acquire), usize::from(woken.contains(&number)), "{set:?}: {number}");
            }
        }
    }
}
