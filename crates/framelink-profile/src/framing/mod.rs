//! Any framing as one value.

mod pair;
mod presets;

pub use pair::FramingPair;
pub use presets::presets;

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use framelink_codec::notation::{Dialect, Notation, NotationError};
use framelink_codec::{Codec, Decode, Decoded, Encode, End, Ends, Envelope, Frame, Guess, ShortHead};
use framelink_length::{Length, LengthBuilder};
use framelink_unframed::{Unframed, UnframedBuilder};

/// A framing of any kind that the notation can express.
///
/// ```
/// use framelink_codec::Frames;
/// use framelink_profile::Framing;
///
/// // 0x0b | 'M' 'S' 'H' | 0x1c 0x0d
/// let mllp: Framing = "mllp".parse()?;
/// assert_eq!(mllp.to_string(), "between:0b..1c0d");
/// let payloads: Vec<_> = Frames::new(&mllp, b"\x0bMSH\x1c\x0d").map(|frame| frame.unwrap().payload).collect();
/// assert_eq!(payloads, [b"MSH"]);
///
/// let error = "nett:2".parse::<Framing>().unwrap_err();
/// assert_eq!(error.column(), 1);
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "it is copied once a connection at most, and drivers share it")]
#[non_exhaustive]
pub enum Framing {
    /// Frames that begin with their length.
    Length(Length),
    /// Messages with no length header.
    Unframed(Unframed),
}

/// Handles both kinds of framing in one expression.
macro_rules! of_either {
    ($either:expr, $one:ident => $of_one:expr) => {
        match $either {
            Self::Length($one) => $of_one,
            Self::Unframed($one) => $of_one,
        }
    };
}

impl Framing {
    /// Returns a codec: this framing with the state of one stream.
    #[must_use]
    pub const fn codec(self) -> Codec<Self> {
        Codec::new(self)
    }

    /// Returns the largest payload in bytes, for both directions.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        of_either!(self, framing => framing.max_payload())
    }
}

impl From<Length> for Framing {
    fn from(length: Length) -> Self {
        Self::Length(length)
    }
}

impl From<Unframed> for Framing {
    fn from(unframed: Unframed) -> Self {
        Self::Unframed(unframed)
    }
}

impl FromStr for Framing {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let notation = Notation::parse(text)?;
        let length = LengthBuilder::from_notation(&notation).map(|length| length.map(Self::Length));
        let framing =
            length.or_else(|| UnframedBuilder::from_notation(&notation).map(|other| other.map(Self::Unframed)));
        framing.unwrap_or_else(|| {
            let kinds = format!("one of {}, {}, or a preset", LengthBuilder::KINDS, UnframedBuilder::KINDS);
            let names = LengthBuilder::names().chain(UnframedBuilder::names());
            Err(notation.kind.name.unknown(&kinds, names))
        })
    }
}

/// Prints the normal form of the notation.
impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        of_either!(self, framing => framing.fmt(f))
    }
}

impl Decode for Framing {
    type Error = DecodeError;

    #[inline]
    fn decode(&self, input: &[u8], looked_at: usize, end: Option<End>) -> Result<Decoded, DecodeError> {
        match self {
            Self::Length(length) => length.decode(input, looked_at, end).map_err(DecodeError::Length),
            Self::Unframed(unframed) => unframed.decode(input, looked_at, end).map_err(DecodeError::Unframed),
        }
    }

    #[inline]
    fn whole_frame(&self, input: &[u8]) -> Option<Frame> {
        match self {
            Self::Length(length) => length.whole_frame(input),
            Self::Unframed(_) => None,
        }
    }

    fn ends(&self) -> Ends {
        of_either!(self, framing => framing.ends())
    }

    fn guess(&self, input: &[u8]) -> Option<Guess> {
        of_either!(self, framing => framing.guess(input))
    }
}

impl Encode for Framing {
    type Error = EncodeError;

    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), EncodeError> {
        match self {
            Self::Length(length) => length.wrap(payload, envelope).map_err(EncodeError::Length),
            Self::Unframed(unframed) => unframed.wrap(payload, envelope).map_err(EncodeError::Unframed),
        }
    }

    #[inline]
    fn short_head(&self, payload_len: usize) -> Option<ShortHead> {
        of_either!(self, framing => framing.short_head(payload_len))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Framing {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        framelink_codec::notation::text::serialize(self, serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Framing {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        framelink_codec::notation::text::deserialize(deserializer)
    }
}

/// Why bytes are not a frame of a [`Framing`].
///
/// ```
/// use framelink_codec::Decode;
/// use framelink_profile::Framing;
///
/// let error = "bcd:2".parse::<Framing>()?.decode(&[0x00, 0xa2], 0, None).unwrap_err();
/// assert_eq!(error.to_string(), "header byte 1 is 0xa2, expected two decimal digits, one in each half");
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// An error of a framing with a length header.
    Length(framelink_length::DecodeError),
    /// An error of a framing without a length header.
    Unframed(framelink_unframed::DecodeError),
}

/// Why a [`Framing`] cannot encode a payload.
///
/// ```
/// use framelink_codec::Encode;
/// use framelink_profile::Framing;
///
/// let error = "ascii:4".parse::<Framing>()?.envelope(&[0; 10_000]).unwrap_err();
/// assert_eq!(error.to_string(), "payload is 10000 bytes, the header can announce at most 9999");
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// An error of a framing with a length header.
    Length(framelink_length::EncodeError),
    /// An error of a framing without a length header.
    Unframed(framelink_unframed::EncodeError),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        of_either!(self, error => error.fmt(f))
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        of_either!(self, error => error.fmt(f))
    }
}

impl Error for DecodeError {}
impl Error for EncodeError {}
