//! What ends a message.

use core::fmt;
use core::time::Duration;

use framelink_codec::notation::ShowDuration;

use crate::delimiter::Delimiter;
use crate::error::{MEMORY_MAX, SpecError};

/// What ends a message.
///
/// ```
/// use framelink_unframed::{Kind, Unframed};
///
/// // 'h' 'e' 'l' 'l' 'o' | 0x0a
/// let line: Unframed = "line,lf".parse()?;
/// assert_eq!(line.kind(), Kind::Line { lf: true });
/// assert_eq!(line.kind().name(), "line");
/// # Ok::<(), framelink_unframed::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The peer closes its side.
    UntilClose,
    /// Nothing came for this long since the last byte, or the peer closes its side.
    Quiet(Duration),
    /// One read has returned.
    EachRead,
    /// So many bytes are there.
    Fixed(usize),
    /// LF.
    Line {
        /// LF alone both ways, a CR before it is part of the payload; otherwise the CR is written, and dropped.
        lf: bool,
    },
    /// These bytes.
    Delim(Delimiter),
    /// These bytes, after others that start the message.
    Between {
        /// What it starts with.
        start: Delimiter,
        /// What it ends with.
        end: Delimiter,
    },
}

/// The largest payload where nothing else is said: 1 MiB.
const DEFAULT_MAX: usize = 1024 * 1024;
/// The same for reads, each of which is offered so much: 16 KiB.
const DEFAULT_READ: usize = 16 * 1024;
impl Kind {
    pub(crate) const fn quiet(silence: Duration) -> Result<Self, SpecError> {
        let whole = silence.subsec_nanos().is_multiple_of(1_000_000);
        if !whole || silence.is_zero() || silence.as_millis() > u64::MAX as u128 {
            return Err(SpecError::Silence(silence));
        }
        Ok(Self::Quiet(silence))
    }

    pub(crate) const fn fixed(len: usize) -> Result<Self, SpecError> {
        if len == 0 || len > MEMORY_MAX { Err(SpecError::MessageLen(len)) } else { Ok(Self::Fixed(len)) }
    }

    pub(crate) fn delim(end: &[u8]) -> Result<Self, SpecError> {
        delimiter("delim", end).map(Self::Delim)
    }

    pub(crate) fn between(start: &[u8], end: &[u8]) -> Result<Self, SpecError> {
        Ok(Self::Between { start: delimiter("between", start)?, end: delimiter("between", end)? })
    }

    /// Its name in the notation.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UntilClose => "until-close",
            Self::Quiet(_) => "quiet",
            Self::EachRead => "each-read",
            Self::Fixed(_) => "fixed",
            Self::Line { .. } => "line",
            Self::Delim(_) => "delim",
            Self::Between { .. } => "between",
        }
    }

    /// The smallest payload. Where only silence, a read or the close tells, no bytes are no message.
    #[inline]
    pub(crate) const fn least_payload(&self) -> usize {
        match self {
            Self::UntilClose | Self::Quiet(_) | Self::EachRead => 1,
            Self::Fixed(len) => *len,
            Self::Line { .. } | Self::Delim(_) | Self::Between { .. } => 0,
        }
    }

    /// The limit where none is given.
    pub(crate) const fn default_max(&self) -> usize {
        match self {
            Self::EachRead => DEFAULT_READ,
            Self::Fixed(len) => *len,
            _ => DEFAULT_MAX,
        }
    }
}

fn delimiter(kind: &'static str, bytes: &[u8]) -> Result<Delimiter, SpecError> {
    Delimiter::new(bytes).ok_or(SpecError::DelimiterLen { kind, len: bytes.len() })
}

/// Prints it as the notation has it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Quiet(silence) => write!(f, ":{}", ShowDuration(*silence)),
            Self::Fixed(len) => write!(f, ":{len}"),
            Self::Line { lf: true } => f.write_str(",lf"),
            Self::Delim(end) => write!(f, ":{end}"),
            Self::Between { start, end } => write!(f, ":{start}..{end}"),
            Self::UntilClose | Self::EachRead | Self::Line { lf: false } => Ok(()),
        }
    }
}
