//! A few bytes that are stored inline.

use core::fmt;

/// Up to [`Affix::CAPACITY`] bytes before or after a payload, stored inline.
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
    /// The most bytes: 64.
    pub const CAPACITY: usize = 64;

    /// No bytes.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; Self::CAPACITY] };

    /// Stores these bytes; `None` if they are more than 64.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut affix = Self::EMPTY;
        affix.set(bytes)?;
        Some(affix)
    }

    /// Replaces the bytes. With more than 64 it changes nothing and returns `None`.
    #[inline]
    #[must_use]
    pub fn set(&mut self, bytes: &[u8]) -> Option<()> {
        self.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        self.len = u8::try_from(bytes.len()).ok()?;
        Some(())
    }

    /// Removes all bytes.
    #[inline]
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Returns the number of bytes.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Returns whether there are no bytes.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
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
