//! The memory that the connections of a thread use in turn.

use super::frames::Frames;

/// It is small enough to stay in the caches of the processor.
pub(super) struct Buffers {
    /// Received bytes. A connection takes it while it reads.
    pub(super) input: Vec<u8>,
    /// Messages that are composed and then written.
    pub(super) frames: Frames,
}

impl Buffers {
    pub(super) const fn new(frames: Frames) -> Self {
        Self { input: Vec::new(), frames }
    }
}
