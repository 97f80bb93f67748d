//! Whether a message passes a test. Nothing here allocates.

use super::test::{Allowed, Choice, Mapped, Test};
use crate::Place;

impl Test {
    /// A message without the place does not pass, nor does one whose request is needed and missing, whether negated or not.
    pub(super) fn holds(&self, message: &[u8], request: Option<&[u8]>) -> bool {
        match self {
            Self::Len { allowed, is_negated } => allowed.contains(&message.len()) != *is_negated,
            Self::At { place, mask, is_negated, allowed } => {
                let bytes = place.of(message);
                let passes = bytes.and_then(|bytes| allowed.holds(bytes, mask.as_deref(), *place, request));
                passes.is_some_and(|passes| passes != *is_negated)
            }
        }
    }
}

impl Allowed {
    /// `None` if a part of the request is needed and missing.
    fn holds(&self, bytes: &[u8], mask: Option<&[u8]>, place: Place, request: Option<&[u8]>) -> Option<bool> {
        let masked = Masked { bytes, mask };
        Some(match self {
            Self::OneOf(choices) => choices.iter().any(|choice| choice.holds(masked)),
            Self::Odd => masked.last().is_some_and(|last| last & 1 == 1),
            Self::Even => masked.last().is_some_and(|last| last & 1 == 0),
            Self::Request(other) => {
                let expected = other.unwrap_or(place).of(request?)?;
                masked.iter().eq(Masked { bytes: expected, mask }.iter())
            }
            Self::Map(pairs) => {
                let request = Masked { bytes: place.of(request?)?, mask };
                pairs.iter().any(|Mapped { from, to, .. }| request.is(from) && masked.is(to))
            }
        })
    }
}

impl Choice {
    fn holds(&self, bytes: Masked<'_>) -> bool {
        match self {
            Self::Value(_, value) => bytes.is(value),
            Self::Range(_, first, last) => {
                let (first, last) = (first.iter().copied(), last.iter().copied());
                bytes.iter().ge(first) && bytes.iter().le(last)
            }
        }
    }
}

/// Bytes of which only some bits count.
#[derive(Clone, Copy)]
struct Masked<'m> {
    bytes: &'m [u8],
    mask: Option<&'m [u8]>,
}

impl Masked<'_> {
    fn iter(&self) -> impl Iterator<Item = u8> {
        let mask = self.mask.unwrap_or_default().iter().copied().chain(core::iter::repeat(0xff));
        self.bytes.iter().zip(mask).map(|(byte, mask)| byte & mask)
    }

    fn is(&self, value: &[u8]) -> bool {
        match self.mask {
            None => self.bytes == value,
            Some(_) => self.iter().eq(value.iter().copied()),
        }
    }

    fn last(&self) -> Option<u8> {
        self.iter().last()
    }
}
