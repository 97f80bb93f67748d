//! The rule that ends a message.

use core::fmt;
use core::time::Duration;

use framelink_codec::notation::ShowDuration;

use crate::delimiter::Delimiter;
use crate::error::{MEMORY_MAX, SpecError};

/// The rule that ends a message.
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
    /// No byte arrives for this time, or the peer closes its side.
    Quiet(Duration),
    /// One read returns.
    EachRead,
    /// The message has this many bytes.
    Fixed(usize),
    /// LF.
    Line {
        /// Whether LF alone ends a line, both ways, and a CR before it is payload. Otherwise CR LF is written, and the
        /// CR is dropped.
        lf: bool,
    },
    /// A delimiter.
    Delim(Delimiter),
    /// A delimiter, after another delimiter that starts the message.
    Between {
        /// The delimiter at its start.
        start: Delimiter,
        /// The delimiter at its end.
        end: Delimiter,
    },
}

/// The default limit: 1 MiB.
const DEFAULT_MAX: usize = 1024 * 1024;
/// The default limit of `each-read`, and so the size of each read: 16 KiB.
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

    /// Returns its name in the notation.
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

    /// The smallest payload. If silence, a read or the close ends messages, an empty message cannot exist.
    #[inline]
    pub(crate) const fn least_payload(&self) -> usize {
        match self {
            Self::UntilClose | Self::Quiet(_) | Self::EachRead => 1,
            Self::Fixed(len) => *len,
            Self::Line { .. } | Self::Delim(_) | Self::Between { .. } => 0,
        }
    }

    /// The default limit.
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

/// Prints the kind in the notation.
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
