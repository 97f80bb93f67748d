//! The parts of a template.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::time::Time;
use crate::{Encoding, Place};

/// A template that was written as a text.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) form: Form,
    pub(super) pieces: Vec<Piece>,
}

/// The parts decide what is composed. The form and the columns are how the template was written.
impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        self.pieces.iter().map(|piece| &piece.part).eq(other.pieces.iter().map(|piece| &piece.part))
    }
}

/// How literal bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Hex,
}

/// A part and the column of its first character.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) part: Part,
    pub(super) column: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One or more bytes.
    Literal(Vec<u8>),
    Number {
        field: Width,
        of: Option<Box<str>>,
    },
    Time(Time),
    /// The whole request, or these bytes of it.
    Request(Option<Place>),
    Random(Width),
    Variable(Box<str>),
    Length {
        field: Width,
        of: Measured,
    },
    /// Zeros up to a multiple of so many bytes, from the start of the message.
    Pad(usize),
    Begin(Box<str>),
    End,
}

/// A number's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) len: usize,
    pub(super) encoding: Encoding,
}

/// What a length counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Measured {
    All,
    Rest,
    Part(Box<str>),
}

/// A number in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NumberField<'a> {
    /// Where the number is; `None` if a part before it has no fixed length.
    pub place: Option<Place>,
    /// How many bytes it has.
    pub len: usize,
    /// How it is written.
    pub encoding: Encoding,
    /// The name of its source; `None` for the profile's own.
    pub source: Option<&'a str>,
}

impl Part {
    /// The number of bytes; `None` if only the inputs decide.
    pub(super) fn fixed_len(&self) -> Option<usize> {
        match self {
            Self::Literal(bytes) => Some(bytes.len()),
            Self::Number { field, .. } | Self::Random(field) | Self::Length { field, .. } => Some(field.len),
            Self::Time(time) => time.fixed_len(),
            Self::Request(place) => place.map(Place::len),
            Self::Variable(_) | Self::Pad(_) => None,
            Self::Begin(_) | Self::End => Some(0),
        }
    }
}

impl Written {
    /// Goes over the parts with the offset of each; `None` after a part without a fixed length.
    pub(super) fn offsets(&self) -> impl Iterator<Item = (Option<usize>, &Piece)> {
        let mut at = Some(0_usize);
        self.pieces.iter().map(move |piece| {
            let offset = at;
            at = offset.zip(piece.part.fixed_len()).map(|(offset, len)| offset + len);
            (offset, piece)
        })
    }

    pub(super) fn fixed_len(&self) -> Option<usize> {
        self.pieces.iter().try_fold(0, |sum, piece| Some(sum + piece.part.fixed_len()?))
    }
}
