//! Keys: the bytes by which a reply is matched to its request.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use framelink_template::Place;

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

/// How the session chooses keys, if the application leaves that to the session.
///
/// ```
/// use framelink_session::Assigned;
///
/// assert_eq!((Assigned::Binary.name(), Assigned::Digits.name()), ("binary", "digits"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Assigned {
    /// Counts as a network-order integer as wide as the key.
    Binary,
    /// Counts in ASCII digits, zero-padded.
    Digits,
}

impl Assigned {
    /// Returns the word for this value in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Digits => "digits",
        }
    }

    /// Returns how many keys of this length exist.
    pub fn count(self, len: usize) -> u64 {
        let base: u64 = if self == Self::Binary { 256 } else { 10 };
        u32::try_from(len).ok().and_then(|len| base.checked_pow(len)).unwrap_or(u64::MAX)
    }

    /// Writes a number as a key.
    fn write(self, mut number: u64, key: &mut [u8]) {
        let (base, zero) = if self == Self::Binary { (256, 0) } else { (10, b'0') };
        for byte in key.iter_mut().rev() {
            *byte = zero + u8::try_from(number % base).unwrap_or_default();
            number /= base;
        }
    }
}

/// How the keys of requests and replies are found.
///
/// ```
/// use framelink_session::{Assigned, Key, Place, KeyRule};
///
/// // ISO 8583: the trace number, six digits after the message type.
/// let by_place = KeyRule::at("4:6".parse::<Place>()?);
/// // The trace number, chosen by the session.
/// let assigned = by_place.assigned(Assigned::Digits);
/// // SMPP, by a function: the sequence number, in every header.
/// let by_function = KeyRule::by(|message| Key::new(message.get(12..16)?));
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone)]
pub struct KeyRule {
    request: Find,
    reply: Find,
    assigned: Option<Assigned>,
}

#[derive(Clone)]
enum Find {
    At(Place),
    By(Arc<Finder>),
}

type Finder = dyn Fn(&[u8]) -> Option<Key> + Send + Sync;

impl KeyRule {
    /// The key is at one place in requests and replies.
    #[must_use]
    pub fn at(place: Place) -> Self {
        Self { request: Find::At(place), reply: Find::At(place), assigned: None }
    }

    /// A function finds the key of a request and of a reply. `None` means that there is no key.
    pub fn by(find: impl Fn(&[u8]) -> Option<Key> + Send + Sync + 'static) -> Self {
        let find = Find::By(Arc::new(find));
        Self { request: find.clone(), reply: find, assigned: None }
    }

    /// Sets another function for replies.
    #[must_use]
    pub fn of_reply(mut self, find: impl Fn(&[u8]) -> Option<Key> + Send + Sync + 'static) -> Self {
        self.reply = Find::By(Arc::new(find));
        self
    }

    /// Chooses a key for each request and writes it to the key's place, over the bytes that the application put there.
    /// Has no effect on keys that a function finds, because such keys have no place.
    #[must_use]
    pub fn assigned(mut self, assigned: Assigned) -> Self {
        self.assigned = matches!(self.request, Find::At(_)).then_some(assigned);
        self
    }

    pub(super) fn of_request(&self, request: &[u8]) -> Option<Key> {
        self.request.find(request)
    }

    pub(super) fn in_reply(&self, reply: &[u8]) -> Option<Key> {
        self.reply.find(reply)
    }

    /// Writes an unused key into the request, if keys are assigned. Returns `None` if no key is free.
    pub(super) fn assign(
        &self,
        request: &mut Cow<'_, [u8]>,
        counter: &mut u64,
        is_used: impl Fn(&[u8]) -> bool,
    ) -> Option<()> {
        let (Some(assigned), Find::At(place)) = (self.assigned, &self.request) else { return Some(()) };
        if place.of(request).is_none() {
            return Some(()); // reported when the key is read
        }
        let mut key = [0; Key::MOST];
        let key = &mut key[..place.len()];
        for _ in 0..assigned.count(place.len()) {
            *counter = counter.wrapping_add(1);
            assigned.write(*counter, key);
            if !is_used(key) {
                request.to_mut()[place.offset()..place.end()].copy_from_slice(key);
                return Some(());
            }
        }
        None
    }
}

impl Find {
    fn find(&self, message: &[u8]) -> Option<Key> {
        match self {
            Self::At(place) => Key::new(place.of(message)?),
            Self::By(find) => find(message),
        }
    }
}

impl fmt::Debug for KeyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |find: &Find| match find {
            Find::At(place) => place.to_string(),
            Find::By(_) => "a function".to_owned(),
        };
        f.debug_struct("KeyRule")
            .field("request", &show(&self.request))
            .field("reply", &show(&self.reply))
            .field("assigned", &self.assigned)
            .finish()
    }
}
