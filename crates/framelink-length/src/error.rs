//! What can be wrong with bytes, with payloads and with specifications.

use core::error::Error;
use core::fmt;

/// As many bytes as a head or a tail may have.
pub(crate) const HEAD_CAPACITY: usize = 64;
/// No buffer can be larger, and a frame needs some bytes more than its payload.
pub(crate) const MEMORY_MAX: usize = isize::MAX as usize - 4 * HEAD_CAPACITY;

/// Why bytes are no frame: what came, what was allowed and where, counted from the first byte of the frame.
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
    /// A byte of a fixed part is another.
    Literal {
        /// Which part.
        part: Part,
        /// Where in the frame.
        offset: usize,
        /// What came.
        found: u8,
        /// What was expected.
        expected: u8,
    },
    /// A byte of the length field is not what its kind is made of.
    Byte {
        /// Where in the frame.
        offset: usize,
        /// What came.
        found: u8,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// The length field is longer than the number in it, or than any number: a leading zero, an overlong varint, too
    /// many digits.
    Form {
        /// Where in the frame the field begins.
        offset: usize,
        /// What is wrong with it, in words.
        problem: &'static str,
    },
    /// The number is smaller than what it must count.
    TooSmall {
        /// What the length field says.
        number: u64,
        /// The least that it can say.
        least: u64,
    },
    /// The number announces more than the limit.
    OverLimit {
        /// The payload bytes that it announces, `u64::MAX` if they are more.
        announced: u64,
        /// The most that are allowed.
        limit: usize,
    },
}

/// A part of the frame that is always the same.
///
/// ```
/// use framelink_length::{Decode, DecodeError, Length, Part};
///
/// // tpkt: 0x03 reserved length length; this says version 4
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

/// Why a payload cannot be sent. Nothing of it was written.
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
    /// Longer than the limit.
    OverLimit {
        /// The payload's bytes.
        payload_len: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// Longer than the header can announce.
    TooLong {
        /// The payload's bytes.
        payload_len: usize,
        /// The most that can be announced.
        most: usize,
    },
    /// Shorter than the header can announce.
    TooShort {
        /// The payload's bytes.
        payload_len: usize,
        /// The least that can be announced.
        least: usize,
    },
    /// Messages are whole frames, and this is none.
    NotAFrame(DecodeError),
    /// Messages are whole frames, and this one lacks bytes of what its header announces.
    Unfinished {
        /// The message's bytes.
        message_len: usize,
        /// At least so many are missing.
        missing: usize,
    },
    /// Messages are whole frames, and this one has bytes behind what its header announces.
    Overfull {
        /// The message's bytes.
        message_len: usize,
        /// What its header announces.
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
                "message is not a whole frame: it is {message_len} bytes, its header asks for at least {missing} more"
            ),
            Self::Overfull { message_len, frame_len } => {
                write!(f, "message is not a whole frame: it is {message_len} bytes, its header announces {frame_len}")
            }
        }
    }
}

impl Error for EncodeError {}

/// Why no framing can be made of some options.
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
    /// A length field of no bytes, or of more than its kind may have.
    Width {
        /// The kind.
        kind: &'static str,
        /// What was asked for.
        width: usize,
        /// The most.
        most: u8,
        /// What it counts: bytes or digits.
        unit: &'static str,
    },
    /// A separator that is a digit.
    Separator(u8),
    /// A prefix of so many bytes where there are only so many before the length field.
    PrefixOutside(usize, usize),
    /// An infix of so many bytes where the gap has only so many.
    InfixOutside(usize, usize),
    /// A suffix of so many bytes where the tail has only so many.
    SuffixOutside(usize, usize),
    /// A part of more than 64 bytes.
    TooLong {
        /// Which.
        option: &'static str,
        /// Its bytes.
        len: usize,
    },
    /// A head of more than 64 bytes.
    HeadTooLong {
        /// Bytes before the length field.
        at: usize,
        /// The most bytes of the length field.
        field: usize,
        /// Bytes between it and the payload.
        gap: usize,
    },
    /// An option that another kind has.
    NotTaken {
        /// The option.
        option: &'static str,
        /// The kind that does not take it.
        kind: &'static str,
        /// The kinds that do.
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
    /// A number that counts a length field whose width depends on the number.
    CountsItsOwnWidth {
        /// The kind.
        kind: &'static str,
    },
    /// The number 0 is to be an empty frame, where it has a meaning already.
    ZeroCanBe,
    /// No number is large enough for what it must count.
    NoFrame {
        /// The largest number.
        largest: u64,
        /// What it counts at least.
        least: u64,
    },
    /// A limit beyond what the header can say.
    MaxBeyond {
        /// The limit.
        max: usize,
        /// The most that the header can announce.
        most: usize,
    },
    /// A limit below the smallest payload that the header can say.
    MaxBelow {
        /// The limit.
        max: usize,
        /// The least that the header can announce.
        least: u64,
    },
}

impl SpecError {
    /// The option of the notation that it is about, `None` for the kind itself.
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

/// A number of bytes in words.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "byte" } else { "bytes" })
    }
}
