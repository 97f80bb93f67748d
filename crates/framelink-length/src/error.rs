//! Errors of decoding, encoding and building.

use core::error::Error;
use core::fmt;

/// The most bytes of a head or a tail.
pub(crate) const HEAD_CAPACITY: usize = 64;
/// The largest payload. A buffer has at most `isize::MAX` bytes, and a frame is a little longer than its payload.
pub(crate) const MEMORY_MAX: usize = isize::MAX as usize - 4 * HEAD_CAPACITY;

/// Why bytes are no frame. Offsets count from the first byte of the frame.
///
/// ```
/// use framelink_length::{Decode, Length};
///
/// let ascii4: Length = "ascii:4".parse()?;
/// // '0' '0' 'J' …
/// let error = ascii4.decode(b"00J", 0, None).unwrap_err();
/// assert_eq!(error.to_string(), "header byte 2 is 0x4a, expected an ASCII digit");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A byte of a fixed part differs.
    Literal {
        /// The fixed part.
        part: Part,
        /// Its offset in the frame.
        offset: usize,
        /// The byte that was received.
        found: u8,
        /// The byte that was expected.
        expected: u8,
    },
    /// A byte is not allowed in a length field of this kind.
    Byte {
        /// Its offset in the frame.
        offset: usize,
        /// The byte that was received.
        found: u8,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// The length field is not in its shortest form, or too long: a leading zero, an overlong varint, too many digits.
    Form {
        /// The offset of the field in the frame.
        offset: usize,
        /// The problem, in words.
        problem: &'static str,
    },
    /// The number is smaller than the bytes that it has to count.
    TooSmall {
        /// The number in the length field.
        number: u64,
        /// The smallest possible number.
        least: u64,
    },
    /// The number announces more than the limit.
    OverLimit {
        /// The announced payload bytes; `u64::MAX` if they are more.
        announced: u64,
        /// The most payload bytes.
        limit: usize,
    },
}

/// A fixed part of the frame.
///
/// ```
/// use framelink_length::{Decode, DecodeError, Length, Part};
///
/// // tpkt: 0x03 reserved length length; this frame has version 4
/// let tpkt: Length = "tpkt".parse()?;
/// let error = tpkt.decode(&[0x04], 0, None).unwrap_err();
/// assert!(matches!(error, DecodeError::Literal { part: Part::Prefix, offset: 0, found: 0x04, expected: 0x03 }));
/// # Ok::<(), framelink_length::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The start of the frame.
    Prefix,
    /// The start of the gap.
    Infix,
    /// The start of the tail.
    Suffix,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Literal { part, offset, found, expected } => {
                let part = match part {
                    Part::Prefix => "prefix",
                    Part::Infix => "infix",
                    Part::Suffix => "suffix",
                };
                write!(f, "{part} byte at offset {offset} is 0x{found:02x}, expected 0x{expected:02x}")
            }
            Self::Byte { offset, found, expected } => {
                write!(f, "header byte {offset} is 0x{found:02x}, expected {expected}")
            }
            Self::Form { offset, problem } => write!(f, "length field at header byte {offset} {problem}"),
            Self::TooSmall { number, least } => {
                let unit = if least == 1 { "byte" } else { "bytes" };
                write!(f, "header says {number}, but what it counts is at least {least} {unit}")
            }
            Self::OverLimit { announced, limit } => {
                write!(f, "header announces {announced} payload bytes, limit is {limit}")
            }
        }
    }
}

impl Error for DecodeError {}

