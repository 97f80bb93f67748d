//! Why a message could not be composed.

use alloc::boxed::Box;
use core::error::Error;
use core::fmt;

use framelink_codec::notation::Bytes;

use crate::{EncodingError, NumbersError};

/// Why a message could not be composed: the field and its column, what was received, and what is allowed.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use framelink_template::{Inputs, Numbers, Template};
///
/// let template: Template = "text:0810{request:4:6}".parse()?;
/// let numbers = Numbers::new(1..=9).expect("not empty");
/// let error = template.compose(&Inputs::system(&numbers).answering(b"0800")).unwrap_err();
/// assert_eq!(error.to_string(), "column 10: `{request:4:6}` needs a message of 10 bytes or more to answer, received 4 bytes");
/// # }
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposeError {
    pub(super) column: usize,
    pub(super) field: Box<str>,
    pub(super) why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    NoRequest,
    ShortRequest { found: usize, needed: usize },
    NoNumber(NumbersError),
    TooLarge(EncodingError),
    Unset,
    NoDate,
    TooLong { len: usize, most: usize },
    NoMessage,
}

impl ComposeError {
    /// Returns the field with its braces; empty for a template of a function.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the column of the field in the notation, in characters from 1; 0 for a template of a function.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// Returns whether an environment variable is not set.
    #[must_use]
    pub const fn is_unset(&self) -> bool {
        matches!(self.why, Why::Unset)
    }

    /// Returns whether the source of numbers failed.
    #[must_use]
    pub const fn numbers(&self) -> Option<&NumbersError> {
        match &self.why {
            Why::NoNumber(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.column > 0 {
            write!(f, "column {}: `{}` ", self.column, self.field)?;
        } else {
            f.write_str("the template's function ")?;
        }
        match &self.why {
            Why::NoRequest => f.write_str("needs a message to answer, and there is none"),
            Why::ShortRequest { found, needed } => {
                let (found, needed) = (Bytes(*found), Bytes(*needed));
                write!(f, "needs a message of {needed} or more to answer, received {found}")
            }
            Why::NoNumber(error) => write!(f, "has no number: {error}"),
            Why::TooLarge(error) => write!(f, "is too short: {error}"),
            Why::Unset => f.write_str("needs an environment variable that is not set"),
            Why::NoDate => f.write_str("needs a time in the years 1970 to 9999"),
            Why::TooLong { len, most } => {
                let or_more = if self.column > 0 { " or more" } else { "" };
                write!(f, "makes a message of {}{or_more}, at most {most} are allowed", Bytes(*len))
            }
            Why::NoMessage => f.write_str("returned no message"),
        }
    }
}

impl Error for ComposeError {}
