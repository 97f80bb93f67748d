//! Why a profile is not valid.

use std::error::Error;
use std::fmt;

use framelink_codec::notation::NotationError;

/// Why a profile is not valid: the key, the value found, and what is allowed.
///
/// ```
/// use framelink_profile::{Framing, Profile};
///
/// let error = Profile::template("long-sync", "until-close".parse::<Framing>()?).unwrap_err();
/// assert_eq!(error.key(), "framing");
/// assert_eq!(
///     error.to_string(),
///     "framing does not go with connection: an `until-close` message ends with the connection, so a long connection \
///      could carry only one; use a short connection",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileError {
    /// A required value is missing.
    Missing {
        /// The missing key.
        key: &'static str,
    },
    /// The text of a value cannot be parsed.
    Unreadable {
        /// The key of the value.
        key: &'static str,
        /// What was found and expected, and where in the value.
        error: NotationError,
    },
    /// The value is too small or too large.
    OutOfBounds {
        /// The key of the value.
        key: &'static str,
        /// The value found.
        found: String,
        /// The values allowed.
        allowed: String,
    },
    /// An environment variable is not set whose value a message contains.
    Unset {
        /// The key of the message.
        key: &'static str,
        /// The name of the variable.
        variable: String,
    },
    /// Two values cannot work together.
    Combination {
        /// The key that is best changed.
        key: &'static str,
        /// The other key.
        with: &'static str,
        /// Why the two do not work together, and what does.
        reason: String,
    },
}

impl ProfileError {
    /// Returns the key that the error is about, with dots between tables: `timeouts.reply`.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Missing { key }
            | Self::Unreadable { key, .. }
            | Self::OutOfBounds { key, .. }
            | Self::Unset { key, .. }
            | Self::Combination { key, .. } => key,
        }
    }

    /// Returns the other key, if the error is about two.
    #[must_use]
    pub const fn other_key(&self) -> Option<&'static str> {
        match self {
            Self::Combination { with, .. } => Some(with),
            _ => None,
        }
    }

    pub(super) fn combination(key: &'static str, with: &'static str, reason: impl Into<String>) -> Self {
        Self::Combination { key, with, reason: reason.into() }
    }

    pub(super) fn out_of_bounds(key: &'static str, found: impl fmt::Display, allowed: impl Into<String>) -> Self {
        Self::OutOfBounds { key, found: found.to_string(), allowed: allowed.into() }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { key } => write!(f, "{key} is missing, which says {}", what_it_says(key)),
            Self::Unreadable { key, error } if error.column() > 1 => write!(f, "{key}: {error}"),
            Self::Unreadable { key, error } => write!(f, "{key}: {}", error.message()),
            Self::OutOfBounds { key, found, allowed } => write!(f, "{key} is {found}, expected {allowed}"),
            Self::Unset { key, variable } => {
                write!(f, "{key} contains the environment variable {variable}, which is not set")
            }
            Self::Combination { key, with, reason } => write!(f, "{key} does not go with {with}: {reason}"),
        }
    }
}

/// Returns what a required key is for, with an example.
fn what_it_says(key: &str) -> &'static str {
    match key {
        "addresses" => "where the peer is, such as [\"a.example:7000\", \"b.example:7000\"]",
        "tls" => "how TLS is used, such as { certificate = \"server.pem\", key = \"server.key\" }",
        "tls.certificate" => "who a server is, such as \"server.pem\", with its `key`",
        "listen" => "where the server listens, such as \"0.0.0.0:7000\"",
        _ => "how messages are cut, such as \"ascii:4\"",
    }
}

/// The source is an error in the notation of a value. Its text is already part of this error's text.
impl Error for ProfileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}
