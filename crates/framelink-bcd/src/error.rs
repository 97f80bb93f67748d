//! Errors: one enum for each operation.

use core::fmt;

use crate::word::MAX_BYTES;

/// The error of [`decode`](crate::decode): why packed BCD is no integer.
///
/// ```
/// let error = framelink_bcd::decode(&[0x12, 0xa4]).unwrap_err();
/// assert_eq!(error.to_string(), "nibble 2 is 0xa, expected a decimal digit 0 to 9");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input is not 1 to 9 bytes.
    Width {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A nibble is not a decimal digit.
    Nibble {
        /// Its index, from 0 on the left.
        index: usize,
        /// Its value, 10 to 15.
        found: u8,
    },
}

/// The error of [`encode`](crate::encode) and [`encode_array`](crate::encode_array): why an integer was not packed.
///
/// ```
/// let error = framelink_bcd::encode_array::<2>(10_000).unwrap_err();
/// assert_eq!(error.to_string(), "10000 needs 5 digits, 2 bytes of packed BCD hold 4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// The output is not 1 to 9 bytes.
    Width {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The integer has more digits than the output has nibbles.
    TooLarge {
        /// The integer.
        value: u64,
        /// The digits that the output holds: two for each byte.
        digits: usize,
    },
}

/// The error of [`pack`](crate::pack): why ASCII digits were not packed.
///
/// ```
/// use framelink_bcd::{Pad, pack};
///
/// let error = pack(b"12:5", Pad::LeftZero, &mut [0; 2]).unwrap_err();
/// assert_eq!(error.to_string(), "byte 2 is 0x3a, expected an ASCII digit");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PackError {
    /// A byte is not an ASCII digit.
    Digit {
        /// Its index, from 0.
        index: usize,
        /// Its value.
        found: u8,
    },
    /// The buffer is too short for the packed digits.
    Buffer {
        /// The digits to pack.
        digits: usize,
        /// The bytes that they take.
        needed: usize,
        /// The bytes of the buffer.
        available: usize,
    },
}

/// Why packed digits could not be unpacked, by [`unpack`](crate::unpack) and [`unpack_right_f`](crate::unpack_right_f).
///
/// ```
/// use framelink_bcd::{Pad, unpack};
///
/// let error = unpack(&[0x12, 0x34], 3, Pad::RightF, &mut [0; 3]).unwrap_err();
/// assert_eq!(error.to_string(), "nibble 3 is 0x4, expected the pad 0xf");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnpackError {
    /// The input does not have the length of the packed digits.
    Width {
        /// The digits to unpack.
        digits: usize,
        /// The bytes that they take.
        needed: usize,
        /// The bytes of the input.
        bytes: usize,
    },
    /// A nibble is not a decimal digit.
    Nibble {
        /// Its index, from 0 on the left.
        index: usize,
        /// Its value, 10 to 15.
        found: u8,
    },
    /// The spare nibble of an odd number of digits is not the pad.
    Pad {
        /// The index of the spare nibble, from 0 on the left.
        index: usize,
        /// Its value.
        found: u8,
        /// The value of the pad.
        expected: u8,
    },
    /// The buffer has fewer bytes than there are digits.
    Buffer {
        /// The digits to unpack: each needs one byte.
        digits: usize,
        /// The bytes of the buffer.
        available: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Width { bytes } => write_width(f, bytes),
            Self::Nibble { index, found } => write_nibble(f, index, found),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Width { bytes } => write_width(f, bytes),
            Self::TooLarge { value, digits } => {
                let needed = value.checked_ilog10().map_or(1, |log| log + 1);
                let bytes = Count(digits / 2, "byte");
                let hold = if bytes.0 == 1 { "holds" } else { "hold" };
                write!(f, "{value} needs {needed} digits, {bytes} of packed BCD {hold} {digits}")
            }
        }
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Digit { index, found } => {
                write!(f, "byte {index} is {found:#04x}, expected an ASCII digit")
            }
            Self::Buffer { digits, needed, available } => {
                let (digits, needed) = (Count(digits, "digit"), Count(needed, "byte"));
                write!(f, "packing {digits} takes {needed}, the buffer has {available}")
            }
        }
    }
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Width { digits, needed, bytes } => {
                let (digits, bytes) = (Count(digits, "digit"), Count(bytes, "byte"));
                write!(f, "packed BCD of {bytes}, expected {needed} for {digits}")
            }
            Self::Nibble { index, found } => write_nibble(f, index, found),
            Self::Pad { index, found, expected } => {
                write!(f, "nibble {index} is {found:#x}, expected the pad {expected:#x}")
            }
            Self::Buffer { digits, available } => {
                let (digits, needed) = (Count(digits, "digit"), Count(digits, "byte"));
                write!(f, "unpacking {digits} takes {needed}, the buffer has {available}")
            }
        }
    }
}

impl core::error::Error for DecodeError {}
impl core::error::Error for EncodeError {}
impl core::error::Error for PackError {}
impl core::error::Error for UnpackError {}

fn write_width(f: &mut fmt::Formatter<'_>, bytes: usize) -> fmt::Result {
    write!(f, "packed BCD of {}, expected 1 to {MAX_BYTES}", Count(bytes, "byte"))
}

fn write_nibble(f: &mut fmt::Formatter<'_>, index: usize, found: u8) -> fmt::Result {
    write!(f, "nibble {index} is {found:#x}, expected a decimal digit 0 to 9")
}

/// A count with its unit, printed as `1 byte` or `2 bytes`.
struct Count(usize, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, thing) = self;
        write!(f, "{count} {thing}{}", if *count == 1 { "" } else { "s" })
    }
}
