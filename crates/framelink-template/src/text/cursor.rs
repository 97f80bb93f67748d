//! Walks over a text and counts columns.

use alloc::format;

use framelink_codec::notation::{NotationError, Token};

/// The rest of a text, and the column where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) rest: &'a str,
    pub(crate) column: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(token: Token<'a>) -> Self {
        Self { rest: token.text, column: token.column }
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes the next character.
    pub(crate) fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        self.column += 1;
        Some(next)
    }

    /// Takes the text up to the first character for which `ends` is true, or all. A character after a backslash does not end it.
    pub(crate) fn take_until(&mut self, mut ends: impl FnMut(char) -> bool) -> Token<'a> {
        let (start, column) = (self.rest, self.column);
        while let Some(c) = self.peek() {
            if ends(c) {
                break;
            }
            self.next();
            if c == '\\' {
                self.next();
            }
        }
        let len = start.len() - self.rest.len();
        Token { text: start.get(..len).unwrap_or_default(), column }
    }

    /// Creates an error at the next character.
    pub(crate) fn expected(&self, expected: &str) -> NotationError {
        match self.peek() {
            Some(c) => NotationError::new(self.column, 1, format!("expected {expected}, found `{}`", c.escape_debug())),
            None => NotationError::new(self.column, 0, format!("expected {expected}, found the end")),
        }
    }
}
