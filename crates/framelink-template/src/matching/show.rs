//! Prints a match.

use core::fmt;

use framelink_codec::notation::Hex;

use super::test::{Allowed, Choice, Form, Mapped, Test};
use crate::text::ShownText;

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { place, mask, is_negated, allowed } => {
                write!(f, "{place}")?;
                if let Some(mask) = mask {
                    write!(f, "&{}", Hex(mask))?;
                }
                write!(f, "{}{allowed}", sign(*is_negated))
            }
            Self::Len { allowed, is_negated } if allowed.start() == allowed.end() => {
                write!(f, "len{}{}", sign(*is_negated), allowed.start())
            }
            Self::Len { allowed, is_negated } => {
                write!(f, "len{}{}..{}", sign(*is_negated), allowed.start(), allowed.end())
            }
        }
    }
}

const fn sign(is_negated: bool) -> &'static str {
    if is_negated { "!=" } else { "=" }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf(choices) => separated(choices, f),
            Self::Odd => f.write_str("odd"),
            Self::Even => f.write_str("even"),
            Self::Request(None) => f.write_str("request"),
            Self::Request(Some(place)) => write!(f, "request:{place}"),
            Self::Map(pairs) => show_pairs(pairs, f),
        }
    }
}

/// A pair has a word for its form if that is another one than before, or if the pair begins like a word.
fn show_pairs(pairs: &[Mapped], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("map:")?;
    let mut before = Form::Text;
    for (index, Mapped { from, to, form }) in pairs.iter().enumerate() {
        let begins_like_a_word = from.starts_with(b"text:") || from.starts_with(b"hex:");
        let is_named = form.prefix() != before.prefix() || begins_like_a_word;
        let (bar, prefix) = (if index == 0 { "" } else { "|" }, if is_named { form.prefix() } else { "" });
        write!(f, "{bar}{prefix}{}>{}", form.shown(from), form.shown(to))?;
        before = *form;
    }
    Ok(())
}

fn separated<T: fmt::Display>(all: &[T], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, one) in all.iter().enumerate() {
        let bar = if index == 0 { "" } else { "|" };
        write!(f, "{bar}{one}")?;
    }
    Ok(())
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(form, value) => write!(f, "{}{}", form.prefix(), form.shown(value)),
            Self::Range(form, first, last) => {
                write!(f, "{}{}..{}", form.prefix(), form.shown(first), form.shown(last))
            }
        }
    }
}

impl Form {
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Text => "text:",
            Self::Hex => "hex:",
        }
    }

    const fn shown(self, bytes: &[u8]) -> Shown<'_> {
        Shown { form: self, bytes }
    }
}

struct Shown<'a> {
    form: Form,
    bytes: &'a [u8],
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::Text => write!(f, "{}", ShownText { bytes: self.bytes, also: ",|>." }),
            Form::Hex => write!(f, "{}", Hex(self.bytes)),
        }
    }
}
