//! Keys: the bytes by which a reply is matched to its request.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// Bytes that a request and its reply have in common, such as a trace number or a transaction id.
///
/// `Debug` shows only the length, because a key may be part of a confidential payload.
///
/// ```
/// use framelink_session::Key;
///
/// let key = Key::new(b"000042").unwrap();
/// assert_eq!(&key[..], b"000042");
/// assert!(Key::new(&[0; 65]).is_none(), "at most 64 bytes");
/// ```
#[derive(Clone, Copy)]
pub struct Key {
    bytes: [u8; Self::MOST],
    len: u8,
}

impl Key {
    /// The largest length of a key in bytes. A key is stored inline.
    pub const MOST: usize = 64;

    /// Creates a key of these bytes. Returns `None` if they are more than [`MOST`](Self::MOST).
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MOST];
        bytes.get_mut(..key.len())?.copy_from_slice(key);
        Some(Self { bytes, len: u8::try_from(key.len()).ok()? })
    }

    /// Creates a key of the bytes of these parts, joined. Returns `None` if a part is missing, or if they are too long.
    pub(super) fn joined<'m>(parts: impl Iterator<Item = Option<&'m [u8]>>) -> Option<Self> {
        let (mut bytes, mut len) = ([0; Self::MOST], 0);
        for part in parts {
            let part = part?;
            bytes.get_mut(len..len + part.len())?.copy_from_slice(part);
            len += part.len();
        }
        Some(Self { bytes, len: u8::try_from(len).ok()? })
    }

    /// Returns the first bytes, to replace them.
    pub(super) fn first_mut(&mut self, len: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(..len.min(usize::from(self.len)))
    }
}

impl Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Key {}

/// Hashes like a slice, because maps look a key up by its bytes.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("len", &self.len).finish_non_exhaustive()
    }
}
