//! Packed BCD in 1 to 9 bytes, to and from unsigned integers.

use crate::error::{DecodeError, EncodeError};
use crate::word::{MAX_BYTES, WORD_BYTES, WORD_END, above_nine, decode_word, encode_word};

/// Reads 1 to 9 bytes of packed BCD as an integer.
///
/// # Errors
///
/// [`DecodeError::Width`] for no bytes or more than 9; [`DecodeError::Nibble`] for the first nibble above 9.
///
/// # Examples
///
/// ```
/// use framelink_bcd::{DecodeError, decode};
///
/// assert_eq!(decode(&[0x00, 0x42]), Ok(42));
/// assert_eq!(decode(&[0x00, 0x4f]), Err(DecodeError::Nibble { index: 3, found: 0xf }));
/// ```
pub const fn decode(packed: &[u8]) -> Result<u64, DecodeError> {
    let bytes = packed.len();
    if bytes == 0 || bytes > MAX_BYTES {
        return Err(DecodeError::Width { bytes });
    }
    // At most one byte comes before the last eight.
    let (head, tail) = packed.split_at(bytes.saturating_sub(WORD_BYTES));
    let (high, low) = (load(head), load(tail));
    match (decode_word(high), decode_word(low)) {
        (Some(high), Some(low)) => Ok(high * WORD_END + low),
        (None, _) => Err(first_above_nine(high, 2 * head.len())),
        (_, None) => Err(first_above_nine(low, 2 * bytes)),
    }
}

/// Writes an integer as packed BCD that fills the 1 to 9 bytes of `packed`, with zeros on the left.
///
/// On an error `packed` does not change.
///
/// # Errors
///
/// [`EncodeError::Width`] if `packed` has no bytes or more than 9; [`EncodeError::TooLarge`] if `value` has more digits
/// than `packed` has nibbles.
///
/// # Examples
///
/// ```
/// use framelink_bcd::{EncodeError, encode};
///
/// let mut header = [0; 2];
/// assert_eq!(encode(128, &mut header), Ok(()));
/// assert_eq!(header, [0x01, 0x28]);
/// assert_eq!(encode(10_000, &mut header), Err(EncodeError::TooLarge { value: 10_000, digits: 4 }));
/// ```
pub const fn encode(value: u64, packed: &mut [u8]) -> Result<(), EncodeError> {
    let bytes = packed.len();
    let Some(max) = max_value(bytes) else {
        return Err(EncodeError::Width { bytes });
    };
    match (encode_word(value / WORD_END), encode_word(value % WORD_END)) {
        (Some(high), Some(low)) if value <= max => {
            let (head, tail) = packed.split_at_mut(bytes.saturating_sub(WORD_BYTES));
            store(high, head);
            store(low, tail);
            Ok(())
        }
        _ => Err(EncodeError::TooLarge { value, digits: 2 * bytes }),
    }
}

/// Packs an integer into an array of 1 to 9 bytes, with zeros on the left.
///
/// # Errors
///
/// As for [`encode`].
///
/// # Examples
///
/// ```
/// use framelink_bcd::{EncodeError, encode_array};
///
/// const HEADER: Result<[u8; 3], EncodeError> = encode_array(1234);
/// assert_eq!(HEADER, Ok([0x00, 0x12, 0x34]));
/// assert_eq!(encode_array::<10>(1234), Err(EncodeError::Width { bytes: 10 }));
/// ```
pub const fn encode_array<const N: usize>(value: u64) -> Result<[u8; N], EncodeError> {
    let mut packed = [0; N];
    match encode(value, &mut packed) {
        Ok(()) => Ok(packed),
        Err(error) => Err(error),
    }
}

/// Returns the largest integer in this many bytes of packed BCD; `None` unless they are 1 to 9.
///
/// ```
/// assert_eq!(framelink_bcd::max_value(2), Some(9999));
/// assert_eq!(framelink_bcd::max_value(10), None);
/// ```
#[must_use]
pub const fn max_value(bytes: usize) -> Option<u64> {
    match bytes {
        1 => Some(99),
        2 => Some(9_999),
        3 => Some(999_999),
        4 => Some(99_999_999),
        5 => Some(9_999_999_999),
        6 => Some(999_999_999_999),
        7 => Some(99_999_999_999_999),
        8 => Some(9_999_999_999_999_999),
        MAX_BYTES => Some(999_999_999_999_999_999),
        _ => None,
    }
}

/// Loads at most eight bytes, big-endian, with zeros in the unused high bytes.
const fn load(mut bytes: &[u8]) -> u64 {
    let mut word = 0;
    while let [byte, rest @ ..] = bytes {
        word = word << 8 | *byte as u64;
        bytes = rest;
    }
    word
}

/// Fills at most eight bytes with the low end of a word, big-endian.
const fn store(mut word: u64, mut bytes: &mut [u8]) {
    while let [rest @ .., byte] = bytes {
        *byte = (word & 0xff) as u8;
        word >>= 8;
        bytes = rest;
    }
}

/// Returns the error for the first wrong nibble of a word whose last nibble has the index `end - 1` in the input.
#[cold]
const fn first_above_nine(word: u64, end: usize) -> DecodeError {
    let before = above_nine(word).leading_zeros() / 4;
    // This rotation moves the wrong nibble to the low end.
    let found = (word.rotate_left(4 * (before + 1)) & 0xf) as u8;
    // Unused nibbles are zeros and never wrong. So all nibbles from the wrong one on are input: at most `end` of them.
    let from_here_on = 2 * WORD_BYTES - before as usize;
    DecodeError::Nibble { index: end - from_here_on, found }
}
