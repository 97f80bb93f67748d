//! State that one half keeps and others read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A byte counter of one half. Others can watch it while that half is busy, to see whether a transfer makes progress.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::Receiving;
///
/// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
/// let count = receiving.byte_count();
/// receiving.on_bytes(b"\x00\x05hel", Duration::ZERO);
/// assert_eq!(count.get(), 5, "half a message is progress too");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ByteCount(Arc<AtomicU64>);

impl ByteCount {
    /// Returns the count so far.
    #[must_use]
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Only the half that keeps the counter adds to it, so no update is lost between load and store.
    #[inline]
    pub(crate) fn add(&self, count: usize) {
        self.0.store(self.get() + count as u64, Ordering::Relaxed);
    }
}

/// Whether the connection failed. A socket reports a reset once, possibly to a write. A later read then returns an end
/// of stream, as if the peer had closed cleanly.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailedFlag(Arc<AtomicBool>);

impl FailedFlag {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
