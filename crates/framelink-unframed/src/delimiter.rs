//! Delimiters, and the search for them.

use alloc::vec::Vec;
use core::fmt;

use framelink_codec::Affix;
use framelink_codec::notation::Hex;

/// 1 to 16 bytes that start or end a message, stored inline.
///
/// ```
/// use framelink_unframed::Delimiter;
///
/// // 0x1c 0x0d
/// let delimiter = Delimiter::new(b"\x1c\x0d").unwrap();
/// assert_eq!(delimiter.as_ref(), [0x1c, 0x0d]);
/// assert_eq!(delimiter.to_string(), "1c0d");
/// assert_eq!(Delimiter::new(&[0; 17]), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Delimiter {
    len: u8,
    /// The last byte, for which the search looks first.
    last: u8,
    /// The bytes after `len` are 0, so that equal delimiters compare equal.
    bytes: [u8; Delimiter::MOST],
}

impl Delimiter {
    /// The most bytes: 16.
    pub const MOST: usize = 16;

    pub(crate) const LF: Self = Self::of([b'\n']);
    pub(crate) const CR_LF: Self = Self::of([b'\r', b'\n']);

    /// Creates a delimiter; `None` unless it has 1 to 16 bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let last = *bytes.last()?;
        let mut held = [0; Self::MOST];
        held.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { len: u8::try_from(bytes.len()).ok()?, last, bytes: held })
    }

    const fn of<const N: usize>(few: [u8; N]) -> Self {
        const { assert!(N >= 1 && N <= Self::MOST) };
        let mut bytes = [0; Self::MOST];
        let mut i = 0;
        while i < N {
            bytes[i] = few[i];
            i += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 16, as just checked")]
        let len = N as u8;
        Self { len, last: few[N - 1], bytes }
    }

    /// Returns the number of bytes; never 0.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Finds the first delimiter in `bytes` that begins at `from` or later.
    ///
    /// It looks for the last byte and then compares backwards. A search with tables needs a preparation that takes
    /// longer than scanning most messages. Each byte is compared at most 16 times.
    #[inline]
    pub(crate) fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let before_last = self.len() - 1;
        let mut at = from.saturating_add(before_last);
        loop {
            at += memchr::memchr(self.last, bytes.get(at..)?)?;
            let start = at - before_last;
            if before_last == 0 || bytes.get(start..)?.starts_with(self.as_ref()) {
                return Some(start);
            }
            at += 1;
        }
    }

    /// How many bytes at the end of `bytes`, which do not contain the delimiter, may be its start.
    pub(crate) fn begun(&self, bytes: &[u8]) -> usize {
        let most = self.len() - 1;
        (1..=most).rev().find(|&len| bytes.ends_with(self.first(len))).unwrap_or(0)
    }

    /// Finds this delimiter where it begins in `payload` and ends in the delimiter after it. The payload contains none.
    ///
    /// ```text
    ///  payload            | delimiter
    ///  'a' 0x0d 0x0a      | 0x0d 0x0a 0x0d 0x0a
    ///      ^ found here, one line end too early
    /// ```
    #[inline]
    pub(crate) fn straddles(&self, payload: &[u8]) -> Option<usize> {
        let most = self.len() - 1;
        let fits = |len: usize| self.overlaps_itself(len) && payload.ends_with(self.first(len));
        (1..=most).rev().find(|&len| fits(len)).map(|len| payload.len() - len)
    }

    /// Converts these bytes to an affix of a payload.
    #[inline]
    pub(crate) fn put(&self, affix: &mut Affix) {
        let set = affix.set(self.as_ref());
        debug_assert!(set.is_some(), "{} bytes are no more than {}", self.len(), Affix::CAPACITY);
    }

    /// Appends all sixteen bytes and truncates to the delimiter: moves instead of a call.
    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.len();
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }

    /// Whether the bytes after its first `len` bytes are also its start.
    fn overlaps_itself(&self, len: usize) -> bool {
        self.as_ref().get(len..).is_some_and(|end| self.as_ref().starts_with(end))
    }

    fn first(&self, len: usize) -> &[u8] {
        self.as_ref().get(..len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Delimiter {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }
}

/// Prints pairs of hex digits, as in the notation.
impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(self.as_ref()).fmt(f)
    }
}

impl fmt::Debug for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delimiter({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes of two letters, so that delimiters overlap themselves and each other.
    fn letters(len: core::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(&b"ab"[..]), len)
    }

    fn naive(delimiter: &[u8], bytes: &[u8], from: usize) -> Option<usize> {
        (from..bytes.len()).find(|&start| bytes[start..].starts_with(delimiter))
    }

    proptest! {
        /// The search and a comparison at every position agree.
        #[test]
        fn search_agrees_with_the_naive_one(delimiter in letters(1..17), bytes in letters(0..60), from in 0_usize..70) {
            let found = Delimiter::new(&delimiter).unwrap().find(&bytes, from);
            prop_assert_eq!(found, naive(&delimiter, &bytes, from));
        }

        /// A possible start, when completed, is the delimiter.
        #[test]
        fn begun_is_the_most_that_can_be_completed(delimiter in letters(1..17), bytes in letters(0..60)) {
            let parsed = Delimiter::new(&delimiter).unwrap();
            prop_assume!(parsed.find(&bytes, 0).is_none());
            let begun = parsed.begun(&bytes);
            let least = (0..delimiter.len()).rev().find(|&len| bytes.ends_with(&delimiter[..len]));
            prop_assert_eq!(Some(begun), least);
        }

        /// A payload is refused if and only if payload and delimiter together contain the delimiter too early.
        #[test]
        fn straddling_agrees_with_the_naive_search(delimiter in letters(1..17), payload in letters(0..60)) {
            let parsed = Delimiter::new(&delimiter).unwrap();
            prop_assume!(parsed.find(&payload, 0).is_none());
            let together = [&payload[..], &delimiter].concat();
            let first = naive(&delimiter, &together, 0).filter(|&start| start < payload.len());
            prop_assert_eq!(parsed.straddles(&payload), first);
        }
    }
}
