//! The buffer between reads and messages.

use alloc::vec::Vec;
use core::fmt;

/// A read buffer that grows with received bytes, never with an announced length.
///
/// A reader reads into [`ReadBuffer::space`] and then calls [`ReadBuffer::filled`]. The space starts at 2 KiB and
/// doubles, up to 64 KiB, each time a read fills it. For a longer message the buffer doubles with its received bytes. A
/// peer that has sent `k` bytes causes at most 2 KiB plus 4 × `k` of memory.
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
    /// All bytes are initialised, so that any kind of read can use them.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// The space for the next read, and the space that the last read had.
    read_size: u32,
    offered: u32,
}

const FIRST_READ: u32 = 2 * 1024;
const LARGEST_READ: u32 = 64 * 1024;
/// The largest space.
const MOST_OFFERED: usize = u32::MAX as usize;
/// Up to this many bytes may wait in memory of their own size.
const FEW: usize = 64;

impl ReadBuffer {
    /// Creates a buffer without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), start: 0, end: 0, read_size: FIRST_READ, offered: 0 }
    }

    /// Returns space for the next read; never empty.
    #[inline]
    pub fn space(&mut self) -> &mut [u8] {
        self.space_for(0)
    }

    /// Returns space for the next read; never empty. `missing` is how many bytes the message still needs, or 0 if that
    /// is unknown. With it, a long message gets only the memory that it needs and one read. As with
    /// [`space`](Self::space), memory grows only with received bytes.
    #[inline]
    pub fn space_for(&mut self, missing: usize) -> &mut [u8] {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        if self.bytes.len() - self.end < self.enough(missing) {
            self.make_room(self.read_size(), missing);
        }
        self.offer(self.read_size())
    }

    /// Returns the memory of the buffer after the next [`space_for`](Self::space_for) with this argument.
    #[must_use]
    pub fn capacity_for(&self, missing: usize) -> usize {
        let end = if self.is_empty() { 0 } else { self.end };
        if self.bytes.len() - end >= self.enough(missing) {
            return self.capacity();
        }
        self.grown(self.len(), self.read_size(), missing).max(self.capacity())
    }

    /// Returns space for a read of exactly `size` bytes, for framings that need a certain size.
    pub fn space_of(&mut self, size: usize) -> &mut [u8] {
        if self.bytes.len() - self.end < size {
            self.make_room(size, 0);
        }
        self.offer(size)
    }

    /// Records that the last read put `count` bytes into the space, at most the whole space.
    #[inline]
    pub fn filled(&mut self, count: usize) {
        let count = count.min(self.offered as usize);
        if count >= self.read_size() {
            self.read_size = (self.read_size * 2).min(LARGEST_READ);
        } else if count < self.offered as usize / 8 && self.start == self.end {
            // A short read after a part of a message may be only its rest.
            self.read_size = (self.read_size / 2).max(FIRST_READ);
        }
        self.end = self.bytes.len().min(self.end + count);
    }

    /// Removes the first `count` waiting bytes, at most all of them.
    #[inline]
    pub fn take(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Returns where the waiting bytes begin in the memory, for [`bytes_at`](Self::bytes_at).
    #[inline]
    #[must_use]
    pub const fn position(&self) -> usize {
        self.start
    }

    /// Returns bytes by their position in the memory, also after they were [taken](Self::take). Taken bytes stay where
    /// they are until the next call that changes the buffer, other than `take`. Returns no bytes for a range that is
    /// not within the memory.
    ///
    /// ```
    /// use framelink_codec::ReadBuffer;
    ///
    /// let mut buffer = ReadBuffer::new();
    /// buffer.extend(b"hello");
    /// let at = buffer.position();
    /// buffer.take(5);
    /// assert_eq!(buffer.bytes_at(at..at + 5), b"hello");
    /// ```
    #[inline]
    #[must_use]
    pub fn bytes_at(&self, range: core::ops::Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Frees the memory if no bytes wait: an idle connection has no buffer.
    pub fn release(&mut self) {
        if self.start == self.end {
            self.bytes = Vec::new();
            self.start = 0;
            self.end = 0;
        }
    }

    /// Like [`release`](Self::release), but returns the memory, for [`reuse`](Self::reuse) by any buffer. Up to 64
    /// waiting bytes (the start of a message, which may never continue) stay in memory of their own size. Returns empty
    /// memory if more bytes wait.
    #[must_use]
    pub fn release_memory(&mut self) -> Vec<u8> {
        if !self.has_releasable() {
            return Vec::new();
        }
        let (memory, waiting) = self.take_all();
        if !waiting.is_empty() {
            self.bytes = memory.get(waiting).unwrap_or_default().to_vec();
            self.end = self.bytes.len();
        }
        memory
    }

    /// Returns whether [`release_memory`](Self::release_memory) returns memory.
    #[inline]
    #[must_use]
    pub const fn has_releasable(&self) -> bool {
        self.len() <= FEW && self.bytes.capacity() > 0 && (self.is_empty() || !self.is_small())
    }

    /// Uses this memory, whose bytes are all free, if the buffer [has almost none](Self::is_small) of its own.
    pub fn reuse(&mut self, mut memory: Vec<u8>) {
        let (few, room) = (self.as_ref(), memory.get_mut(..self.len()));
        if let Some(room) = room.filter(|_| self.is_small()) {
            room.copy_from_slice(few);
            (self.start, self.end, self.bytes) = (0, self.len(), memory);
        }
    }

    /// Returns whether the buffer has no memory, or only that of the few bytes left by
    /// [`release_memory`](Self::release_memory).
    #[must_use]
    pub const fn is_small(&self) -> bool {
        self.bytes.len() <= FEW
    }

    /// Takes the whole memory, with the range of the waiting bytes. The buffer is empty afterwards.
    #[must_use]
    pub fn take_all(&mut self) -> (Vec<u8>, core::ops::Range<usize>) {
        let waiting = self.start..self.end;
        self.start = 0;
        self.end = 0;
        (core::mem::take(&mut self.bytes), waiting)
    }

    /// Appends bytes, as a read does.
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

    /// Returns the bytes of its memory.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns how many bytes wait.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.end - self.start
    }

    /// Returns whether no bytes wait.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    #[inline]
    const fn read_size(&self) -> usize {
        self.read_size as usize
    }

    #[inline]
    fn offer(&mut self, size: usize) -> &mut [u8] {
        let end = self.bytes.len().min(self.end + size.min(MOST_OFFERED));
        self.offered = u32::try_from(end - self.end).unwrap_or(u32::MAX);
        self.bytes.get_mut(self.end..end).unwrap_or_default()
    }

    /// The least space for a read. Less than a quarter of a read is not worth a system call, and moving the waiting
    /// bytes is cheaper. But a long message that needs less gets less.
    #[inline]
    const fn enough(&self, missing: usize) -> usize {
        let waiting = self.end - self.start;
        if waiting == 0 {
            return self.read_size();
        }
        let enough = self.read_size() / 4;
        if waiting >= LARGEST_READ as usize && missing > 0 && missing < enough { missing } else { enough }
    }

    /// The size of the memory with `waiting` bytes at its front and space for `room` more.
    fn grown(&self, waiting: usize, room: usize, missing: usize) -> usize {
        if self.bytes.len() - waiting >= room {
            return self.bytes.len();
        }
        // For a message without a length, `missing` may only be a lower bound.
        let grown = match missing {
            0..=FEW => waiting * 2,
            // A little more than twice, so that a header does not double the memory of a message of 64 KiB.
            _ => (waiting * 2 + FIRST_READ as usize).min(waiting.saturating_add(missing)),
        };
        grown.max(waiting + room)
    }

    /// Moves the waiting bytes to the front, and grows the memory if that does not leave `room` bytes after them.
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

/// Prints lengths only: the bytes may contain card numbers.
impl fmt::Debug for ReadBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBuffer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}
