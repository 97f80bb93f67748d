//! The script of a stream, and what was done with it: the test holds it while the code under test owns the stream.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::{ReadStep, WriteStep};

/// The test's handle of a [`ScriptedStream`](super::ScriptedStream): shows what was written and adds steps. Clones
/// share one script.
///
/// ```
/// use std::io::{ErrorKind, Read, Write};
/// use framelink_testkit::{ReadStep, ScriptedStream, WriteStep};
///
/// let (mut stream, script) = ScriptedStream::new([], [WriteStep::AtMost(1)]);
/// assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock, "a script that is over");
///
/// script.push_reads([ReadStep::bytes(b"now")]);
/// assert_eq!(stream.read(&mut [0; 8])?, 3);
///
/// stream.write_all(b"hi")?;
/// assert_eq!(script.writes(), [b"h", b"i"]);
/// // Each call made progress.
/// let calls = script.calls();
/// assert_eq!((calls.reads, calls.writes), (2, 2));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Script(Arc<Mutex<ScriptState>>);

pub(super) struct ScriptState {
    pub(super) reads: VecDeque<ReadStep>,
    pub(super) writes: VecDeque<WriteStep>,
    pub(super) after_reads: ReadStep,
    pub(super) after_writes: WriteStep,
    pub(super) written: Vec<Vec<u8>>,
    pub(super) calls: Calls,
    pub(super) is_shut_down: bool,
    /// Tasks that wait for more steps.
    pub(super) waiting: Vec<Waker>,
}

/// How often a stream was called.
///
/// ```
/// use std::io::{IoSlice, Write};
/// use framelink_testkit::ScriptedStream;
///
/// let (mut stream, script) = ScriptedStream::new([], []);
/// stream.write_vectored(&[IoSlice::new(b"head"), IoSlice::new(b"payload")])?;
/// stream.flush()?;
/// let calls = script.calls();
/// assert_eq!((calls.reads, calls.writes, calls.vectored_writes, calls.flushes), (0, 1, 1, 1));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Calls {
    /// Reads.
    pub reads: usize,
    /// Writes, with the vectored ones.
    pub writes: usize,
    /// Vectored writes.
    pub vectored_writes: usize,
    /// Flushes.
    pub flushes: usize,
}

impl Script {
    pub(super) fn new(reads: VecDeque<ReadStep>, writes: VecDeque<WriteStep>) -> Self {
        Self(Arc::new(Mutex::new(ScriptState {
            reads,
            writes,
            after_reads: ReadStep::WouldBlock,
            after_writes: WriteStep::ALL,
            written: Vec::new(),
            calls: Calls::default(),
            is_shut_down: false,
            waiting: Vec::new(),
        })))
    }

    /// Adds read steps after the steps that are left, and wakes tasks that wait for them.
    pub fn push_reads(&self, steps: impl IntoIterator<Item = ReadStep>) {
        self.change(|state| state.reads.extend(steps));
    }

    /// Adds write steps after the steps that are left, and wakes tasks that wait for them.
    pub fn push_writes(&self, steps: impl IntoIterator<Item = WriteStep>) {
        self.change(|state| state.writes.extend(steps));
    }

    /// Sets the result of reads when no step is left. The default is [`ReadStep::WouldBlock`].
    pub fn after_reads(&self, step: ReadStep) {
        self.change(|state| state.after_reads = step);
    }

    /// Sets the result of writes when no step is left. The default is [`WriteStep::ALL`].
    pub fn after_writes(&self, step: WriteStep) {
        self.change(|state| state.after_writes = step);
    }

    /// Returns all bytes that were written.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        self.state().written.concat()
    }

    /// Returns the bytes that were written, one entry for each write that took any.
    #[must_use]
    pub fn writes(&self) -> Vec<Vec<u8>> {
        self.state().written.clone()
    }

    /// Returns how often the stream was called.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.state().calls
    }

    /// Returns how many read steps and write steps are left.
    #[must_use]
    pub fn left(&self) -> (usize, usize) {
        let state = self.state();
        (state.reads.len(), state.writes.len())
    }

    /// Returns whether writing was shut down, which only an asynchronous stream can do.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.state().is_shut_down
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ScriptState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut ScriptState)) {
        let waiting = {
            let mut state = self.state();
            change(&mut state);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Prints lengths only.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Script")
            .field("reads_left", &state.reads.len())
            .field("writes_left", &state.writes.len())
            .field("written", &state.written.iter().map(Vec::len).sum::<usize>())
            .field("calls", &state.calls)
            .finish_non_exhaustive()
    }
}
