//! How keys are found and chosen.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use framelink_template::{Encoding, Numbers, NumbersError, Place};

use crate::calls::{Key, KeyPlaces};

/// How the keys of requests and replies are found.
///
/// ```
/// use framelink_session::{Encoding, Key, KeyRule};
///
/// // ISO 8583: the trace number, six digits after the message type.
/// let by_place = KeyRule::at("4:6".parse()?);
/// // The trace number, chosen by the session: 1 to 999999, and again from 1.
/// let assigned = by_place.assigned(Encoding::Ascii);
/// // SMPP, by a function: the sequence number, in every header.
/// let by_function = KeyRule::by(|message| Key::new(message.get(12..16)?));
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
///
/// Rules with functions are equal if they are clones of one rule.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyRule {
    request: Find,
    reply: Find,
    /// Where and how the session writes the number that it chose.
    assigned: Option<(Place, Encoding)>,
}

#[derive(Clone)]
enum Find {
    At(Place),
    Joined(KeyPlaces),
    By(Arc<Finder>),
}

type Finder = dyn Fn(&[u8]) -> Option<Key> + Send + Sync;

// A function only looks at a message, so that a panic in it leaves nothing half done.
impl UnwindSafe for Find {}
impl RefUnwindSafe for Find {}

impl KeyRule {
    /// The key is at these places in requests and replies.
    #[must_use]
    pub fn at(places: KeyPlaces) -> Self {
        let find = Find::at(places);
        Self { request: find.clone(), reply: find, assigned: None }
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

    /// Chooses a number for each request and writes it to the first place of the key, over the bytes that the
    /// application put there. The numbers come from [`Matching::numbers`](crate::Matching::numbers); by default each
    /// connection counts from 1 to the largest number that fits, and again from 1.
    ///
    /// Has no effect on keys that a function finds, because such keys have no place.
    #[must_use]
    pub fn assigned(mut self, encoding: Encoding) -> Self {
        self.assigned = self.request.first().map(|place| (place, encoding));
        self
    }

    /// Returns the largest number that the session can assign, if it assigns numbers.
    pub(super) fn most_assigned(&self) -> Option<u64> {
        self.assigned.map(|(place, encoding)| encoding.most(place.len()))
    }

    pub(super) fn of_request(&self, request: &[u8]) -> Option<Key> {
        self.request.find(request)
    }

    pub(super) fn in_reply(&self, reply: &[u8]) -> Option<Key> {
        self.reply.find(reply)
    }
}

impl KeyRule {
    /// Writes an unused number into the request, if the session assigns numbers. A request that is too short for the
    /// place stays as it is: the error is reported when the key is read.
    pub(super) fn assign(
        &self,
        request: &mut Cow<'_, [u8]>,
        numbers: Option<&Numbers>,
        is_used: impl Fn(&[u8]) -> bool,
    ) -> Result<(), NumbersError> {
        let (Some((place, encoding)), Some(numbers)) = (self.assigned, numbers) else { return Ok(()) };
        let Some(mut key) = self.request.find(request) else { return Ok(()) };
        let mut unfit = None;
        // The first place is the beginning of the key.
        numbers.next_free(|number| {
            let Some(start) = key.first_mut(place.len()) else { return false };
            unfit = encoding.encode(number, start).err();
            unfit.is_none() && is_used(&key)
        })?;
        if let Some(error) = unfit {
            return Err(NumbersError::NotReserved(error.to_string().into_boxed_str()));
        }
        if let (Some(written), Some(start)) = (place.of_mut(request.to_mut()), key.get(..place.len())) {
            written.copy_from_slice(start);
        }
        Ok(())
    }
}

impl PartialEq for Find {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::At(one), Self::At(other)) => one == other,
            (Self::Joined(one), Self::Joined(other)) => one == other,
            (Self::By(one), Self::By(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Find {}

/// Equal values have equal hashes. All functions have one hash.
impl Hash for Find {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::At(place) => place.hash(state),
            Self::Joined(places) => places.hash(state),
            Self::By(_) => {}
        }
    }
}

impl Find {
    fn at(places: KeyPlaces) -> Self {
        let mut all = places.iter();
        match (all.next(), all.next()) {
            (Some(place), None) => Self::At(place),
            _ => Self::Joined(places),
        }
    }

    fn first(&self) -> Option<Place> {
        match self {
            Self::At(place) => Some(*place),
            Self::Joined(places) => places.iter().next(),
            Self::By(_) => None,
        }
    }

    fn find(&self, message: &[u8]) -> Option<Key> {
        match self {
            Self::At(place) => Key::new(place.of(message)?),
            Self::Joined(places) => places.key_of(message),
            Self::By(find) => find(message),
        }
    }
}

impl fmt::Debug for KeyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |find: &Find| match find {
            Find::At(place) => place.to_string(),
            Find::Joined(places) => places.to_string(),
            Find::By(_) => "a function".to_owned(),
        };
        f.debug_struct("KeyRule")
            .field("request", &show(&self.request))
            .field("reply", &show(&self.reply))
            .field("assigned", &self.assigned.map(|(_, encoding)| encoding))
            .finish()
    }
}
