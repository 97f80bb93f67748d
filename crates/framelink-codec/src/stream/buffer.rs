//! Where bytes wait between the read that brought them and the message they are part of.

use alloc::vec::Vec;
use core::fmt;

/// A read buffer that grows with what arrived, never with what was announced.
///
/// Whoever reads offers [`ReadBuffer::space`] to the read and then says how much came. The space starts at 2 KiB
/// and doubles, up to 64 KiB, each time a read fills it; a message that is longer makes the buffer double with what has
/// arrived of it. So a peer that has sent `k` bytes makes it hold at most 2 KiB plus 4 × `k`.
///
/// ```text
///  | taken | waiting: as_ref()  | space()            |
///  0       start                end                  capacity
/// ```
///
/// ```
/// use framelink_codec::ReadBuffer;
///
/// let mut buffer = ReadBuffer::new();
/// buffer.space()[..5].copy_from_slice(b"hello");
/// buffer.filled(5);
/// buffer.take(2);
/// assert_eq!(buffer.as_ref(), b"llo");
/// ```
#[derive(Clone)]
pub struct ReadBuffer {
    /// Every byte is initialised, so that any kind of read can be offered them.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// How much space the next read is offered, and how much the last one was.
    read_size: usize,
    offered: usize,
}

const FIRST_READ: usize = 2 * 1024;
const LARGEST_READ: usize = 64 * 1024;
/// So many bytes may wait in memory of their own size.
const FEW: usize = 64;

impl ReadBuffer {
    /// A buffer that holds no memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), start: 0, end: 0, read_size: FIRST_READ, offered: 0 }
    }

    /// Room for the next read, never empty.
    #[inline]
    pub fn space(&mut self) -> &mut [u8] {
        self.space_for(0)
    }

    /// Room for the next read, never empty. `missing` is how many bytes the message still lacks, or 0 if that is not known: a long message
    /// then gets no more memory than it needs and one read. As with [`space`](Self::space), memory grows only with the bytes that have
    /// arrived.
    #[inline]
    pub fn space_for(&mut self, missing: usize) -> &mut [u8] {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        if self.bytes.len() - self.end < self.enough(missing) {
            self.make_room(self.read_size, missing);
        }
        self.offer(self.read_size)
    }

    /// How much memory the buffer holds after the next [`space_for`](Self::space_for) with the same argument.
    #[must_use]
    pub fn capacity_for(&self, missing: usize) -> usize {
        let end = if self.is_empty() { 0 } else { self.end };
        if self.bytes.len() - end >= self.enough(missing) {
            return self.capacity();
        }
        self.grown(self.len(), self.read_size, missing).max(self.capacity())
    }

    /// Room for a read of exactly `size` bytes, for framings that ask for a certain size.
    pub fn space_of(&mut self, size: usize) -> &mut [u8] {
        if self.bytes.len() - self.end < size {
            self.make_room(size, 0);
        }
        self.offer(size)
    }

    /// Says that the last read put `count` bytes into the space. More than the space had counts as all of it.
    #[inline]
    pub fn filled(&mut self, count: usize) {
        let count = count.min(self.offered);
        if count >= self.read_size {
            self.read_size = (self.read_size * 2).min(LARGEST_READ);
        } else if count < self.offered / 8 && self.start == self.end {
            // Behind a part of a message a short read is only the rest of it.
            self.read_size = (self.read_size / 2).max(FIRST_READ);
        }
        self.end = self.bytes.len().min(self.end + count);
    }

    /// Forgets the first `count` waiting bytes. More than wait counts as all of them.
    #[inline]
    pub fn take(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Gives the memory back if nothing waits in it: an idle connection holds no buffer.
    pub fn release(&mut self) {
        if self.start == self.end {
            self.bytes = Vec::new();
            self.start = 0;
            self.end = 0;
        }
    }

    /// The same, but hands the memory over, for [`reuse`](Self::reuse) by this buffer or another. Up to 64 bytes that wait stay in memory
    /// of their own size: the beginning of a message, behind which nothing may ever come. Empty if more waits.
    #[must_use]
    pub fn release_memory(&mut self) -> Vec<u8> {
        if self.len() > FEW || (self.is_small() && self.start < self.end) {
            return Vec::new();
        }
        let (memory, waiting) = self.take_all();
        self.bytes = memory.get(waiting).unwrap_or_default().to_vec();
        self.end = self.bytes.len();
        memory
    }

    /// Uses this memory, of which every byte is free, if the buffer [holds next to none](Self::is_small) of its own.
    pub fn reuse(&mut self, mut memory: Vec<u8>) {
        let (few, room) = (self.as_ref(), memory.get_mut(..self.len()));
        if let Some(room) = room.filter(|_| self.is_small()) {
            room.copy_from_slice(few);
            (self.start, self.end, self.bytes) = (0, self.len(), memory);
        }
    }

    /// Whether it holds no memory, or no more than for the few bytes that were left in it when it was
    /// [released](Self::release_memory).
    #[must_use]
    pub const fn is_small(&self) -> bool {
        self.bytes.len() <= FEW
    }

    /// Takes the whole memory out, with where the waiting bytes lie in it. The buffer is empty afterwards.
    #[must_use]
    pub fn take_all(&mut self) -> (Vec<u8>, core::ops::Range<usize>) {
        let waiting = self.start..self.end;
        self.start = 0;
        self.end = 0;
        (core::mem::take(&mut self.bytes), waiting)
    }

    /// Puts bytes at the end, as a read would.
    pub fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let count = space.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            space.split_at_mut(count).0.copy_from_slice(now);
            self.filled(count);
            bytes = later;
        }
    }

    /// How many bytes of memory it holds.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// How many bytes wait.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether none waits.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    #[inline]
    fn offer(&mut self, size: usize) -> &mut [u8] {
        let end = self.bytes.len().min(self.end + size);
        self.offered = end - self.end;
        self.bytes.get_mut(self.end..end).unwrap_or_default()
    }

    /// How much room a read is worth. Less than a quarter of a read is not worth a system call, and moving what waits is cheaper; but
    /// where a long message ends in less, no more is needed.
    #[inline]
    const fn enough(&self, missing: usize) -> usize {
        let waiting = self.end - self.start;
        if waiting == 0 {
            return self.read_size;
        }
        let enough = self.read_size / 4;
        if waiting >= LARGEST_READ && missing > 0 && missing < enough { missing } else { enough }
    }

    /// The size of the memory when `waiting` bytes are at its front and `room` more are wanted.
    fn grown(&self, waiting: usize, room: usize, missing: usize) -> usize {
        if self.bytes.len() - waiting >= room {
            return self.bytes.len();
        }
        // A few bytes that are missing may be all that is known of a message without a length.
        let grown = match missing {
            0..=FEW => waiting * 2,
            // A little more than twice, so that no header makes a message of 64 KiB need twice as much.
            _ => (waiting * 2 + FIRST_READ).min(waiting.saturating_add(missing)),
        };
        grown.max(waiting + room)
    }

    /// Moves what waits to the front, and doubles the memory where that does not leave `room` behind it and `missing` asks for so much.
    #[cold]
    fn make_room(&mut self, room: usize, missing: usize) {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let grown = self.grown(self.end, room, missing);
        if grown > self.bytes.len() {
            self.bytes.reserve_exact(grown - self.bytes.len());
            self.bytes.resize(grown, 0);
        }
    }
}

impl AsRef<[u8]> for ReadBuffer {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// Lengths only: card numbers travel in the bytes.
impl fmt::Debug for ReadBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBuffer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}
