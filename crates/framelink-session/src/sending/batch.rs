//! Queueing many messages at once.

use framelink_codec::Encode;

use super::{SendState, Sending};
use crate::append::append;

/// The queue of a [`Sending`], taken out so that its parts stay in registers while many messages are queued.
pub(crate) struct Batch {
    queue: Vec<u8>,
    ends: Vec<u64>,
    accepted: u64,
    /// How many bytes, and how many messages in all, the queue still has room for.
    room: usize,
    most: usize,
}

impl Batch {
    /// Queues a message. Returns false, and does nothing, if the queue has no room, or the message has no short head.
    #[inline]
    pub(crate) fn push(&mut self, framing: &impl Encode, payload: &[u8]) -> bool {
        if self.room == 0 || self.ends.len() >= self.most {
            return false;
        }
        let Some(head) = framing.short_head(payload.len()) else { return false };
        let head_len = usize::from(head.len);
        let frame_len = head_len + payload.len();
        // Eight bytes are copied faster than a number of bytes that the compiler does not know.
        let payload_at = self.queue.len() + head_len;
        self.queue.reserve(head.bytes.len() + payload.len());
        self.queue.extend_from_slice(&head.bytes);
        self.queue.truncate(payload_at);
        append(&mut self.queue, payload);
        self.accepted += frame_len as u64;
        self.room = self.room.saturating_sub(frame_len);
        self.ends.push(self.accepted);
        true
    }
}

impl<E: Encode> Sending<E> {
    /// Takes out the queue, until [`end_batch`](Self::end_batch). Returns `None` if no message may follow.
    pub(crate) fn begin_batch(&mut self) -> Option<Batch> {
        if self.state != SendState::Open {
            return None;
        }
        // Memory that the thread has kept is taken here.
        self.make_room(1);
        let room = self.limit.saturating_sub(self.queued_len());
        Some(Batch {
            queue: std::mem::take(&mut self.queue),
            ends: std::mem::take(&mut self.ends),
            accepted: self.accepted,
            room,
            most: self.most as usize,
        })
    }

    /// Puts the queue back, with `count` messages more.
    pub(crate) fn end_batch(&mut self, batch: Batch, count: usize) {
        self.queue = batch.queue;
        self.ends = batch.ends;
        self.accepted = batch.accepted;
        self.messages += count as u64;
        if self.is_empty() {
            self.give_up_memory();
        }
    }
}
