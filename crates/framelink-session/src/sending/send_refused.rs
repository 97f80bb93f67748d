//! Why a message was not accepted.

use std::error::Error;
use std::fmt;

/// Why a message was not accepted. Nothing of it was sent.
///
/// ```
/// use framelink_profile::Framing;
/// use framelink_session::{Sending, SendRefused};
///
/// let mut sending = Sending::new("net:1".parse::<Framing>()?);
/// assert!(matches!(sending.queue(&[0; 256]), Err(SendRefused::Encode(_))));
/// sending.finish();
/// assert_eq!(sending.queue(b"more"), Err(SendRefused::Finished));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendRefused<E> {
    /// The framing cannot say it.
    Encode(E),
    /// We have ended our side, or the message before this one ended with it.
    Finished,
    /// The connection failed earlier.
    Failed,
}

impl<E: fmt::Display> fmt::Display for SendRefused<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Finished => f.write_str("our side of the connection has ended, no message can follow"),
            Self::Failed => f.write_str("the connection has failed"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for SendRefused<E> {}
