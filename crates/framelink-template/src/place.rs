//! The place of bytes in a message.

use core::fmt;
use core::str::FromStr;

use framelink_codec::notation::{NotationError, Token};

/// The place of bytes in a message, written `OFFSET:LEN`: `LEN` bytes that follow the first `OFFSET` bytes.
///
/// The offset counts from the start of the application's message. With `keep`, that is the start of the frame.
///
/// ```
/// use framelink_template::Place;
///
/// // The transaction id of Modbus: the first two bytes of a frame.
/// let place: Place = "0:2".parse()?;
/// assert_eq!(place.of(b"\x00\x07\x00\x00"), Some(&b"\x00\x07"[..]));
/// assert_eq!(place.of(b"\x00"), None, "too short");
/// assert_eq!(place.to_string(), "0:2");
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    offset: usize,
    len: usize,
}

impl Place {
    /// The most bytes at a place.
    pub const MOST_LEN: usize = 64;

    /// The largest offset: 64 KiB.
    pub const MOST_OFFSET: usize = 64 * 1024;

    /// Creates a place of `len` bytes, 1 to 64, at `offset`, at most 64 KiB. Returns `None` outside these bounds.
    #[must_use]
    pub const fn new(offset: usize, len: usize) -> Option<Self> {
        if len == 0 || len > Self::MOST_LEN || offset > Self::MOST_OFFSET { None } else { Some(Self { offset, len }) }
    }

    /// Returns the number of bytes before the place.
    #[must_use]
    #[inline]
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// Returns the number of bytes at the place, 1 to 64.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    #[inline]
    pub const fn len(self) -> usize {
        self.len
    }

    /// Returns the length of the shortest message that has this place.
    #[must_use]
    #[inline]
    pub const fn end(self) -> usize {
        self.offset + self.len
    }

    /// Returns the bytes at this place, or `None` if the message is too short.
    #[must_use]
    #[inline]
    pub fn of(self, message: &[u8]) -> Option<&[u8]> {
        message.get(self.offset..self.end())
    }

    /// Returns the bytes at this place to write to, or `None` if the message is too short.
    #[must_use]
    #[inline]
    pub fn of_mut(self, message: &mut [u8]) -> Option<&mut [u8]> {
        message.get_mut(self.offset..self.end())
    }
}

impl FromStr for Place {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let Some((offset, len)) = text.split_once(':') else {
            return Err(Token { text, column: 1 }.mismatch("OFFSET:LEN, such as `0:2` for the first two bytes"));
        };
        let len = Token { text: len, column: offset.chars().count() + 2 };
        let len = len.number(1..=Self::MOST_LEN, "bytes")?;
        let offset = Token { text: offset, column: 1 };
        let offset = offset.number(0..=Self::MOST_OFFSET, "bytes before the place")?;
        Ok(Self { offset, len })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.offset, self.len)
    }
}
