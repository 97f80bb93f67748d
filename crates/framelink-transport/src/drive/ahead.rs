//! Requests that are read before there is room for them.

use std::collections::VecDeque;

use crate::session::memory::Held;

/// What a server reads ahead where heartbeats are expected: a probe behind requests that wait is seen, and answered, while all handlers
/// are busy. Bounded, so that whoever sends requests without end is soon not read any more.
pub(crate) struct Ahead<T> {
    waiting: VecDeque<(T, usize)>,
    bytes: usize,
    /// Where that memory is counted.
    memory: Held,
}

/// As many requests as our own clients have in flight, unless told otherwise: 64.
const MOST: usize = 64;
/// Of this many bytes, and one request more.
const MOST_BYTES: usize = 256 * 1024;

impl<T> Ahead<T> {
    /// For the connection whose memory is counted there.
    pub(crate) fn new(memory: &Held) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, memory: memory.another() }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < MOST && self.bytes < MOST_BYTES
    }

    #[cfg(any(feature = "blocking", feature = "nonblocking"))]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next of so many bytes.
    pub(crate) fn push(&mut self, request: T, len: usize) {
        self.bytes += len;
        self.waiting.push_back((request, len));
        self.memory.note(self.bytes);
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let (request, len) = self.waiting.pop_front()?;
        self.bytes -= len;
        if self.waiting.is_empty() {
            // An idle connection holds no buffer.
            self.waiting = VecDeque::new();
        }
        self.memory.note(self.bytes);
        Some(request)
    }

    /// The length of the next.
    #[cfg(any(feature = "blocking", feature = "nonblocking"))]
    pub(crate) fn next_len(&self) -> usize {
        self.waiting.front().map_or(0, |(_, len)| *len)
    }

    /// Nothing of it is wanted any more.
    #[cfg(feature = "blocking")]
    pub(crate) fn clear(&mut self) {
        *self = Self::new(&self.memory);
    }
}
