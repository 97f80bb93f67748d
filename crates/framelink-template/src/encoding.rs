//! How a number is written in bytes.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use framelink_codec::notation::{Bytes, NotationError, Token};

/// How a number is written in a given number of bytes, with zeros on the left.
///
/// ```text
/// word        the number 42 in 4 bytes    the most in 4 bytes
/// ascii       30 30 34 32                 9999
/// binary      00 00 00 2a                 4294967295, network order
/// binary-le   2a 00 00 00                 4294967295, the lowest byte first
/// bcd         00 00 00 42                 99999999, two digits a byte
/// ebcdic      f0 f0 f4 f2                 9999
/// hex         30 30 32 41                 65535, digits in upper case
/// ```
///
/// ```
/// use framelink_template::Encoding;
///
/// let mut bytes = [0; 3];
/// Encoding::Bcd.encode(123_456, &mut bytes)?;
/// assert_eq!(bytes, [0x12, 0x34, 0x56]);
/// assert_eq!(Encoding::Bcd.decode(&bytes), Some(123_456));
/// assert_eq!(Encoding::Ascii.most(6), 999_999);
/// assert_eq!("binary-le".parse(), Ok(Encoding::BinaryLe));
/// # Ok::<(), framelink_template::EncodingError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// ASCII digits.
    #[default]
    Ascii,
    /// Network order.
    Binary,
    /// The lowest byte first.
    BinaryLe,
    /// Packed decimal digits, two to a byte.
    Bcd,
    /// EBCDIC digits: F0 to F9.
    Ebcdic,
    /// ASCII hex digits in upper case. Lower case is decoded too.
    Hex,
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Self; 6] = [Self::Ascii, Self::Binary, Self::BinaryLe, Self::Bcd, Self::Ebcdic, Self::Hex];

    /// The words of all encodings, for error messages.
    pub const WORDS: &str = "one of ascii, binary, binary-le, bcd, ebcdic, hex";

    /// Returns the word of the notation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Binary => "binary",
            Self::BinaryLe => "binary-le",
            Self::Bcd => "bcd",
            Self::Ebcdic => "ebcdic",
            Self::Hex => "hex",
        }
    }

    /// Returns the encoding with this word.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name() == name)
    }

    /// Returns the largest number that this many bytes hold; `u64::MAX` if they hold more, 0 for no bytes.
    #[must_use]
    pub fn most(self, len: usize) -> u64 {
        let digits = if self == Self::Bcd { len.saturating_mul(2) } else { len };
        let above = u32::try_from(digits).ok().and_then(|digits| self.base().checked_pow(digits));
        above.map_or(u64::MAX, |above| above - 1)
    }

    /// Writes a number over all of `bytes`.
    ///
    /// # Errors
    /// If the number needs more bytes, or there are no bytes. Then `bytes` are as before.
    pub fn encode(self, number: u64, bytes: &mut [u8]) -> Result<(), EncodingError> {
        if bytes.is_empty() || number > self.most(bytes.len()) {
            return Err(EncodingError { number, len: bytes.len(), encoding: self });
        }
        match self {
            Self::Bcd => encode_bcd(number, bytes),
            Self::BinaryLe => self.write_digits(number, bytes.iter_mut()),
            _ => self.write_digits(number, bytes.iter_mut().rev()),
        }
        Ok(())
    }

    /// Reads a number. Returns `None` if a byte is no digit of this encoding, the number does not fit 64 bits, or there are no bytes.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Option<u64> {
        match (self, bytes) {
            (_, []) => None,
            (Self::Bcd, _) => decode_bcd(bytes),
            (Self::BinaryLe, _) => self.read_digits(bytes.iter().rev()),
            _ => self.read_digits(bytes.iter()),
        }
    }

    /// How many values one digit has. A digit is a byte, or a nibble of `bcd`.
    const fn base(self) -> u64 {
        match self {
            Self::Ascii | Self::Bcd | Self::Ebcdic => 10,
            Self::Binary | Self::BinaryLe => 256,
            Self::Hex => 16,
        }
    }

    /// Writes the digits, the lowest first.
    fn write_digits<'b>(self, mut number: u64, bytes: impl Iterator<Item = &'b mut u8>) {
        for byte in bytes {
            let digit = u8::try_from(number % self.base()).unwrap_or_default(); // a base is at most 256
            number /= self.base();
            *byte = match self {
                Self::Ebcdic => 0xf0 + digit,
                Self::Ascii => b'0' + digit,
                Self::Hex if digit < 10 => b'0' + digit,
                Self::Hex => b'A' + digit - 10,
                _ => digit,
            };
        }
    }

    /// Reads the digits, the highest first.
    fn read_digits<'b>(self, mut bytes: impl Iterator<Item = &'b u8>) -> Option<u64> {
        bytes.try_fold(0_u64, |number, byte| {
            let digit = match (self, byte) {
                (Self::Ascii | Self::Hex, b'0'..=b'9') => byte - b'0',
                (Self::Ebcdic, 0xf0..=0xf9) => byte - 0xf0,
                (Self::Hex, b'A'..=b'F') => byte - b'A' + 10,
                (Self::Hex, b'a'..=b'f') => byte - b'a' + 10,
                (Self::Binary | Self::BinaryLe, _) => *byte,
                _ => return None,
            };
            number.checked_mul(self.base())?.checked_add(u64::from(digit))
        })
    }
}

/// The most bytes that framelink-bcd takes at once, and the first number that needs more.
const BCD_BYTES: usize = framelink_bcd::MAX_BYTES;
const BCD_END: u64 = 1_000_000_000_000_000_000;

/// Writes a number that fits. Numbers above 18 digits have at most two digits before the last nine bytes.
fn encode_bcd(number: u64, bytes: &mut [u8]) {
    bytes.fill(0);
    let split = bytes.len().saturating_sub(BCD_BYTES);
    let (head, tail) = bytes.split_at_mut(split);
    let both_fit = framelink_bcd::encode(number % BCD_END, tail).is_ok()
        && head.last_chunk_mut::<1>().is_none_or(|last| framelink_bcd::encode(number / BCD_END, last).is_ok());
    debug_assert!(both_fit, "the caller compared the number with the most");
}

fn decode_bcd(bytes: &[u8]) -> Option<u64> {
    let (head, tail) = bytes.split_at(bytes.len().saturating_sub(BCD_BYTES));
    let tail = framelink_bcd::decode(tail).ok()?;
    let Some((last, zeros)) = head.split_last() else { return Some(tail) };
    if zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    framelink_bcd::decode(&[*last]).ok()?.checked_mul(BCD_END)?.checked_add(tail)
}

impl FromStr for Encoding {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let unknown = || Token { text, column: 1 }.unknown(Self::WORDS, Self::ALL.map(Self::name));
        Self::of_name(text).ok_or_else(unknown)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number that does not fit its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodingError {
    number: u64,
    len: usize,
    encoding: Encoding,
}

impl EncodingError {
    /// Returns the number that does not fit.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Returns the largest number that fits.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.encoding.most(self.len)
    }
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, len, encoding } = *self;
        write!(f, "{number} does not fit {} of {encoding}, at most {} does", Bytes(len), self.most())
    }
}

impl Error for EncodingError {}
