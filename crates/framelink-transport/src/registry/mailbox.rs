//! One connection of a registry: what is pushed to it, and who writes that.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use framelink_codec::Encode;

use super::{MemberId, Shared};
use crate::session::memory::Held;
use crate::session::{Backlog, Offered, Outbox, Packed, PushCounts, SendRefused, Sending};

/// Where what is pushed to a connection waits. Dropped, the connection has left.
pub(crate) struct Mailbox<C> {
    id: MemberId,
    slot: Arc<Slot>,
    shared: Arc<Shared<C>>,
}

/// What the registry and the connection share. Locked for moments only, and never across a wait.
pub(super) struct Slot(Mutex<State>);

struct State {
    outbox: Outbox,
    /// Whoever writes.
    waker: Option<Waker>,
    /// The memory of what waits, where that is counted.
    memory: Held,
}

impl<C> Mailbox<C> {
    pub(super) const fn new(id: MemberId, slot: Arc<Slot>, shared: Arc<Shared<C>>) -> Self {
        Self { id, slot, shared }
    }

    pub(crate) const fn id(&self) -> MemberId {
        self.id
    }

    /// Whether the connection was too slow and is to be closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.slot.lock().outbox.is_closed()
    }

    /// What tells whether it was too slow and is to be closed, to whoever does not hold it.
    #[cfg(feature = "blocking")]
    pub(crate) fn watch(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let slot = Arc::clone(&self.slot);
        move || slot.lock().outbox.is_closed()
    }

    /// Whether something waits.
    #[cfg(any(feature = "tokio", feature = "nonblocking"))]
    pub(crate) fn is_empty(&self) -> bool {
        self.slot.lock().outbox.is_empty()
    }

    /// The socket took so many more of the messages whole.
    pub(crate) fn on_written(&self, count: u64) {
        self.slot.lock().outbox.on_written(count);
    }

    /// Whom to tell when the next message comes, or the connection is to be closed.
    pub(crate) fn tell(&self, waker: &Waker) {
        let mut state = self.slot.lock();
        match &mut state.waker {
            Some(told) => told.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Hands frames on until so many bytes are to be written; how many.
    pub(crate) fn fill<E: Encode>(&self, sending: &mut Sending<E>, bytes: usize) -> Result<u64, SendRefused<E::Error>> {
        let mut state = self.slot.lock();
        let mut count = 0;
        while sending.queued_len() < bytes
            && sending.has_room()
            && let Some(frame) = state.outbox.take()
        {
            sending.queue_packed(&frame)?;
            count += 1;
        }
        state.note();
        Ok(count)
    }
}

impl<C> Drop for Mailbox<C> {
    fn drop(&mut self) {
        self.shared.leave(self.id);
    }
}

impl<C> fmt::Debug for Mailbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("id", &self.id).field("waiting", &self.slot.waiting()).finish_non_exhaustive()
    }
}

impl State {
    /// Who has to end for it is told when nothing is locked.
    fn note(&mut self) {
        self.memory.note(self.outbox.bytes());
    }
}

impl Slot {
    pub(super) const fn new(backlog: Backlog, memory: Held) -> Self {
        Self(Mutex::new(State { outbox: Outbox::new(backlog), waker: None, memory }))
    }

    /// Where its memory is counted.
    pub(super) fn memory(&self) -> Held {
        self.lock().memory.another()
    }

    /// A frame is to be written. Whoever writes is to be woken where it has nothing to do, or must end.
    pub(super) fn offer(&self, frame: &Packed, wakers: &mut Vec<Waker>) -> Offered {
        let mut state = self.lock();
        let was_empty = state.outbox.is_empty();
        let offered = state.outbox.offer(frame);
        state.note();
        if was_empty || offered == Offered::Closed {
            // Kept: whoever writes may be at it for long, and must be told then that the connection is to be closed.
            wakers.extend(state.waker.clone());
        }
        offered
    }

    pub(super) fn counts(&self) -> PushCounts {
        self.lock().outbox.counts()
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().outbox.len()
    }

    /// The connection has ended.
    pub(super) fn close(&self) -> PushCounts {
        let mut state = self.lock();
        state.outbox.close();
        state.note();
        state.outbox.counts()
    }

    /// Whoever panicked while holding it was in the middle of nothing that others could not go on from.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
