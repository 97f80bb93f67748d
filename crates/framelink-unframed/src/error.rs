//! Errors of decoding, encoding and building.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::delimiter::Delimiter;

/// The largest payload. A buffer has at most `isize::MAX` bytes, and a frame is a little longer than its payload.
pub(crate) const MEMORY_MAX: usize = isize::MAX as usize - 4 * Delimiter::MOST;

/// Why bytes are no message. Offsets count from the first byte of the frame.
///
/// ```
/// use framelink_unframed::{Decode, Unframed};
///
/// let mllp: Unframed = "mllp".parse()?;
/// // 'M' 'S' 'H' …, where 0x0b must come first
/// let error = mllp.decode(b"MSH", 0, None).unwrap_err();
/// assert_eq!(error.to_string(), "start byte at offset 0 is 0x4d, expected 0x0b");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A byte of the delimiter at the start differs.
    Start {
        /// Its offset in the frame.
        offset: usize,
        /// The byte that was received.
        found: u8,
        /// The byte that was expected.
        expected: u8,
    },
    /// More bytes than the limit arrived without a delimiter.
    NoDelimiter {
        /// The most payload bytes.
        limit: usize,
    },
    /// More bytes than the limit arrived before silence, the end of a read or the close.
    OverLimit {
        /// The most payload bytes.
        limit: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Start { offset, found, expected } => {
                write!(f, "start byte at offset {offset} is 0x{found:02x}, expected 0x{expected:02x}")
            }
            Self::NoDelimiter { limit } => {
                write!(f, "no delimiter within {limit} payload bytes, which is the limit")
            }
            Self::OverLimit { limit } => write!(f, "message is longer than {limit} bytes, which is the limit"),
        }
    }
}

impl Error for DecodeError {}

/// Why a payload cannot be sent. No byte of it was written.
///
/// ```
/// use framelink_unframed::{Encode, Unframed};
///
/// let delim: Unframed = "delim:03".parse()?;
/// // 'h' 'i' 0x03 '!' | 0x03
/// let error = delim.envelope(b"hi\x03!").unwrap_err();
/// assert_eq!(error.to_string(), "payload holds its delimiter at offset 2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The payload is over the limit.
    OverLimit {
        /// The length of the payload in bytes.
        payload_len: usize,
        /// The most payload bytes.
        limit: usize,
    },
    /// The payload does not have the fixed length.
    WrongLen {
        /// The length of the payload in bytes.
        payload_len: usize,
        /// The fixed length.
        every: usize,
    },
    /// The payload is empty, and the peer could not see an empty message.
    Empty {
        /// The kind of the framing.
        kind: &'static str,
    },
    /// The payload contains its delimiter.
    HoldsDelimiter {
        /// Its offset in the payload.
        offset: usize,
    },
    /// The end of the payload and the start of the bytes after it contain the delimiter, so the peer would find it too
    /// early.
    StraddlesDelimiter {
        /// Its offset in the payload.
        offset: usize,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OverLimit { payload_len, limit } => {
                write!(f, "payload is {payload_len} bytes, limit is {limit}")
            }
            Self::WrongLen { payload_len, every } => {
                write!(f, "payload is {payload_len} bytes, every message is {every}")
            }
            Self::Empty { kind } => write!(f, "payload is empty, a message of {kind} is at least 1 byte"),
            Self::HoldsDelimiter { offset } => write!(f, "payload holds its delimiter at offset {offset}"),
            Self::StraddlesDelimiter { offset } => {
                write!(f, "payload with its delimiter behind it holds that delimiter at offset {offset} already")
            }
        }
    }
}

impl Error for EncodeError {}

/// Why options make no framing.
///
/// ```
/// use framelink_unframed::Unframed;
///
/// // "hello, world" is 12 bytes
/// let error = Unframed::fixed(12).max(100).build().unwrap_err();
/// assert_eq!(error.to_string(), "max of 100 is 88 bytes more than the 12 of every message");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// A silence of 0, with a fraction of a millisecond, or of more milliseconds than 64 bits hold.
    Silence(Duration),
    /// A fixed length of 0 bytes, or of more than memory can hold.
    MessageLen(usize),
    /// A delimiter of 0 or too many bytes.
    DelimiterLen {
        /// The kind of the framing.
        kind: &'static str,
        /// The length of the delimiter in bytes.
        len: usize,
    },
    /// An option of another kind.
    NotTaken {
        /// The option.
        option: &'static str,
        /// The kind that does not take it.
        kind: &'static str,
        /// The kind that takes it.
        by: &'static str,
    },
    /// A limit below the smallest payload.
    MaxBelow {
        /// The limit.
        max: usize,
        /// The smallest payload.
        least: usize,
    },
    /// A limit above the fixed length.
    MaxBeyond {
        /// The limit.
        max: usize,
        /// The fixed length.
        every: usize,
    },
    /// A limit above what memory can hold.
    MaxBeyondMemory {
        /// The limit.
        max: usize,
        /// The largest limit.
        most: usize,
    },
    /// A limit of `each-read` above the largest read.
    MaxBeyondRead {
        /// The limit.
        max: usize,
        /// The largest limit.
        most: usize,
    },
}

impl SpecError {
    /// The option that the error is about; `None` for the kind itself.
    #[must_use]
    pub const fn option(&self) -> Option<&'static str> {
        match self {
            Self::Silence(_) | Self::MessageLen(_) | Self::DelimiterLen { .. } => None,
            Self::NotTaken { option, .. } => Some(option),
            Self::MaxBelow { .. }
            | Self::MaxBeyond { .. }
            | Self::MaxBeyondMemory { .. }
            | Self::MaxBeyondRead { .. } => Some("max"),
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Silence(silence) => {
                write!(f, "quiet takes 1 to {} whole milliseconds, found {silence:?}", u64::MAX)
            }
            Self::MessageLen(len) => write!(f, "fixed takes 1 to {MEMORY_MAX} bytes, found {len}"),
            Self::DelimiterLen { kind, len } => {
                write!(f, "{kind} takes delimiters of 1 to {} bytes, found {len}", Delimiter::MOST)
            }
            Self::NotTaken { option, kind, by } => write!(f, "{option} is an option of {by}, not of {kind}"),
            Self::MaxBelow { max, least } => {
                write!(f, "no frame can exist: the limit is {max} payload bytes, a message has at least {least}")
            }
            Self::MaxBeyond { max, every } => {
                write!(f, "max of {max} is {} bytes more than the {every} of every message", max - every)
            }
            Self::MaxBeyondMemory { max, most } => {
                write!(f, "max of {max} is {} bytes more than the {most} that memory can hold", max - most)
            }
            Self::MaxBeyondRead { max, most } => {
                write!(f, "max of {max} is {} bytes more than the {most} that a read is offered at most", max - most)
            }
        }
    }
}

impl Error for SpecError {}
