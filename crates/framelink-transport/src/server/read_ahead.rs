//! Requests that are read before a handler is free for them.

use std::collections::VecDeque;

use crate::session::memory::Held;
use framelink_session::Message;

/// The requests that a server reads ahead where heartbeats are expected. So a probe behind waiting requests is seen, and answered, while
/// all handlers are busy. Their number is bounded: a peer that sends requests without end is soon not read any more.
pub(super) struct ReadAhead {
    waiting: VecDeque<Message>,
    bytes: usize,
    /// Where that memory is counted.
    memory: Held,
}

/// As many requests as our own clients have in flight by default.
const MOST: usize = 64;
/// Of this many bytes, and one request more.
const MOST_BYTES: usize = 256 * 1024;

impl ReadAhead {
    /// For the connection whose memory is counted there.
    pub(super) fn new(memory: &Held) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, memory: memory.another() }
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MOST && self.bytes < MOST_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn push(&mut self, request: Message) {
        self.bytes += request.len();
        self.waiting.push_back(request);
        self.memory.note(self.bytes);
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let request = self.waiting.pop_front()?;
        self.bytes -= request.len();
        if self.waiting.is_empty() {
            // An idle connection holds no buffer.
            self.waiting = VecDeque::new();
        }
        self.memory.note(self.bytes);
        Some(request)
    }

    /// The length of the next request.
    pub(super) fn next_len(&self) -> Option<usize> {
        self.waiting.front().map(|request| request.len())
    }

    /// Drops all requests.
    pub(super) fn clear(&mut self) {
        *self = Self::new(&self.memory);
    }
}