/// Why a payload cannot be sent. No byte of it was written.
///
/// ```
/// use framelink_length::{Encode, Length};
///
/// let ascii4: Length = "ascii:4".parse()?;
/// let error = ascii4.envelope(&[0; 10_000]).unwrap_err();
/// assert_eq!(error.to_string(), "payload is 10000 bytes, the header can announce at most 9999");
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
    /// The payload is longer than the header can announce.
    TooLong {
        /// The length of the payload in bytes.
        payload_len: usize,
        /// The most bytes that the header can announce.
        most: usize,
    },
    /// The payload is shorter than the header can announce.
    TooShort {
        /// The length of the payload in bytes.
        payload_len: usize,
        /// The fewest bytes that the header can announce.
        least: usize,
    },
    /// Messages are whole frames, and this message is no frame.
    NotAFrame(DecodeError),
    /// Messages are whole frames, and this message is shorter than its header announces.
    Unfinished {
        /// The length of the message in bytes.
        message_len: usize,
        /// The least number of missing bytes.
        missing: usize,
    },
    /// Messages are whole frames, and this message is longer than its header announces.
    Overfull {
        /// The length of the message in bytes.
        message_len: usize,
        /// The length of the frame that its header announces.
        frame_len: usize,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OverLimit { payload_len, limit } => {
                write!(f, "payload is {payload_len} bytes, limit is {limit}")
            }
            Self::TooLong { payload_len, most } => {
                write!(f, "payload is {payload_len} bytes, the header can announce at most {most}")
            }
            Self::TooShort { payload_len, least } => {
                write!(f, "payload is {payload_len} bytes, the header can announce no fewer than {least}")
            }
            Self::NotAFrame(error) => write!(f, "message is not a whole frame: {error}"),
            Self::Unfinished { message_len, missing } => write!(
                f,
                "message is not a whole frame: it is {}, its header asks for at least {missing} more",
                Bytes(message_len)
            ),
            Self::Overfull { message_len, frame_len } => {
                let len = Bytes(message_len);
                write!(f, "message is not a whole frame: it is {len}, its header announces {frame_len}")
            }
        }
    }
}

impl Error for EncodeError {}

/// Why options make no framing.
///
/// ```
/// use framelink_length::{Field, Length};
///
/// let error = Length::builder(Field::Net(2)).max(100_000).build().unwrap_err();
/// assert_eq!(error.to_string(), "max of 100000 is 34465 bytes more than the 65535 that the header can announce");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// A length field of 0 bytes, or of more than its kind may have.
    Width {
        /// The kind.
        kind: &'static str,
        /// The width that was given.
        width: usize,
        /// The largest width.
        most: u8,
        /// The unit of the width: bytes or digits.
        unit: &'static str,
    },
    /// The separator is a digit.
    Separator(u8),
    /// A prefix with more bytes (first number) than come before the length field (second number).
    PrefixOutside(usize, usize),
    /// An infix with more bytes (first number) than the gap (second number).
    InfixOutside(usize, usize),
    /// A suffix with more bytes (first number) than the tail (second number).
    SuffixOutside(usize, usize),
    /// A part of more than 64 bytes.
    TooLong {
        /// The option.
        option: &'static str,
        /// Its length in bytes.
        len: usize,
    },
    /// A head of more than 64 bytes.
    HeadTooLong {
        /// Bytes before the length field.
        at: usize,
        /// The most bytes of the length field.
        field: usize,
        /// Bytes between the length field and the payload.
        gap: usize,
    },
    /// An option of another kind.
    NotTaken {
        /// The option.
        option: &'static str,
        /// The kind that does not take it.
        kind: &'static str,
        /// The kinds that take it.
        by: &'static str,
    },
    /// A mask whose bits are not contiguous from bit 0.
    MaskWithHoles(u64),
    /// A mask with bits that the field does not have.
    MaskTooWide {
        /// The mask.
        mask: u64,
        /// The bytes of the field.
        field: usize,
    },
    /// The number counts a length field whose width depends on the number.
    CountsItsOwnWidth {
        /// The kind.
        kind: &'static str,
    },
    /// `zero=empty`, but the number 0 already has a meaning.
    ZeroCanBe,
    /// No number is large enough for what it must count.
    NoFrame {
        /// The largest number.
        largest: u64,
        /// The fewest bytes that it counts.
        least: u64,
    },
    /// A limit above what the header can announce.
    MaxBeyond {
        /// The limit.
        max: usize,
        /// The most bytes that the header can announce.
        most: usize,
    },
    /// A limit below the smallest payload that the header can announce.
    MaxBelow {
        /// The limit.
        max: usize,
        /// The fewest bytes that the header can announce.
        least: u64,
    },
}

