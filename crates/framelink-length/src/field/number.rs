//! Reads and writes the number in the length field.

use crate::error::DecodeError;
use crate::field::{DECIMAL_DIGITS, Field, VARINT_BYTES, swar};

const ASCII_ZEROS: u64 = 0x3030_3030_3030_3030;
/// Converts EBCDIC digits, `F0` to `F9`, to ASCII digits and back (exclusive or).
const EBCDIC: u64 = 0xc0c0_c0c0_c0c0_c0c0;

/// The content of the length field.
pub(crate) enum Read {
    /// A number, and its width in bytes.
    Number { number: u64, width: usize },
    /// The start of a number that needs at least this many more bytes.
    Incomplete { missing: usize },
}

/// How the number is read from a word of eight bytes that begins with the length field.
///
/// The most common fields have a line each: the start of the next frame depends on this number, and a load of only its
/// bytes takes less time than a load, swap and shift of a word.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reader {
    Net2,
    Net4,
    Ascii4,
    Bcd2,
    Net,
    Le,
    Ascii,
    Ebcdic,
    Bcd,
    /// No fast path: [`Field::read`] handles it.
    #[default]
    Exact,
}

impl Reader {
    pub(crate) fn of(field: Field, mask: u64) -> Self {
        match field {
            Field::Net(2) if mask == u64::MAX => Self::Net2,
            Field::Net(4) if mask == u64::MAX => Self::Net4,
            Field::Ascii(4) => Self::Ascii4,
            Field::Bcd(2) => Self::Bcd2,
            Field::Net(_) => Self::Net,
            Field::Le(_) => Self::Le,
            Field::Ascii(1..=8) => Self::Ascii,
            Field::Ebcdic(1..=8) => Self::Ebcdic,
            Field::Bcd(1..=8) => Self::Bcd,
            _ => Self::Exact,
        }
    }

    /// Returns the number in the word; `None` if it is no number. `unused_bits` is [`Field::unused_bits`].
    #[inline(always)]
    pub(crate) fn read(self, word: &[u8; 8], unused_bits: u32, mask: u64) -> Option<u64> {
        let net = u64::from_be_bytes(*word);
        let le = u64::from_le_bytes(*word);
        match self {
            Self::Net2 => Some(u64::from(u16::from_be_bytes(*word.first_chunk()?))),
            Self::Net4 => Some(u64::from(u32::from_be_bytes(*word.first_chunk()?))),
            Self::Ascii4 => swar::from_four_digits(u32::from_le_bytes(*word.first_chunk()?)),
            Self::Bcd2 => framelink_bcd::decode_short(u16::from_be_bytes(*word.first_chunk()?)).map(u64::from),
            Self::Net => Some((net >> unused_bits) & mask),
            Self::Le => Some(((le << unused_bits) >> unused_bits) & mask),
            Self::Ascii => swar::from_digits(pad(le, unused_bits)),
            Self::Ebcdic => swar::from_digits(pad(le ^ EBCDIC, unused_bits)),
            Self::Bcd => framelink_bcd::decode_word(net >> unused_bits),
            Self::Exact => None,
        }
    }
}

/// How a number is written to the first bytes of a word.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Writer {
    Net,
    Le,
    Ascii,
    Ebcdic,
    Bcd,
    /// No fast path: [`Field::write`] handles it.
    #[default]
    Exact,
}

impl Writer {
    pub(crate) const fn of(field: Field) -> Self {
        match field {
            Field::Net(_) => Self::Net,
            Field::Le(_) => Self::Le,
            Field::Ascii(1..=8) => Self::Ascii,
            Field::Ebcdic(1..=8) => Self::Ebcdic,
            Field::Bcd(1..=8) => Self::Bcd,
            _ => Self::Exact,
        }
    }

    /// Returns a number up to [`Field::largest`] as the first, most significant bytes of a word. The others are 0.
    #[inline]
    pub(crate) fn write(self, number: u64, unused_bits: u32) -> Option<u64> {
        Some(match self {
            Self::Net => number << unused_bits,
            Self::Le => number.swap_bytes(),
            Self::Ascii => swar::to_digits(number) << unused_bits,
            Self::Ebcdic => (swar::to_digits(number) ^ EBCDIC) << unused_bits,
            Self::Bcd => framelink_bcd::encode_word(number)? << unused_bits,
            Self::Exact => return None,
        })
    }
}

