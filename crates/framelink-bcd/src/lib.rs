//! Decimal digits packed two to a byte.
//!
//! ```
//! use framelink_bcd::{DecodeError, Pad, decode, encode_array, pack};
//!
//! assert_eq!(decode(&[0x12, 0x34]), Ok(1234));
//! assert_eq!(encode_array(42), Ok([0x00, 0x42]));
//! assert_eq!(decode(&[0x12, 0xa4]), Err(DecodeError::Nibble { index: 2, found: 0xa }));
//!
//! let mut buffer = [0; 8];
//! assert_eq!(pack(b"123", Pad::RightF, &mut buffer), Ok(&[0x12, 0x3f][..]));
//! ```
//!
//! Packed BCD has one decimal digit in each nibble, the most significant first. In hexadecimal, the bytes look like the
//! number:
//!
//! ```text
//!  nibble    0   1   2   3
//!          +---+---+---+---+
//!          | 1   2 | 3   4 |    0x12 0x34, the integer 1234
//!          +---+---+---+---+
//!
//!          | 0   0 | 4   2 |    0x00 0x42, the integer 42 in two bytes: zeros fill on the left
//!
//!          | 0   1 | 2   3 |    the digits "123", the odd nibble a zero on the left  (Pad::LeftZero)
//!          | 1   2 | 3   f |    the digits "123", the odd nibble an F on the right   (Pad::RightF)
//! ```
//!
//! | from | to | |
//! | --- | --- | --- |
//! | 1 to 9 bytes | `u64` | [`decode`] |
//! | `u64` | 1 to 9 bytes | [`encode`], [`encode_array`], up to [`max_value`] |
//! | up to 8 bytes in a word | `u64` | [`decode_word`], without a loop; [`decode_short`] for two bytes |
//! | `u64` | 8 bytes in a word | [`encode_word`] |
//! | ASCII digits, any count | packed digits | [`pack`], into [`packed_len`] bytes |
//! | packed digits, any count | ASCII digits | [`unpack`], or [`unpack_right_f`] if only the pad shows the count |
//!
//! No function panics, allocates or truncates a number. A number that does not fit is an error with its size. A nibble or
//! byte that is no digit is an error with its index.

#![no_std]

mod digits;
mod error;
#[cfg(feature = "fuzz")]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
mod int;
mod pad;
mod word;

pub use digits::{pack, packed_len, unpack, unpack_right_f};
pub use error::{DecodeError, EncodeError, PackError, UnpackError};
pub use int::{decode, encode, encode_array, max_value};
pub use pad::Pad;
pub use word::{MAX_BYTES, decode_short, decode_word, encode_word};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
