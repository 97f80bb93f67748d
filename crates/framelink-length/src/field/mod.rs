//! The length field.

mod counts;
pub(crate) mod number;
pub(crate) mod swar;

pub use counts::Counts;

use core::fmt;

/// The form of the length field.
///
/// ```
/// use framelink_length::Field;
///
/// // '0' '0' '1' '2', 0x00 0x0c, 0x0c 0x00 and packed BCD 0x00 0x12 announce one length.
/// assert_eq!(Field::Ascii(4).largest(), 9_999);
/// assert_eq!(Field::Bcd(2).largest(), 9_999);
/// assert_eq!(Field::Net(2).largest(), 65_535);
/// assert_eq!(Field::Net(2).to_string(), "net:2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// A network-order (big-endian) unsigned integer of 1 to 8 bytes.
    Net(u8),
    /// A little-endian unsigned integer of 1 to 8 bytes.
    Le(u8),
    /// 1 to 18 ASCII decimal digits, zero-padded on the left.
    Ascii(u8),
    /// 1 to 16 ASCII hexadecimal digits. Either case is read.
    Hex(u8),
    /// 1 to 18 EBCDIC decimal digits, `F0` to `F9`.
    Ebcdic(u8),
    /// 1 to 9 bytes of packed BCD, with two digits each.
    Bcd(u8),
    /// 1 to 18 ASCII decimal digits without a leading zero, up to this separator byte, which is not a digit.
    Decimal(u8),
    /// Base-128 groups, least significant first, in their shortest form, at most 9 bytes.
    Varint,
}

/// The most digits before the separator of [`Field::Decimal`].
pub(crate) const DECIMAL_DIGITS: usize = 18;
/// The most bytes of [`Field::Varint`].
pub(crate) const VARINT_BYTES: usize = 9;

impl Field {
    /// Returns the name of the kind in the notation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Net(_) => "net",
            Self::Le(_) => "le",
            Self::Ascii(_) => "ascii",
            Self::Hex(_) => "hex",
            Self::Ebcdic(_) => "ebcdic",
            Self::Bcd(_) => "bcd",
            Self::Decimal(_) => "decimal",
            Self::Varint => "varint",
        }
    }

    /// Returns its width in bytes; `None` if the width depends on the number.
    #[inline]
    #[must_use]
    pub const fn width(self) -> Option<usize> {
        match self {
            Self::Net(width)
            | Self::Le(width)
            | Self::Ascii(width)
            | Self::Hex(width)
            | Self::Ebcdic(width)
            | Self::Bcd(width) => Some(width as usize),
            Self::Decimal(_) | Self::Varint => None,
        }
    }

    /// Returns the largest width in bytes.
    #[must_use]
    pub const fn most_bytes(self) -> usize {
        match (self, self.width()) {
            (_, Some(width)) => width,
            (Self::Decimal(_), None) => DECIMAL_DIGITS + 1,
            (_, None) => VARINT_BYTES,
        }
    }

    /// Returns the smallest width in bytes.
    pub(crate) const fn least_bytes(self) -> usize {
        match (self, self.width()) {
            (_, Some(width)) => width,
            (Self::Decimal(_), None) => 2,
            (_, None) => 1,
        }
    }

    /// Returns the largest width of the kind and its unit; `None` if the kind has no width to choose.
    pub(crate) const fn bounds(self) -> Option<(u8, &'static str)> {
        match self {
            Self::Net(_) | Self::Le(_) => Some((8, "bytes")),
            Self::Ascii(_) | Self::Ebcdic(_) => Some((18, "digits")),
            Self::Hex(_) => Some((16, "digits")),
            Self::Bcd(_) => Some((9, "bytes")),
            Self::Decimal(_) | Self::Varint => None,
        }
    }

    /// Returns the largest number in this field; 0 for a width that is out of bounds.
    #[must_use]
    pub const fn largest(self) -> u64 {
        match self {
            Self::Net(width @ 1..=8) | Self::Le(width @ 1..=8) => u64::MAX >> (64 - 8 * width as u32),
            Self::Ascii(width @ 1..=18) | Self::Ebcdic(width @ 1..=18) => 10_u64.pow(width as u32) - 1,
            Self::Hex(width @ 1..=16) => u64::MAX >> (64 - 4 * width as u32),
            Self::Bcd(width @ 1..=9) => 10_u64.pow(2 * width as u32) - 1,
            Self::Decimal(_) => 10_u64.pow(18) - 1,
            Self::Varint => u64::MAX >> 1,
            _ => 0,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match (self, self.width()) {
            (_, Some(width)) => write!(f, ":{width}"),
            (Self::Decimal(separator), None) => write!(f, ":{separator:02x}"),
            (_, None) => Ok(()),
        }
    }
}
