//! Bytes as templates and matches, and the hash of a template.

use alloc::format;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::panic::{RefUnwindSafe, UnwindSafe};

use framelink_codec::notation::Hex;

use crate::{Match, Template};

/// The longest part of bytes that one test of a match has.
const PART: usize = 64;

/// These bytes, as by [`Template::literal`].
impl From<&[u8]> for Template {
    fn from(message: &[u8]) -> Self {
        Self::literal(message)
    }
}

/// These bytes, as by [`Template::literal`].
impl<const N: usize> From<&[u8; N]> for Template {
    fn from(message: &[u8; N]) -> Self {
        Self::literal(message)
    }
}

/// A message that begins with these bytes. No bytes: any message. No message begins with more than 4096 bytes.
///
/// ```
/// use framelink_template::Match;
///
/// assert_eq!(Match::from(b"0810"), "0:4=text:0810".parse()?);
/// assert!(Match::from(b"").is_any());
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
impl From<&[u8]> for Match {
    fn from(start: &[u8]) -> Self {
        if start.len() <= PART {
            return Self::bytes_at(0, start).unwrap_or_else(Self::any);
        }
        let tests = start.chunks(PART).enumerate();
        let tests = tests.map(|(index, part)| format!("{}:{}=hex:{}", index * PART, part.len(), Hex(part)));
        let text = tests.collect::<Vec<_>>().join(",");
        // Longer bytes need more tests than a match has.
        text.parse().unwrap_or_else(|_| Self::by(|_, _| false))
    }
}

/// A message that begins with these bytes. No bytes: any message.
impl<const N: usize> From<&[u8; N]> for Match {
    fn from(start: &[u8; N]) -> Self {
        Self::from(&start[..])
    }
}

/// Equal templates have equal hashes.
impl Hash for Template {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_literal().hash(state);
        self.fixed_len().hash(state);
        self.variables().for_each(|name| name.hash(state));
    }
}

/// A function that panics leaves its template as it was. State that the function shares is the program's own.
impl UnwindSafe for Template {}
impl RefUnwindSafe for Template {}
