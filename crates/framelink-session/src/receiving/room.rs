//! Memory for what is to be read.

use std::cell::Cell;
use std::time::Duration;

use framelink_codec::{Decode, Ends, ReadBuffer};

use crate::memory::Held;
use crate::receiving::Receiving;

/// Connections that were told to end give their memory back as soon as their thread or task goes on. Those that do not go on within this
/// time do not keep the others waiting, unless they hold as much as the whole budget.
const PATIENCE: Duration = Duration::from_secs(1);

/// The memory of a receive buffer, where that is counted.
#[derive(Debug, Default)]
pub(super) struct Room {
    held: Held,
    /// Since when there has been too little.
    starved_since: Option<Duration>,
}

impl<D: Decode> Receiving<D> {
    /// Counts the memory of the buffer from now on.
    pub fn count_memory(&mut self, memory: Held) {
        self.room.held = memory;
    }

    /// Whether the memory of the buffer is counted.
    pub const fn counts_memory(&self) -> bool {
        self.room.held.is_counted()
    }

    /// Whether memory is held that is counted.
    pub const fn holds_memory(&self) -> bool {
        self.room.held.holds_any()
    }

    /// Whether the next read may have the memory that it needs; it is counted then. `waits`: the read holds its memory while it waits.
    /// False while connections that were told to end have not given back what they hold, and where this is one of them.
    pub fn make_room(&mut self, waits: bool, now: impl FnOnce() -> Duration) -> bool {
        if waits && self.buffer.is_small() {
            self.buffer.reuse(take_spare());
        }
        // What is empty is read into memory of the thread, and held only where something is left in it.
        let wanted = if self.buffer.is_small() && !waits { 0 } else { self.capacity_for_read() };
        if self.room.held.try_set(wanted) {
            self.room.starved_since = None;
            return true;
        }
        self.release();
        self.on_idle(false);
        let now = now();
        let since = *self.room.starved_since.get_or_insert(now);
        now.saturating_sub(since) >= PATIENCE && self.room.held.try_set_at_last(wanted)
    }

    /// Whether a read that waits by itself would hold memory that is counted while nothing has come. What is there is read at once then,
    /// and after that the buffer [begins anew](Self::forget), small. Where a read is a message it is waited for as it is.
    pub fn would_idle_with_much(&self) -> bool {
        self.room.held.holds_any() && self.buffer.is_empty() && !matches!(self.codec.framing().ends(), Ends::Read(_))
    }

    /// Counts what is held while nothing is read. A thread that waits by itself (`waits`) keeps the memory of an empty buffer.
    #[inline]
    pub fn on_idle(&mut self, waits: bool) {
        if self.counts_memory() {
            let is_held = waits || !self.buffer.is_empty();
            self.room.held.set(if is_held { self.buffer.capacity() } else { 0 });
        }
    }

    /// Forgets what has come, if anything has, and gives the memory back.
    pub fn forget(&mut self) {
        self.buffer = ReadBuffer::new();
        self.room.held.set(0);
    }

    /// The same, where it was told to end at once.
    pub fn forget_if_told(&mut self) {
        if self.told().is_some() {
            self.forget();
        }
    }

    fn capacity_for_read(&self) -> usize {
        match self.codec.framing().ends() {
            Ends::Read(size) => self.buffer.capacity().max(self.buffer.len() + size),
            _ => self.buffer.capacity_for(self.need.map_or(0, |need| need.missing)),
        }
    }
}

/// What one thread keeps at most, two of the largest reads.
const LARGEST: usize = 128 * 1024;

thread_local! {
    /// A read buffer that no connection holds at the moment: getting memory from the system and clearing it for every message would cost
    /// more than all the rest.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The spare buffer, or none.
pub(super) fn take_spare() -> Vec<u8> {
    // A thread that is ending has none any more.
    SPARE.try_with(Cell::take).unwrap_or_default()
}

/// Keeps the memory for the next read on this thread. Of two buffers the larger is kept.
pub(super) fn keep_spare(memory: Vec<u8>) {
    if memory.capacity() > LARGEST {
        return;
    }
    let _ = SPARE.try_with(|spare| {
        let other = spare.take();
        spare.set(if other.capacity() > memory.capacity() { other } else { memory });
    });
}