impl Field {
    /// The bits of a word that the field does not use; 0 if its width is not 1 to 8 bytes.
    pub(crate) fn unused_bits(self) -> u32 {
        match self.width() {
            Some(width @ 1..=8) => u32::try_from(64 - 8 * width).unwrap_or(0),
            _ => 0,
        }
    }

    /// Reads the number at the start of `input`, which is at `offset` of the frame. A wrong byte is refused as soon as
    /// it is received.
    pub(crate) fn read(self, input: &[u8], offset: usize) -> Result<Read, DecodeError> {
        let Some(width) = self.width() else {
            return match self {
                Self::Decimal(separator) => read_decimal(input, offset, separator),
                _ => read_varint(input, offset),
            };
        };
        let came = input.get(..width).unwrap_or(input);
        let mut number = 0_u64;
        for (i, &byte) in came.iter().enumerate() {
            let (base, digit) =
                self.digit(byte).map_err(|expected| DecodeError::Byte { offset: offset + i, found: byte, expected })?;
            // The bounds of the widths keep every number within 64 bits.
            number = match self {
                Self::Le(_) => number | u64::from(byte) << (8 * i),
                _ => number.wrapping_mul(base).wrapping_add(digit),
            };
        }
        Ok(match width - came.len() {
            0 => Read::Number { number, width },
            missing => Read::Incomplete { missing },
        })
    }

    /// Returns the value of one byte of a field of fixed width and its base, or what was expected.
    fn digit(self, byte: u8) -> Result<(u64, u64), &'static str> {
        let worth = |digit: u8| u64::from(digit);
        match self {
            Self::Ascii(_) => match byte {
                b'0'..=b'9' => Ok((10, worth(byte - b'0'))),
                _ => Err("an ASCII digit"),
            },
            Self::Ebcdic(_) => match byte {
                0xf0..=0xf9 => Ok((10, worth(byte - 0xf0))),
                _ => Err("an EBCDIC digit, 0xf0 to 0xf9"),
            },
            Self::Hex(_) => match char::from(byte).to_digit(16) {
                Some(digit) => Ok((16, u64::from(digit))),
                None => Err("an ASCII hexadecimal digit"),
            },
            Self::Bcd(_) => match framelink_bcd::decode_word(u64::from(byte)) {
                Some(two_digits) => Ok((100, two_digits)),
                None => Err("two decimal digits, one in each half"),
            },
            _ => Ok((256, worth(byte))),
        }
    }

    /// Writes `number`, which is at most [`Field::largest`], to the start of `into`, and returns its width in bytes.
    pub(crate) fn write(self, number: u64, lower_case: bool, into: &mut [u8]) -> usize {
        match self {
            Self::Net(width) => put_low(number.to_be_bytes(), width, into),
            Self::Le(width) => copy(number.to_le_bytes().get(..usize::from(width)).unwrap_or_default(), into),
            Self::Ascii(width) => put_digits(number, width, 0, into),
            Self::Ebcdic(width) => put_digits(number, width, EBCDIC, into),
            Self::Bcd(width) => put_bcd(number, width, into),
            Self::Hex(width) => put_hex(number, width, lower_case, into),
            Self::Decimal(separator) => put_decimal(number, separator, into),
            Self::Varint => put_varint(number, into),
        }
    }
}

/// Moves the first bytes of eight (the first is the least significant) up, and puts ASCII zeros before them.
#[inline]
const fn pad(bytes: u64, unused_bits: u32) -> u64 {
    (bytes << unused_bits) | (ASCII_ZEROS & !(u64::MAX << unused_bits))
}

