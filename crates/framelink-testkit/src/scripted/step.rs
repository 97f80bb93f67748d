//! What one call of a stream comes to.

use std::{fmt, io};

/// What a read comes to. Complete by nature: a read can do nothing else.
///
/// ```
/// use std::io::{ErrorKind, Read};
/// use framelink_testkit::{ReadStep, ScriptedStream};
///
/// let (mut stream, _script) = ScriptedStream::new(
///     [ReadStep::bytes(b"hello"), ReadStep::WouldBlock, ReadStep::Error(ErrorKind::ConnectionReset), ReadStep::End],
///     [],
/// );
/// let mut three = [0; 3];
/// assert_eq!(stream.read(&mut three)?, 3, "what does not fit is there for the next read");
/// assert_eq!(stream.read(&mut three)?, 2);
/// assert_eq!(stream.read(&mut three).unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(stream.read(&mut three).unwrap_err().kind(), ErrorKind::ConnectionReset);
/// assert_eq!(stream.read(&mut three)?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum ReadStep {
    /// These bytes, over as many reads as the space offered to each makes of them. No bytes are no step.
    Bytes(Vec<u8>),
    /// Nothing is there.
    WouldBlock,
    /// A signal came in between.
    Interrupted,
    /// It fails.
    Error(io::ErrorKind),
    /// The stream has ended.
    End,
}

impl ReadStep {
    /// [`ReadStep::Bytes`] of bytes that are borrowed.
    #[must_use]
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(bytes.as_ref().to_vec())
    }

    /// Each byte by a read of its own.
    ///
    /// ```
    /// use framelink_testkit::ReadStep;
    ///
    /// assert_eq!(ReadStep::dribble(b"hi").collect::<Vec<_>>(), [ReadStep::bytes(b"h"), ReadStep::bytes(b"i")]);
    /// ```
    pub fn dribble(bytes: &[u8]) -> impl Iterator<Item = Self> {
        bytes.chunks(1).map(Self::bytes)
    }
}

/// Lengths only: card numbers travel in bytes.
impl fmt::Debug for ReadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::WouldBlock => f.write_str("WouldBlock"),
            Self::Interrupted => f.write_str("Interrupted"),
            Self::Error(kind) => write!(f, "Error({kind:?})"),
            Self::End => f.write_str("End"),
        }
    }
}

/// What a write comes to. Complete by nature: a write can do nothing else.
///
/// ```
/// use std::io::{ErrorKind, Write};
/// use framelink_testkit::{ScriptedStream, WriteStep};
///
/// let (mut stream, script) = ScriptedStream::new([], [WriteStep::AtMost(2), WriteStep::WouldBlock, WriteStep::Zero]);
/// assert_eq!(stream.write(b"hello")?, 2);
/// assert_eq!(stream.write(b"llo").unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(stream.write(b"llo")?, 0);
/// assert_eq!(stream.write(b"llo")?, 3, "a script that is over takes everything, unless it is told otherwise");
/// assert_eq!(script.written(), b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteStep {
    /// So many bytes are taken, or all, if they are fewer.
    AtMost(usize),
    /// There is no room.
    WouldBlock,
    /// A signal came in between.
    Interrupted,
    /// No byte is taken, and that is no error.
    Zero,
    /// It fails.
    Error(io::ErrorKind),
}

impl WriteStep {
    /// Everything is taken.
    pub const ALL: Self = Self::AtMost(usize::MAX);
}
