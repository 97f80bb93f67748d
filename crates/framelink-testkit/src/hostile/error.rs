//! Why a peer cannot start.

use std::error::Error;
use std::{fmt, io};

use crate::Fault;

/// The reason why a peer could not start.
///
/// ```
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Fault, Hostile, StartError};
///
/// let error = Hostile::listen("127.0.0.1:0", OneByte, Fault::GarbageLength).unwrap_err();
/// assert!(matches!(error, StartError::Unfit(_)), "every byte is a length");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The framing or a setting does not go with the fault.
    Unfit(Unfit),
    /// The address cannot be listened on.
    Listen(io::Error),
    /// The address cannot be connected to.
    Dial(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfit(unfit) => unfit.fmt(f),
            Self::Listen(_) => f.write_str("listening failed"),
            Self::Dial(_) => f.write_str("dialling failed"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unfit(_) => None,
            Self::Listen(error) | Self::Dial(error) => Some(error),
        }
    }
}

impl From<Unfit> for StartError {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

/// The reason why a framing or a setting does not go with a fault.
///
/// ```
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Fault, Hostile};
///
/// let error = Hostile::listen("127.0.0.1:0", OneByte, Fault::GarbageLength).unwrap_err();
/// assert_eq!(error.to_string(), "garbage-length: this framing takes every header");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    pub(super) fault: Fault,
    pub(super) reason: String,
}

impl Unfit {
    /// Returns the fault.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.fault
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fault, self.reason)
    }
}

impl Error for Unfit {}
