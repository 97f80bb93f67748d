//! Framings without a length header.

mod builder;
mod kind;

pub use builder::UnframedBuilder;
pub use kind::Kind;

use core::fmt;
use core::time::Duration;

use crate::{Codec, UnframedCodec};

/// A framing whose messages have no length header.
///
/// Every value is valid. It decodes and encodes as a pure function of bytes ([`Decode`](crate::Decode),
/// [`Encode`](crate::Encode)), and is small and `Copy`. `Display` prints its notation in the normal form.
///
/// ```
/// use framelink_unframed::{Decode, Decoded, Encode, EndedBy, Unframed};
///
/// // 0x0b | 'h' 'e' 'l' 'l' 'o' | 0x1c 0x0d     HL7 over MLLP
/// let mllp: Unframed = "mllp".parse()?;
/// assert_eq!(mllp.to_string(), "between:0b..1c0d");
/// assert_eq!(mllp.envelope(b"hello")?.suffix.as_ref(), [0x1c, 0x0d]);
///
/// let wire = b"\x0bhello\x1c\x0d";
/// let Decoded::Frame(frame) = mllp.decode(wire, 0, None)? else { panic!() };
/// assert_eq!((frame.payload(wire), frame.ended_by), (&b"hello"[..], EndedBy::Delimiter));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unframed {
    pub(crate) kind: Kind,
    pub(crate) max_payload: usize,
}

impl Unframed {
    /// Starts a framing whose only message ends when the peer closes its side: `until-close`.
    #[must_use]
    pub const fn until_close() -> UnframedBuilder {
        UnframedBuilder::new(Ok(Kind::UntilClose))
    }

    /// Starts a framing whose messages end after this silence, in whole milliseconds above 0: `quiet`.
    #[must_use]
    pub const fn quiet(silence: Duration) -> UnframedBuilder {
        UnframedBuilder::new(Kind::quiet(silence))
    }

    /// Starts a framing in which each read returns one message: `each-read`.
    #[must_use]
    pub const fn each_read() -> UnframedBuilder {
        UnframedBuilder::new(Ok(Kind::EachRead))
    }

    /// Starts a framing in which every message has this many bytes, 1 or more: `fixed`.
    #[must_use]
    pub const fn fixed(len: usize) -> UnframedBuilder {
        UnframedBuilder::new(Kind::fixed(len))
    }

    /// Starts a framing whose messages are lines, written with CR LF and read with or without the CR: `line`.
    #[must_use]
    pub const fn line() -> UnframedBuilder {
        UnframedBuilder::new(Ok(Kind::Line { lf: false }))
    }

    /// Starts a framing whose messages end with these 1 to 16 bytes: `delim`.
    #[must_use]
    pub fn delimited(end: &[u8]) -> UnframedBuilder {
        UnframedBuilder::new(Kind::delim(end))
    }

    /// Starts a framing whose messages are between two delimiters of 1 to 16 bytes each: `between`.
    #[must_use]
    pub fn between(start: &[u8], end: &[u8]) -> UnframedBuilder {
        UnframedBuilder::new(Kind::between(start, end))
    }

    /// Creates a codec: this framing with the state of one stream, for example for a `tokio_util::codec::Framed`.
    #[must_use]
    pub const fn codec(self) -> UnframedCodec {
        Codec::new(self)
    }

    /// Returns the rule that ends its messages.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the largest payload in bytes, both ways, without delimiters.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        self.max_payload
    }

    /// Returns the smallest payload in bytes: 0 if a delimiter ends messages, N for `fixed:N`, else 1.
    #[inline]
    #[must_use]
    pub const fn least_payload(&self) -> usize {
        self.kind.least_payload()
    }
}

impl fmt::Debug for Unframed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unframed({self})")
    }
}
