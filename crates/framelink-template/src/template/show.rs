//! Prints a template.

use core::fmt;

use framelink_codec::notation::Hex;

use super::part::{Form, Measured, Part, Width, Written};
use crate::Encoding;
use crate::text::ShownText;

/// The normal form.
impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.form.prefix())?;
        self.pieces.iter().try_for_each(|piece| match &piece.part {
            Part::Literal(bytes) => self.form.show(bytes, f),
            part => part.fmt(f),
        })
    }
}

impl Form {
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Text => "text:",
            Self::Hex => "hex:",
        }
    }

    /// Prints literal bytes.
    pub(super) fn show(self, bytes: &[u8], to: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Text => write!(to, "{}", ShownText { bytes, also: "{}" }),
            Self::Hex => write!(to, "{}", Hex(bytes)),
        }
    }
}

/// A field with its braces.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(bytes) => Form::Text.show(bytes, f),
            Self::Number { field, of: None } => write!(f, "{{number:{field}}}"),
            Self::Number { field, of: Some(name) } => write!(f, "{{number:{field},of={name}}}"),
            Self::Time(time) => write!(f, "{{{time}}}"),
            Self::Request(None) => f.write_str("{request}"),
            Self::Request(Some(place)) => write!(f, "{{request:{place}}}"),
            Self::Random(field) => write!(f, "{{random:{field}}}"),
            Self::Variable(name) => write!(f, "{{env:{name}}}"),
            Self::Length { field, of } => write!(f, "{{length:{field},of={of}}}"),
            Self::Pad(to) => write!(f, "{{pad:{to}}}"),
            Self::Begin(name) => write!(f, "{{part:{name}}}"),
            Self::End => f.write_str("{end}"),
        }
    }
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.encoding {
            Encoding::Ascii => write!(f, "{}", self.len),
            encoding => write!(f, "{},{encoding}", self.len),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Rest => "rest",
            Self::Part(name) => name,
        })
    }
}
