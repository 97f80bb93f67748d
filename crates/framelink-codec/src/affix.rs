//! A few bytes held inline.

use core::fmt;

/// At most [`Affix::CAPACITY`] bytes held inline: what goes before or after a payload.
///
/// ```
/// use framelink_codec::Affix;
///
/// let head = Affix::new(&[0x00, 0x05]).unwrap();
/// assert_eq!(head.as_ref(), [0x00, 0x05]);
/// assert_eq!(Affix::new(&[0; 65]), None);
/// ```
#[derive(Clone, Copy)]
pub struct Affix {
    len: u8,
    bytes: [u8; Affix::CAPACITY],
}

impl Affix {
    /// The most bytes it holds: 64.
    pub const CAPACITY: usize = 64;

    /// No bytes.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; Self::CAPACITY] };

    /// These bytes, or `None` if they are more than 64.
    #[inline]
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut affix = Self::EMPTY;
        affix.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        affix.len = u8::try_from(bytes.len()).ok()?;
        Some(affix)
    }

    /// The first `len` of these bytes, or `None` if there are fewer.
    #[inline]
    #[must_use]
    pub const fn from_array(bytes: [u8; Self::CAPACITY], len: usize) -> Option<Self> {
        if len > Self::CAPACITY {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 64, as just checked")]
        let len = len as u8;
        Some(Self { len, bytes })
    }

    /// How many bytes.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes and the unused room behind them, for copies of a fixed size.
    #[inline]
    #[must_use]
    pub const fn as_array(&self) -> &[u8; Self::CAPACITY] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Affix {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }
}

impl Default for Affix {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl PartialEq for Affix {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Affix {}

impl fmt::Debug for Affix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", self.as_ref())
    }
}
