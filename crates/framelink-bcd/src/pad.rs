//! The pad of an odd number of digits.

/// The pad in the spare nibble of an odd number of digits. An even number has no pad.
///
/// These are the formats `n` (zeros on the left) and `cn` (F on the right) of EMV Book 3, section 4.3; manuals of ISO
/// 8583 hosts use both, the F mostly for card numbers and track 2. If EMV fills a field of fixed length with several
/// pads, only the one of an odd count is a pad here.
///
/// ```text
///  | 0   1 | 2   3 |    "123" with LeftZero
///  | 1   2 | 3   f |    "123" with RightF
/// ```
///
/// # Examples
///
/// ```
/// use framelink_bcd::{Pad, pack};
///
/// let mut buffer = [0; 2];
/// assert_eq!(pack(b"123", Pad::LeftZero, &mut buffer), Ok(&[0x01, 0x23][..]));
/// assert_eq!(pack(b"123", Pad::RightF, &mut buffer), Ok(&[0x12, 0x3f][..]));
/// assert_eq!(pack(b"1234", Pad::RightF, &mut buffer), Ok(&[0x12, 0x34][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pad {
    /// A zero before the first digit. It looks like a digit, so unpacking needs the count.
    LeftZero,
    /// An F after the last digit. It looks like no digit, so it also shows where the digits end.
    RightF,
}

impl Pad {
    /// The value of the pad nibble.
    pub(crate) const fn nibble(self) -> u8 {
        match self {
            Self::LeftZero => 0x0,
            Self::RightF => 0xf,
        }
    }

    /// The index of the pad, from 0 on the left, for this number of digits.
    pub(crate) const fn index(self, digits: usize) -> Option<usize> {
        match self {
            _ if digits.is_multiple_of(2) => None,
            Self::LeftZero => Some(0),
            Self::RightF => Some(digits),
        }
    }
}
