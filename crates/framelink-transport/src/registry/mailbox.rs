//! The queue of messages that are pushed to one connection of a registry.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use framelink_codec::Encode;

use super::{MemberId, Shared};
use crate::net::lock::Lock;
use crate::session::memory::Held;
use crate::session::{Backlog, Offered, Outbox, Packed, PushCounts, SendRefused, Sending};

/// The queue of one connection. Dropping it removes the connection from the registry.
pub(crate) struct Mailbox<C> {
    pub(crate) id: MemberId,
    pub(crate) slot: Arc<Slot>,
    pub(super) shared: Arc<Shared<C>>,
}

/// The state that the registry and the connection share. It is locked only briefly, and never while waiting.
pub(crate) struct Slot(Lock<SlotState>);

struct SlotState {
    outbox: Outbox,
    /// Wakes the task or thread that writes to the connection.
    waker: Option<Waker>,
    /// Counts the memory of the queued messages, if it is to be counted.
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

    /// Returns whether the connection is to be closed because it was too slow.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().outbox.is_closed()
    }

    /// Returns whether no message is queued.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Notes that the socket took this many more messages completely.
    pub(crate) fn on_written(&self, count: u64) {
        self.0.lock().outbox.on_written(count);
    }

    /// Sets the waker for the next push, or for the close of the connection.
    pub(crate) fn wake(&self, waker: &Waker) {
        let mut state = self.0.lock();
        match &mut state.waker {
            Some(set) => set.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Moves frames to the session until this many bytes are to be written. Returns how many frames.
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

    /// Returns another counter of this memory.
    pub(super) fn memory(&self) -> Held {
        self.0.lock().memory.another()
    }

    /// Queues a frame. Collects the waker if the writer is idle, or if the connection must end.
    pub(super) fn offer(&self, frame: &Packed, wakers: &mut Vec<Waker>) -> Offered {
        let mut state = self.0.lock();
        let was_empty = state.outbox.is_empty();
        let offered = state.outbox.offer(frame);
        state.note();
        if was_empty || offered == Offered::Closed {
            // The waker is kept, because a long write must end too when the connection is to be closed.
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

    /// Closes the queue of a connection that has ended.
    pub(super) fn close(&self) -> PushCounts {
        let mut state = self.0.lock();
        state.outbox.close();
        state.note();
        state.outbox.counts()
    }
}

impl SlotState {
    /// Notes the memory of the queue. Connections are told to end only without locks.
    fn note(&mut self) {
        self.memory.note(self.outbox.bytes());
    }
}
