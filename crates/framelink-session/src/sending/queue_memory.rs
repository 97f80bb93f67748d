//! The memory of the send queue.

use std::cell::Cell;

use framelink_codec::Encode;

use super::Sending;
use crate::append::append;

/// The memory of an empty queue.
#[derive(Default)]
struct Spare {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

/// The most memory that one thread keeps: a full queue, and a message.
const LARGEST: usize = 128 * 1024;

/// The most messages whose ends one thread keeps memory for.
const MOST_ENDS: usize = 4096;

/// A queue that is blocked keeps up to this much memory, however few bytes wait in it.
const LITTLE: usize = 4096;

thread_local! {
    /// The memory of a queue that no connection holds. Without it, each burst of messages would grow a queue anew.
    static SPARE: Cell<Spare> = const { Cell::new(Spare { bytes: Vec::new(), ends: Vec::new() }) };
}

impl<E: Encode> Sending<E> {
    /// Makes room for `count` bytes at once, so that they are copied once. Removes written bytes if they are most of
    /// the queue. Otherwise a queue that is never empty would grow with everything that passes through it.
    #[inline]
    pub(super) fn make_room(&mut self, count: usize) {
        if self.start > 0 && self.start > self.queue.len() / 2 {
            self.queue.drain(..self.start);
            self.start = 0;
        }
        if self.queue.capacity() - self.queue.len() < count {
            self.grow(count);
        }
    }

    #[cold]
    fn grow(&mut self, count: usize) {
        if self.queue.capacity() == 0 {
            // A thread that is ending has no spare memory.
            let spare = SPARE.try_with(Cell::take).unwrap_or_default();
            self.queue = spare.bytes;
            if self.ends.capacity() == 0 {
                self.ends = spare.ends;
            }
        }
        self.queue.reserve(count);
    }

    /// Gives up the memory of the empty queue. The thread keeps it for the next queue: a connection that has nothing to
    /// write holds no memory.
    pub(super) fn give_up_memory(&mut self) {
        self.queue.clear();
        self.ends.clear();
        self.start = 0;
        keep(Spare { bytes: std::mem::take(&mut self.queue), ends: std::mem::take(&mut self.ends) });
    }

    /// Records that the socket takes nothing more now. The queue may stay as it is for long, so it gets memory of its
    /// own size if it holds little in much memory.
    pub fn on_blocked(&mut self) {
        if self.queue.capacity() / 4 > self.queued_len().max(LITTLE / 4) {
            let mut bytes = Vec::with_capacity(self.queued_len());
            append(&mut bytes, self.queued());
            let mut large = std::mem::replace(&mut self.queue, bytes);
            large.clear();
            self.start = 0;
            keep(Spare { bytes: large, ends: Vec::new() });
        }
    }
}

/// Keeps the larger of two memories for the next queue of this thread.
fn keep(spare: Spare) {
    if spare.bytes.capacity() > LARGEST || spare.ends.capacity() > MOST_ENDS {
        return;
    }
    let _ = SPARE.try_with(|kept| {
        let other = kept.take();
        kept.set(if other.bytes.capacity() > spare.bytes.capacity() { other } else { spare });
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use framelink_codec::example::OneByte;

    use super::*;
    use crate::sending::Transmit;

    fn written<E: Encode>(sending: &mut Sending<E>, most: usize) {
        let Transmit::Write(bytes) = sending.poll() else { panic!("nothing to write") };
        let count = bytes.len().min(most);
        sending.on_written(count, Duration::ZERO);
    }

    #[test]
    fn an_empty_queue_holds_no_memory_and_the_next_queue_of_the_thread_uses_it_again() {
        let (mut one, mut other) = (Sending::new(OneByte), Sending::new(OneByte));
        for _ in 0..100 {
            one.queue(&[7; 100]).unwrap();
        }
        let (bytes, ends) = (one.queue.capacity(), one.ends.capacity());
        written(&mut one, 5000);
        assert_eq!((one.queue.capacity(), one.unwritten()), (bytes, 51), "while bytes are queued");
        written(&mut one, usize::MAX);
        assert_eq!((one.queue.capacity(), one.ends.capacity(), one.unwritten()), (0, 0, 0));
        other.queue(b"hi").unwrap();
        assert_eq!((other.queue.capacity(), other.ends.capacity()), (bytes, ends));
        one.queue(b"hi").unwrap();
        assert!(one.queue.capacity() < bytes, "one memory a thread");
    }

    #[test]
    fn a_blocked_queue_has_memory_of_the_size_of_its_bytes() {
        let mut sending = Sending::new(OneByte);
        for _ in 0..500 {
            sending.queue(&[7; 100]).unwrap();
        }
        written(&mut sending, 101 * 499 + 1);
        assert!(sending.queue.capacity() > 50_000);
        sending.on_blocked();
        assert_eq!((sending.queue.capacity(), sending.queued_len(), sending.unwritten()), (100, 100, 1));
        assert_eq!(sending.poll(), Transmit::Write(&[7; 100]));
        sending.on_blocked();
        assert_eq!(sending.queue.capacity(), 100);
        written(&mut sending, usize::MAX);
        assert_eq!(sending.poll(), Transmit::Idle);
    }

    #[test]
    fn memory_for_a_very_long_message_is_freed() {
        let mut sending = Sending::new(OneByte);
        sending.queue_preamble(&vec![7; LARGEST + 1]);
        written(&mut sending, usize::MAX);
        sending.queue(b"hi").unwrap();
        assert!(sending.queue.capacity() < LARGEST);
    }
}
