//! What is pushed to one connection of a registry, and who writes that.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use framelink_codec::Encode;

use super::{MemberId, Shared};
use crate::net::lock::Lock;
use crate::session::memory::Held;
use crate::session::{Backlog, Offered, Outbox, Packed, PushCounts, SendRefused, Sending};

/// Where what is pushed to a connection waits. Dropped, the connection has left.
pub(crate) struct Mailbox<C> {
    pub(crate) id: MemberId,
    pub(crate) slot: Arc<Slot>,
    pub(super) shared: Arc<Shared<C>>,
}

/// What the registry and the connection share. Locked for moments only, and never across a wait.
pub(crate) struct Slot(Lock<SlotState>);

struct SlotState {
    outbox: Outbox,
    /// For what writes to the connection.
    waker: Option<Waker>,
    /// The memory of what waits, where that is counted.
    memory: Held,
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

impl Slot {
    pub(super) const fn new(backlog: Backlog, memory: Held) -> Self {
        Self(Lock::new(SlotState { outbox: Outbox::new(backlog), waker: None, memory }))
    }

    /// Whether the connection was too slow and is to be closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().outbox.is_closed()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// The socket took so many more of the messages whole.
    pub(crate) fn on_written(&self, count: u64) {
        self.0.lock().outbox.on_written(count);
    }

    /// Sets what is woken when the next message is pushed, or the connection is to be closed.
    pub(crate) fn wake(&self, waker: &Waker) {
        let mut state = self.0.lock();
        match &mut state.waker {
            Some(set) => set.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Queues frames until so many bytes are to be written. Returns how many frames.
    pub(crate) fn fill<E: Encode>(&self, sending: &mut Sending<E>, bytes: usize) -> Result<u64, SendRefused<E::Error>> {
        let mut state = self.0.lock();
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

    /// Where its memory is counted.
    pub(super) fn memory(&self) -> Held {
        self.0.lock().memory.another()
    }

    /// A frame is to be written. What writes is to be woken where it has nothing to do, or must end.
    pub(super) fn offer(&self, frame: &Packed, wakers: &mut Vec<Waker>) -> Offered {
        let mut state = self.0.lock();
        let was_empty = state.outbox.is_empty();
        let offered = state.outbox.offer(frame);
        state.note();
        if was_empty || offered == Offered::Closed {
            // The waker is kept: writing may take long, and must end when the connection is to be closed.
            wakers.extend(state.waker.clone());
        }
        offered
    }

    pub(super) fn counts(&self) -> PushCounts {
        self.0.lock().outbox.counts()
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.lock().outbox.len()
    }

    /// The connection has ended.
    pub(super) fn close(&self) -> PushCounts {
        let mut state = self.0.lock();
        state.outbox.close();
        state.note();
        state.outbox.counts()
    }
}

impl SlotState {
    /// A connection that has to end because of the memory is told when nothing is locked.
    fn note(&mut self) {
        self.memory.note(self.outbox.bytes());
    }
}
