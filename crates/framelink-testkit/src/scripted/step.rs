//! The result of one call of a stream.

use std::{fmt, io};

/// The result of a read. The enum is exhaustive: a read has no other result.
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
/// assert_eq!(stream.read(&mut three)?, 3, "the next read returns the bytes that did not fit");
/// assert_eq!(stream.read(&mut three)?, 2);
/// assert_eq!(stream.read(&mut three).unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(stream.read(&mut three).unwrap_err().kind(), ErrorKind::ConnectionReset);
/// assert_eq!(stream.read(&mut three)?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum ReadStep {
    /// These bytes, in as many reads as the offered space needs. An empty step is skipped.
    Bytes(Vec<u8>),
    /// No bytes are available.
    WouldBlock,
    /// A signal interrupted the read.
    Interrupted,
    /// The read fails.
    Error(io::ErrorKind),
    /// The stream has ended.
    End,
}

impl ReadStep {
    /// Creates [`ReadStep::Bytes`] from borrowed bytes.
    #[must_use]
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(bytes.as_ref().to_vec())
    }

    /// Creates one read step for each byte.
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

/// Prints lengths only: bytes may contain card numbers.
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

/// The result of a write. The enum is exhaustive: a write has no other result.
///
/// ```
/// use std::io::{ErrorKind, Write};
/// use framelink_testkit::{ScriptedStream, WriteStep};
///
/// let (mut stream, script) = ScriptedStream::new([], [WriteStep::AtMost(2), WriteStep::WouldBlock, WriteStep::Zero]);
/// assert_eq!(stream.write(b"hello")?, 2);
/// assert_eq!(stream.write(b"llo").unwrap_err().kind(), ErrorKind::WouldBlock);
/// assert_eq!(stream.write(b"llo")?, 0);
/// assert_eq!(stream.write(b"llo")?, 3, "after the last step a stream takes all bytes by default");
/// assert_eq!(script.written(), b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteStep {
    /// At most this many bytes are taken.
    AtMost(usize),
    /// There is no room.
    WouldBlock,
    /// A signal interrupted the write.
    Interrupted,
    /// No byte is taken, without an error.
    Zero,
    /// The write fails.
    Error(io::ErrorKind),
}

impl WriteStep {
    /// All bytes are taken.
    pub const ALL: Self = Self::AtMost(usize::MAX);
}
