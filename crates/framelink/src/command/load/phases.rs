//! What the main task tells the threads of a run, and what they tell it.

use std::sync::atomic::AtomicU64;
use std::time::Instant;

use super::tally::Tally;

/// How far a run has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Connections are made.
    Connecting,
    /// Messages are sent since this moment.
    Running(Instant),
    /// No message is sent any more; replies are waited for.
    Stopping,
    /// Nothing is waited for any more.
    Cut,
}

/// What a thread has done so far, for the progress bar.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) replied: AtomicU64,
    pub(super) failed: AtomicU64,
}

/// What a thread says.
#[derive(Debug)]
pub(super) enum Event {
    /// A worker is connected, or could not connect.
    Connected(Result<(), String>),
    /// All workers of a thread are done.
    Ended(Box<Tally>),
    /// A thread could not begin.
    Failed(String),
}
