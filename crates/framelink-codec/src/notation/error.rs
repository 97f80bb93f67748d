//! The error of a notation.

use alloc::boxed::Box;
use alloc::string::String;
use core::error::Error;
use core::fmt;

/// The error of a notation: what was found, what was expected, and the column and length of the wrong text.
///
/// ```
/// use framelink_codec::notation::Notation;
///
/// let error = Notation::parse("net:2,,keep").unwrap_err();
/// assert_eq!((error.column(), error.len()), (7, 1));
/// assert_eq!(error.to_string(), "column 7: expected an option, found `,`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotationError {
    column: usize,
    len: usize,
    message: Box<str>,
}

impl NotationError {
    /// Creates an error at a column, in characters from 1.
    #[must_use]
    pub fn new(column: usize, len: usize, message: String) -> Self {
        Self { column, len, message: message.into_boxed_str() }
    }

    /// Moves the error to the right: the text that was parsed is part of a longer one, behind this many characters.
    ///
    /// ```
    /// use framelink_codec::notation::NotationError;
    ///
    /// assert_eq!(NotationError::new(3, 1, "no digit".into()).moved(10).column(), 13);
    /// ```
    #[must_use]
    pub const fn moved(mut self, by: usize) -> Self {
        self.column = self.column.saturating_add(by);
        self
    }

    /// Returns the column of the wrong text, in characters from 1; one after the last if the text ends too early.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// Returns the length of the wrong text in characters; 0 if the text ends too early.
    #[expect(clippy::len_without_is_empty, reason = "a stretch of text, not a collection")]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns what was found and what was expected, without the column.
    #[must_use]
    pub const fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for NotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)
    }
}

impl Error for NotationError {}
