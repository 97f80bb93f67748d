//! One read buffer a thread that no connection holds at the moment: getting memory from the system and clearing it for every
//! message would cost more than all the rest.

use std::cell::Cell;

/// What one thread keeps at most, two of the largest reads.
const LARGEST: usize = 128 * 1024;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The spare buffer, or none.
pub(super) fn take() -> Vec<u8> {
    // A thread that is ending has none any more.
    SPARE.try_with(Cell::take).unwrap_or_default()
}

/// Keeps the memory for whoever reads next on this thread. Of two the larger is kept.
pub(super) fn keep(memory: Vec<u8>) {
    if memory.capacity() > LARGEST {
        return;
    }
    let _ = SPARE.try_with(|spare| {
        let other = spare.take();
        spare.set(if other.capacity() > memory.capacity() { other } else { memory });
    });
}
