//! The stream that the code under test uses.

use std::io::{self, IoSlice, Read, Write};

use super::script::ScriptState;
use super::{ReadStep, Script, WriteStep};

/// A stream in memory that follows a script: each step is the result of one read or write.
///
/// With the feature `tokio` it is also `AsyncRead` and `AsyncWrite`.
///
/// ```
/// use std::io::{BufRead, BufReader};
/// use framelink_testkit::{ReadStep, ScriptedStream};
///
/// // A line in three pieces, and a signal in between.
/// let (stream, script) = ScriptedStream::new(
///     [ReadStep::bytes(b"he"), ReadStep::Interrupted, ReadStep::bytes(b"llo"), ReadStep::bytes(b"\n")],
///     [],
/// );
/// let mut line = String::new();
/// BufReader::new(stream).read_line(&mut line)?;
/// assert_eq!(line, "hello\n");
/// assert_eq!(script.calls().reads, 4);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ScriptedStream {
    pub(super) script: Script,
}

impl ScriptedStream {
    /// Creates a stream with these steps, and its script.
    #[must_use]
    pub fn new(
        reads: impl IntoIterator<Item = ReadStep>,
        writes: impl IntoIterator<Item = WriteStep>,
    ) -> (Self, Script) {
        let script = Script::new(reads.into_iter().collect(), writes.into_iter().collect());
        (Self { script: script.clone() }, script)
    }
}

impl Read for ScriptedStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.script.state().read(into)
    }
}

impl Write for ScriptedStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.script.state().write(&[IoSlice::new(bytes)])
    }

    /// The limit of a step applies to all parts together.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.script.state();
        state.calls.vectored_writes += 1;
        state.write(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.script.state().calls.flushes += 1;
        Ok(())
    }
}

impl ScriptState {
    /// Whether the next read has no step.
    #[cfg(feature = "tokio")]
    pub(super) fn reads_are_over(&self) -> bool {
        self.reads.iter().all(|step| matches!(step, ReadStep::Bytes(bytes) if bytes.is_empty()))
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.calls.reads += 1;
        // As with a socket, a read into an empty buffer uses no step.
        if into.is_empty() {
            return Ok(0);
        }
        while self.reads.front().is_some_and(|step| matches!(step, ReadStep::Bytes(bytes) if bytes.is_empty())) {
            self.reads.pop_front();
        }
        match self.reads.pop_front().unwrap_or_else(|| self.after_reads.clone()) {
            ReadStep::Bytes(mut bytes) => {
                let count = bytes.len().min(into.len());
                for (place, byte) in into.iter_mut().zip(bytes.drain(..count)) {
                    *place = byte;
                }
                if !bytes.is_empty() {
                    self.reads.push_front(ReadStep::Bytes(bytes));
                }
                Ok(count)
            }
            ReadStep::WouldBlock => Err(io::ErrorKind::WouldBlock.into()),
            ReadStep::Interrupted => Err(io::ErrorKind::Interrupted.into()),
            ReadStep::Error(kind) => Err(kind.into()),
            ReadStep::End => Ok(0),
        }
    }

    pub(super) fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.calls.writes += 1;
        // As with a socket, a write of no bytes uses no step.
        if parts.iter().all(|part| part.is_empty()) {
            return Ok(0);
        }
        match self.writes.pop_front().unwrap_or(self.after_writes) {
            WriteStep::AtMost(most) => {
                let taken: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).take(most).collect();
                let count = taken.len();
                if count > 0 {
                    self.written.push(taken);
                }
                Ok(count)
            }
            WriteStep::WouldBlock => Err(io::ErrorKind::WouldBlock.into()),
            WriteStep::Interrupted => Err(io::ErrorKind::Interrupted.into()),
            WriteStep::Zero => Ok(0),
            WriteStep::Error(kind) => Err(kind.into()),
        }
    }
}
