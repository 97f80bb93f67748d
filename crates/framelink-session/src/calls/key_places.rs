//! The places of a key.

use std::fmt;
use std::str::FromStr;

use framelink_codec::notation::NotationError;
use framelink_template::Place;

use crate::calls::Key;

/// Where requests and replies have their key: one place, written `OFFSET:LEN`, or up to four places whose bytes are
/// joined to the key, written `OFFSET:LEN+OFFSET:LEN`.
///
/// ```
/// use framelink_session::KeyPlaces;
///
/// // ISO 8583: the trace number alone, and with the terminal.
/// let trace: KeyPlaces = "4:6".parse()?;
/// let both: KeyPlaces = "4:6+12:8".parse()?;
/// let message = b"0200000042..TERM0001";
/// assert_eq!(&trace.key_of(message).unwrap()[..], b"000042");
/// assert_eq!(&both.key_of(message).unwrap()[..], b"000042TERM0001");
/// assert!(both.key_of(b"0200000042").is_none(), "too short for the second place");
/// assert_eq!(both.to_string(), "4:6+12:8");
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPlaces {
    /// Small, because the settings of an exchange are copied often.
    offsets: [u32; Self::MOST],
    /// 0 behind the last place.
    lens: [u8; Self::MOST],
}

impl KeyPlaces {
    /// The largest number of places: 4.
    pub const MOST: usize = 4;

    /// The key is at one place.
    #[must_use]
    pub const fn at(place: Place) -> Self {
        let (offset, len) = small(place);
        Self { offsets: [offset, 0, 0, 0], lens: [len, 0, 0, 0] }
    }

    /// Adds a place, whose bytes follow in the key. Returns `None` if there are 4 places already, or if the key would
    /// be longer than 64 bytes.
    #[must_use]
    pub fn and(mut self, place: Place) -> Option<Self> {
        let next = self.lens.iter().position(|&len| len == 0)?;
        if self.key_len() + place.len() > Key::MOST {
            return None;
        }
        (self.offsets[next], self.lens[next]) = small(place);
        Some(self)
    }

    /// Returns the places in the order in which their bytes form the key. There is at least one.
    pub fn iter(&self) -> impl Iterator<Item = Place> + use<> {
        let places = self.offsets.into_iter().zip(self.lens);
        places.filter_map(|(offset, len)| Place::new(offset as usize, len.into()))
    }

    /// Returns the length of the key in bytes, 1 to 64.
    #[must_use]
    pub fn key_len(&self) -> usize {
        self.lens.iter().map(|&len| usize::from(len)).sum()
    }

    /// Returns how many bytes a message needs to have a key.
    #[must_use]
    pub fn end(&self) -> usize {
        self.iter().map(|place| place.offset() + place.len()).max().unwrap_or_default()
    }

    /// Returns the key of a message, or `None` if the message is too short.
    #[must_use]
    pub fn key_of(&self, message: &[u8]) -> Option<Key> {
        Key::joined(self.iter().map(|place| place.of(message)))
    }
}

/// A place has at most 64 bytes, at an offset of at most 64 KiB.
#[expect(clippy::cast_possible_truncation, reason = "a place is bounded")]
const fn small(place: Place) -> (u32, u8) {
    (place.offset() as u32, place.len() as u8)
}

impl From<Place> for KeyPlaces {
    fn from(place: Place) -> Self {
        Self::at(place)
    }
}

impl FromStr for KeyPlaces {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let (mut places, mut column) = (None::<Self>, 0);
        for part in text.split('+') {
            let at = |error: NotationError| {
                NotationError::new(error.column() + column, error.len(), error.message().to_owned())
            };
            let place: Place = part.parse().map_err(at)?;
            places = match places {
                None => Some(Self::at(place)),
                Some(places) => Some(places.and(place).ok_or_else(|| too_many(part, column))?),
            };
            column += part.chars().count() + 1;
        }
        places.ok_or_else(|| too_many(text, 0))
    }
}

fn too_many(part: &str, column: usize) -> NotationError {
    let (most, bytes) = (KeyPlaces::MOST, Key::MOST);
    let message = format!("expected up to {most} places with {bytes} bytes in all, found one more, `{part}`");
    NotationError::new(column + 1, part.chars().count(), message)
}

impl fmt::Display for KeyPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, place) in self.iter().enumerate() {
            write!(f, "{}{place}", if i == 0 { "" } else { "+" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPlaces({self})")
    }
}
