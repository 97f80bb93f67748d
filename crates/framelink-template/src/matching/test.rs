//! The tests of a match.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::Place;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    At {
        place: Place,
        /// As many bytes as the place; the bits that are compared.
        mask: Option<Vec<u8>>,
        is_negated: bool,
        allowed: Allowed,
    },
    Len {
        allowed: RangeInclusive<usize>,
        is_negated: bool,
    },
}

/// What the bytes at a place may be. Values have as many bytes as the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    OneOf(Vec<Choice>),
    Odd,
    Even,
    /// The bytes of the request at the same place, or at another.
    Request(Option<Place>),
    Map(Vec<Mapped>),
}

/// One value, or all from the first to the last in the order of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Value(Form, Vec<u8>),
    Range(Form, Vec<u8>, Vec<u8>),
}

/// The request has `from` at the place, and the message `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    pub(super) from: Vec<u8>,
    pub(super) to: Vec<u8>,
    pub(super) form: Form,
}

/// How a value was written. All values compare by their bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Text,
    Hex,
}

impl PartialEq for Form {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Form {}

impl Form {
    pub(super) const ALL: [Self; 2] = [Self::Text, Self::Hex];
}

impl Test {
    pub(super) fn needs_request(&self) -> bool {
        matches!(self, Self::At { allowed: Allowed::Request(_) | Allowed::Map(_), .. })
    }

    /// Where the test looks; `None` for the length.
    pub(super) const fn place(&self) -> Option<Place> {
        match self {
            Self::At { place, .. } => Some(*place),
            Self::Len { .. } => None,
        }
    }
}
