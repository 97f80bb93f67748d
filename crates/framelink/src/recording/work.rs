//! How much work it is to recognise copies, times and numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes that are compared. When there were many, no more copies are looked for in other places than the same
/// one, and kinds are not divided any more: messages that look alike in many places must not take minutes.
#[derive(Debug, Default)]
pub(crate) struct Work(AtomicU64);

impl Work {
    /// The most bytes that are compared: less than a second's work.
    pub(super) const MOST: u64 = 1 << 26;

    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn done(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn is_over(&self) -> bool {
        self.done() >= Self::MOST
    }

    /// Ends the search for copies and kinds.
    pub(super) fn stop(&self) {
        self.0.fetch_max(Self::MOST, Ordering::Relaxed);
    }
}