impl SpecError {
    /// The option that the error is about; `None` for the kind itself.
    #[must_use]
    pub const fn option(&self) -> Option<&'static str> {
        match self {
            Self::Width { .. } | Self::Separator(_) => None,
            Self::PrefixOutside(..) => Some("prefix"),
            Self::InfixOutside(..) => Some("infix"),
            Self::SuffixOutside(..) => Some("suffix"),
            Self::TooLong { option, .. } | Self::NotTaken { option, .. } => Some(option),
            Self::HeadTooLong { at, gap, .. } => Some(if *gap > *at { "gap" } else { "at" }),
            Self::MaskWithHoles(_) | Self::MaskTooWide { .. } => Some("mask"),
            Self::CountsItsOwnWidth { .. } | Self::NoFrame { .. } => Some("counts"),
            Self::ZeroCanBe => Some("zero"),
            Self::MaxBeyond { .. } | Self::MaxBelow { .. } => Some("max"),
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Width { kind, width, most, unit } => {
                write!(f, "{kind} takes 1 to {most} {unit}, found {width}")
            }
            Self::Separator(byte) => {
                write!(
                    f,
                    "the separator 0x{byte:02x} is the digit `{}`, expected a byte that is no digit",
                    byte.escape_ascii()
                )
            }
            Self::PrefixOutside(len, at) => {
                write!(f, "prefix is {}, but only {at} can stand before the length field (at={at})", Bytes(len))
            }
            Self::InfixOutside(len, gap) => {
                write!(f, "infix is {}, but only {gap} can stand in the gap (gap={gap})", Bytes(len))
            }
            Self::SuffixOutside(len, tail) => {
                write!(f, "suffix is {}, but only {tail} can stand in the tail (tail={tail})", Bytes(len))
            }
            Self::TooLong { option, len } => {
                write!(f, "{option} is {len} bytes, at most {HEAD} are allowed", HEAD = HEAD_CAPACITY)
            }
            Self::HeadTooLong { at, field, gap } => write!(
                f,
                "the bytes before the payload are up to {} (at {at} + length field {field} + gap {gap}), at most {} are allowed",
                at + field + gap,
                HEAD_CAPACITY
            ),
            Self::NotTaken { option, kind, by } => {
                write!(f, "{option} is an option of {by}, not of {kind}")
            }
            Self::MaskWithHoles(mask) => {
                write!(f, "mask {mask:#x} must have one or more bits, contiguous from bit 0")
            }
            Self::MaskTooWide { mask, field } => {
                write!(f, "mask {mask:#x} has bits beyond the {} of the length field", Bytes(field))
            }
            Self::CountsItsOwnWidth { kind } => {
                write!(
                    f,
                    "a {kind} length field has no fixed width that the number could count, expected rest, payload or adjust"
                )
            }
            Self::ZeroCanBe => {
                f.write_str("the number 0 already means something here, zero=empty is for framings where it cannot be")
            }
            Self::NoFrame { largest, least } => {
                write!(f, "no frame can exist: the number is at most {largest}, but must count at least {least} bytes")
            }
            Self::MaxBeyond { max, most } => {
                let more = Bytes(max.saturating_sub(most));
                let whose = if most == MEMORY_MAX { "memory can hold" } else { "the header can announce" };
                write!(f, "max of {max} is {more} more than the {most} that {whose}")
            }
            Self::MaxBelow { max, least } => {
                write!(f, "no frame can exist: the limit is {max} payload bytes, the header announces at least {least}")
            }
        }
    }
}

impl Error for SpecError {}

/// Prints a number of bytes with its unit.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "byte" } else { "bytes" })
    }
}
