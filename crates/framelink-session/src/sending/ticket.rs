//! The outcome of sending a message.

use std::error::Error;
use std::fmt;

/// Why a message was not accepted. No byte of it was sent.
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
    /// The framing cannot encode it.
    Encode(E),
    /// The template of a heartbeat cannot be composed: a variable is not set, or there is no number.
    NotComposed,
    /// This side has ended, by itself or with the message before this one.
    Finished,
    /// The connection failed earlier.
    Failed,
}

impl<E: fmt::Display> fmt::Display for SendRefused<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::NotComposed => {
                f.write_str("its template could not be composed: a variable is not set, or there is no number")
            }
            Self::Finished => f.write_str("our side of the connection has ended, no message can follow"),
            Self::Failed => f.write_str("the connection has failed"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for SendRefused<E> {}

/// The position of a message among all sent bytes. [`Sending::sent`](crate::Sending::sent) returns its outcome.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::Sending;
///
/// let mut sending = Sending::new("net:2".parse::<Framing>()?);
/// let (first, second) = (sending.queue(b"hi")?, sending.queue(b"ho")?);
/// sending.on_written(5, Duration::ZERO);
/// assert!(sending.is_written(first) && !sending.is_written(second));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Ticket {
    /// Returns what the peer may have seen of the message once the socket has taken `written` bytes in all.
    #[inline]
    pub const fn sent(self, written: u64) -> Sent {
        if written <= self.start { Sent::Not } else { Sent::Perhaps }
    }

    /// Returns whether the socket has taken all of the message once it has taken `written` bytes in all.
    #[inline]
    pub const fn is_written(self, written: u64) -> bool {
        written >= self.end
    }

    /// Returns how many bytes, up to the end of this message, the socket has not taken yet.
    #[inline]
    pub fn unwritten(self, written: u64) -> usize {
        usize::try_from(self.end.saturating_sub(written)).unwrap_or(usize::MAX)
    }
}

/// What the peer may have seen of a message that failed. The enum is exhaustive.
///
/// An application that moves money decides by this value whether to send again or to reverse.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::{Sending, Sent};
///
/// let mut sending = Sending::new("net:2".parse::<Framing>()?);
/// let ticket = sending.queue(b"hello")?;
/// assert_eq!(sending.sent(ticket), Sent::Not);
/// sending.on_written(1, Duration::ZERO);
/// assert_eq!(sending.sent(ticket), Sent::Perhaps);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// The peer saw nothing: no byte of the message was handed to the socket.
    Not,
    /// The peer may have seen all of it or nothing: the socket took bytes of it, and then the connection failed.
    Perhaps,
    /// The whole message was handed to the socket, the connection stayed up, and no reply arrived in time.
    NoReply,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Not => "not sent",
            Self::Perhaps => "perhaps sent",
            Self::NoReply => "sent, no reply",
        })
    }
}
