//! Packed digits to and from ASCII digits, any number of them.

use crate::{PackError, Pad, UnpackError};

/// Packs ASCII digits two to a byte into the front of `packed`, and returns the [`packed_len`] bytes written.
///
/// The other bytes of `packed` do not change. On an error, none do.
///
/// # Errors
///
/// [`PackError::Buffer`] if `packed` is too short; [`PackError::Digit`] for the first byte that is not an ASCII digit.
///
/// # Examples
///
/// ```
/// use framelink_bcd::{PackError, Pad, pack};
///
/// let mut buffer = [0; 8];
/// assert_eq!(pack(b"1225", Pad::LeftZero, &mut buffer), Ok(&[0x12, 0x25][..]));
/// assert_eq!(pack(b"978", Pad::LeftZero, &mut buffer), Ok(&[0x09, 0x78][..]));
/// assert_eq!(pack(b"9 8", Pad::LeftZero, &mut buffer), Err(PackError::Digit { index: 1, found: b' ' }));
/// ```
pub fn pack<'a>(digits: &[u8], pad: Pad, packed: &'a mut [u8]) -> Result<&'a [u8], PackError> {
    let (count, needed, available) = (digits.len(), packed_len(digits.len()), packed.len());
    let Some(packed) = packed.get_mut(..needed) else {
        return Err(PackError::Buffer { digits: count, needed, available });
    };
    for (index, &found) in digits.iter().enumerate() {
        if !found.is_ascii_digit() {
            return Err(PackError::Digit { index, found });
        }
    }

    let (before, after) = match pad.index(count) {
        None => (None, None),
        Some(0) => (Some(pad.nibble()), None),
        Some(_) => (None, Some(pad.nibble())),
    };
    let values = digits.iter().map(|digit| digit - b'0');
    let mut nibbles = before.into_iter().chain(values).chain(after);
    for byte in packed.iter_mut() {
        if let (Some(high), Some(low)) = (nibbles.next(), nibbles.next()) {
            *byte = high << 4 | low;
        }
    }
    Ok(packed)
}

/// Unpacks a known number of digits as ASCII into the front of `ascii`, and returns the bytes written.
///
/// `packed` must have exactly the [`packed_len`] bytes of these digits. A field that was cut out with another count is
/// an error. The other bytes of `ascii` do not change. On an error, none do.
///
/// # Errors
///
/// [`UnpackError::Width`] if `packed` does not have the length of these digits; [`UnpackError::Buffer`] if `ascii` is too
/// short; otherwise [`UnpackError::Nibble`] or [`UnpackError::Pad`] for the first wrong nibble.
///
/// # Examples
///
/// ```
/// use framelink_bcd::{Pad, UnpackError, unpack};
///
/// let mut buffer = [0; 8];
/// assert_eq!(unpack(&[0x09, 0x78], 4, Pad::LeftZero, &mut buffer), Ok(&b"0978"[..]));
/// assert_eq!(unpack(&[0x09, 0x78], 3, Pad::LeftZero, &mut buffer), Ok(&b"978"[..]));
/// let not_padded = UnpackError::Pad { index: 3, found: 8, expected: 0xf };
/// assert_eq!(unpack(&[0x09, 0x78], 3, Pad::RightF, &mut buffer), Err(not_padded));
/// ```
pub fn unpack<'a>(packed: &[u8], digits: usize, pad: Pad, ascii: &'a mut [u8]) -> Result<&'a [u8], UnpackError> {
    let (needed, bytes, available) = (packed_len(digits), packed.len(), ascii.len());
    if bytes != needed {
        return Err(UnpackError::Width { digits, needed, bytes });
    }
    let Some(ascii) = ascii.get_mut(..digits) else {
        return Err(UnpackError::Buffer { digits, available });
    };
    let pad_index = pad.index(digits);
    for (index, found) in nibbles(packed).enumerate() {
        if Some(index) == pad_index {
            let expected = pad.nibble();
            if found != expected {
                return Err(UnpackError::Pad { index, found, expected });
            }
        } else if found > 9 {
            return Err(UnpackError::Nibble { index, found });
        }
    }

    let before = usize::from(pad_index == Some(0));
    for (digit, value) in ascii.iter_mut().zip(nibbles(packed).skip(before)) {
        *digit = b'0' + value;
    }
    Ok(ascii)
}

/// Unpacks digits of unknown count that are padded with [`Pad::RightF`], as [`unpack`] does.
///
/// An F as the last nibble is the pad, and makes the count odd. An F anywhere else is an error. A buffer of twice the
/// length of `packed` is always large enough.
///
/// # Errors
///
/// [`UnpackError::Buffer`] if `ascii` is too short; [`UnpackError::Nibble`] for the first wrong nibble.
///
/// # Examples
///
/// ```
/// use framelink_bcd::{UnpackError, unpack_right_f};
///
/// let mut buffer = [0; 8];
/// assert_eq!(unpack_right_f(&[0x12, 0x34], &mut buffer), Ok(&b"1234"[..]));
/// assert_eq!(unpack_right_f(&[0x12, 0x3f], &mut buffer), Ok(&b"123"[..]));
/// assert_eq!(unpack_right_f(&[0x12, 0xff], &mut buffer), Err(UnpackError::Nibble { index: 2, found: 0xf }));
/// ```
pub fn unpack_right_f<'a>(packed: &[u8], ascii: &'a mut [u8]) -> Result<&'a [u8], UnpackError> {
    let padded = packed.last().is_some_and(|last| last & 0xf == Pad::RightF.nibble());
    // A slice has at most `isize::MAX` bytes, so twice its length fits. With a pad it has a last byte, so there is no underflow.
    let digits = 2 * packed.len() - usize::from(padded);
    unpack(packed, digits, Pad::RightF, ascii)
}

/// Returns how many bytes this many digits take when packed. An odd digit shares its byte with the pad.
///
/// ```
/// assert_eq!(framelink_bcd::packed_len(4), 2);
/// assert_eq!(framelink_bcd::packed_len(5), 3);
/// ```
#[must_use]
pub const fn packed_len(digits: usize) -> usize {
    digits.div_ceil(2)
}

/// The nibbles of these bytes, from left to right.
fn nibbles(packed: &[u8]) -> impl Iterator<Item = u8> {
    packed.iter().flat_map(|byte| [byte >> 4, byte & 0xf])
}