fn read_decimal(input: &[u8], offset: usize, separator: u8) -> Result<Read, DecodeError> {
    let form = |problem| DecodeError::Form { offset, problem };
    let mut number = 0_u64;
    for (i, &byte) in input.iter().enumerate() {
        match byte {
            _ if byte == separator && i == 0 => return Err(form("has no digits")),
            _ if byte == separator => return Ok(Read::Number { number, width: i + 1 }),
            b'0'..=b'9' if i == DECIMAL_DIGITS => return Err(form("has more than 18 digits")),
            b'0'..=b'9' if i > 0 && number == 0 => return Err(form("has a leading zero")),
            b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
            _ => {
                let expected = if i == 0 { "an ASCII digit" } else { "an ASCII digit or the separator" };
                return Err(DecodeError::Byte { offset: offset + i, found: byte, expected });
            }
        }
    }
    Ok(Read::Incomplete { missing: if input.is_empty() { 2 } else { 1 } })
}

fn read_varint(input: &[u8], offset: usize) -> Result<Read, DecodeError> {
    let form = |problem| DecodeError::Form { offset, problem };
    let mut number = 0_u64;
    for (i, &byte) in input.iter().enumerate().take(VARINT_BYTES) {
        number |= u64::from(byte & 0x7f) << (7 * i);
        match byte {
            0 if i > 0 => return Err(form("is a varint with a needless last byte 0x00")),
            0..=0x7f => return Ok(Read::Number { number, width: i + 1 }),
            _ if i + 1 == VARINT_BYTES => return Err(form("is a varint of more than 9 bytes")),
            _ => {}
        }
    }
    Ok(Read::Incomplete { missing: 1 })
}

/// Writes the last `width` of eight bytes.
fn put_low(bytes: [u8; 8], width: u8, into: &mut [u8]) -> usize {
    let width = usize::from(width);
    copy(bytes.get(8 - width..).unwrap_or_default(), into)
}

fn put_digits(number: u64, width: u8, flip: u64, into: &mut [u8]) -> usize {
    const EIGHT: u64 = 100_000_000;
    let mut digits = [0; 24];
    let eights = [number / EIGHT / EIGHT, number / EIGHT % EIGHT, number % EIGHT];
    for (place, eight) in digits.chunks_exact_mut(8).zip(eights) {
        place.copy_from_slice(&(swar::to_digits(eight) ^ flip).to_be_bytes());
    }
    copy(digits.get(24 - usize::from(width)..).unwrap_or_default(), into)
}

fn put_bcd(number: u64, width: u8, into: &mut [u8]) -> usize {
    const SIXTEEN: u64 = 10_000_000_000_000_000;
    let low = framelink_bcd::encode_word(number % SIXTEEN).unwrap_or_default();
    let high = framelink_bcd::encode_word(number / SIXTEEN).unwrap_or_default();
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    copy(bytes.get(16 - usize::from(width)..).unwrap_or_default(), into)
}

fn put_hex(number: u64, width: u8, lower_case: bool, into: &mut [u8]) -> usize {
    let digits = if lower_case { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
    let width = usize::from(width);
    for (i, place) in into.iter_mut().take(width).rev().enumerate() {
        *place =
            usize::try_from(number >> (4 * i) & 0xf).ok().and_then(|digit| digits.get(digit)).copied().unwrap_or(b'0');
    }
    width
}

fn put_decimal(number: u64, separator: u8, into: &mut [u8]) -> usize {
    let mut digits = [0; 24];
    put_digits(number, 24, 0, &mut digits);
    let first = digits.iter().position(|&digit| digit != b'0').unwrap_or(23);
    let len = copy(digits.get(first..).unwrap_or_default(), into);
    if let Some(place) = into.get_mut(len) {
        *place = separator;
    }
    len + 1
}

fn put_varint(mut number: u64, into: &mut [u8]) -> usize {
    let mut len = 0;
    for place in into.iter_mut().take(VARINT_BYTES) {
        len += 1;
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        *place = if number == 0 { low & 0x7f } else { low | 0x80 };
        if number == 0 {
            break;
        }
    }
    len
}

fn copy(from: &[u8], into: &mut [u8]) -> usize {
    if let Some(place) = into.get_mut(..from.len()) {
        place.copy_from_slice(from);
    }
    from.len()
}
