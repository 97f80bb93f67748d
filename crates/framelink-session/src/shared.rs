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
#[derive(Clone, Debug)]
pub struct ByteCount {
    shared: Arc<SharedState>,
    way: Way,
}

/// What the halves of a session share. Its first half counts received bytes, its second half counts sent bytes.
#[derive(Debug, Default)]
pub(crate) struct SharedState {
    received: AtomicU64,
    sent: AtomicU64,
    /// Whether the connection failed. A socket reports a reset once, possibly to a write. A later read then returns an
    /// end of stream, as if the peer had closed cleanly.
    has_failed: AtomicBool,
    /// How many bytes the socket had taken when the stream was last flushed. Here, because few streams need it.
    flushed: AtomicU64,
}

/// A direction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Received,
    Sent,
}

impl ByteCount {
    /// Returns the count so far.
    #[must_use]
    #[inline]
    pub fn get(&self) -> u64 {
        self.shared.count(self.way)
    }
}

impl SharedState {
    #[inline]
    pub(crate) fn count(&self, way: Way) -> u64 {
        self.counter(way).load(Ordering::Relaxed)
    }

    /// Only the half that keeps the counter adds to it, so no update is lost between load and store.
    #[inline]
    pub(crate) fn add(&self, way: Way, count: usize) {
        self.counter(way).store(self.count(way) + count as u64, Ordering::Relaxed);
    }

    pub(crate) fn watch(self: &Arc<Self>, way: Way) -> ByteCount {
        ByteCount { shared: Arc::clone(self), way }
    }

    pub(crate) fn set_failed(&self) {
        self.has_failed.store(true, Ordering::Release);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    pub(crate) fn set_flushed(&self, count: u64) {
        self.flushed.store(count, Ordering::Relaxed);
    }

    pub(crate) fn flushed(&self) -> u64 {
        self.flushed.load(Ordering::Relaxed)
    }

    #[inline]
    const fn counter(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Received => &self.received,
            Way::Sent => &self.sent,
        }
    }
}
