//! The memory of the receive buffer.

use std::cell::Cell;
use std::time::Duration;

use framelink_codec::{Decode, Ends, ReadBuffer};
use framelink_heartbeat::Moment;

use crate::memory::Held;
use crate::receiving::Receiving;

/// How long a connection waits for others that were told to end. They release their memory as soon as their thread or
/// task runs again. After this time they delay others only if they hold as much as the whole budget.
const PATIENCE: u64 = 1_000_000_000;

/// The counted memory of a receive buffer.
#[derive(Debug, Default)]
pub(super) struct Room {
    held: Held,
    /// Since when there is too little memory.
    starved_since: Option<Moment>,
}

impl<D: Decode> Receiving<D> {
    /// Counts the memory of the buffer from now on.
    pub fn count_memory(&mut self, memory: Held) {
        self.room.held = memory;
    }

    /// Returns whether the memory of the buffer is counted.
    pub const fn counts_memory(&self) -> bool {
        self.room.held.is_counted()
    }

    /// Returns whether counted memory is held.
    pub const fn holds_memory(&self) -> bool {
        self.room.held.holds_any()
    }

    /// Returns whether the next read may have the memory that it needs, and counts that memory. `waits`: the read holds
    /// its memory while it waits. Returns false while connections that were told to end hold memory, and if this is
    /// one.
    #[inline]
    pub fn make_room(&mut self, waits: bool, now: impl FnOnce() -> Duration) -> bool {
        let needs_none = !waits && self.is_lent() && !self.room.held.holds_any();
        if needs_none && self.room.starved_since.is_none() && self.room.held.has_room() {
            return true;
        }
        self.try_room(waits, now)
    }

    fn try_room(&mut self, waits: bool, now: impl FnOnce() -> Duration) -> bool {
        if waits && self.buffer.is_small() {
            self.buffer.reuse(take_spare());
        }
        let wanted = if self.is_lent() && !waits { 0 } else { self.capacity_for_read() };
        if self.room.held.try_set(wanted) {
            self.room.starved_since = None;
            return true;
        }
        self.release();
        self.on_idle(false);
        let now = Moment::at(now());
        let since = *self.room.starved_since.get_or_insert(now);
        now.since(since) >= PATIENCE && self.room.held.try_set_at_last(wanted)
    }

    /// Returns whether a blocking read would hold counted memory while no bytes arrive. If so, read once without
    /// waiting, then [start with a small buffer](Self::forget). Not if each read is a message.
    pub fn would_idle_with_much(&self) -> bool {
        self.room.held.holds_any() && self.buffer.is_empty() && !matches!(self.codec.framing().ends(), Ends::Read(_))
    }

    /// Counts the memory held while nothing is read. A thread that blocks in the read (`waits`) keeps an empty buffer.
    #[inline]
    pub fn on_idle(&mut self, waits: bool) {
        if self.counts_memory() {
            let is_held = waits || !self.buffer.is_empty();
            self.room.held.set(if is_held { self.buffer.capacity() } else { 0 });
        }
    }

    /// Discards all received bytes and frees the buffer.
    pub fn forget(&mut self) {
        self.buffer = ReadBuffer::new();
        self.chunk = None;
        self.room.held.set(0);
    }

    /// Discards all received bytes if the connection must end at once.
    pub fn forget_if_told(&mut self) {
        if self.told().is_some() {
            self.forget();
        }
    }

    /// Returns whether the buffer has only memory of the thread, which it gives back when there is nothing to read. The
    /// connection holds memory only for bytes that are left.
    #[inline]
    fn is_lent(&self) -> bool {
        self.buffer.is_empty() || self.buffer.is_small()
    }

    fn capacity_for_read(&self) -> usize {
        match self.codec.framing().ends() {
            Ends::Read(size) => self.buffer.capacity().max(self.buffer.len() + size),
            _ => self.buffer.capacity_for(self.missing),
        }
    }
}

/// The most memory that one thread keeps: two of the largest reads.
const LARGEST: usize = 128 * 1024;

thread_local! {
    /// A read buffer that no connection holds. Allocating and clearing one for each message would cost most of the
    /// time.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(super) fn take_spare() -> Vec<u8> {
    // A thread that is ending has no spare buffer.
    SPARE.try_with(Cell::take).unwrap_or_default()
}

/// Keeps the larger of two buffers for the next read on this thread.
pub(super) fn keep_spare(memory: Vec<u8>) {
    if memory.capacity() > LARGEST {
        return;
    }
    let _ = SPARE.try_with(|spare| {
        let other = spare.take();
        spare.set(if other.capacity() > memory.capacity() { other } else { memory });
    });
}
