//! Why a message does not match.

use alloc::string::String;
use core::error::Error;
use core::fmt;

use crate::Place;

/// Why a message does not match: the place, what was found there, and what is allowed.
///
/// ```
/// use framelink_template::Match;
///
/// let expected: Match = "0:4=text:0810".parse()?;
/// let mismatch = expected.explain(b"0210", None).unwrap();
/// assert_eq!(mismatch.to_string(), "expected 0:4=text:0810, found text:0210");
/// let mismatch = expected.explain(b"08", None).unwrap();
/// assert_eq!(mismatch.to_string(), "expected 0:4=text:0810, found a message of 2 bytes");
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// Where the bytes are that do not match; `None` for the length, and for a function.
    pub place: Option<Place>,
    /// The bytes at the place, escaped, at most 16 of them; or the length of the message.
    pub found: String,
    /// The test that does not hold, in its notation.
    pub allowed: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.allowed, self.found)
    }
}

impl Error for Mismatch {}
