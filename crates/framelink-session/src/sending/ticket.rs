//! What becomes of a message.

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

/// Which bytes of all that were sent are one message; [`Sending::sent`](crate::Sending::sent) knows what became of them.
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
    /// What the peer may have seen of the message, once the socket has taken so many bytes in all.
    #[inline]
    pub const fn sent(self, written: u64) -> Sent {
        if written <= self.start { Sent::Not } else { Sent::Perhaps }
    }

    /// Whether the socket has taken all of it, once it has taken so many bytes in all.
    #[inline]
    pub const fn is_written(self, written: u64) -> bool {
        written >= self.end
    }

    /// How many bytes from the start of the connection to its end the socket has not taken yet.
    #[inline]
    pub fn unwritten(self, written: u64) -> usize {
        usize::try_from(self.end.saturating_sub(written)).unwrap_or(usize::MAX)
    }
}

/// What the other side may have seen of a message that failed. Complete by nature.
///
/// Whoever moves money chooses by this between sending again and reversing.
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
    /// Nothing: no byte of it was handed to the socket.
    Not,
    /// Perhaps all of it, perhaps nothing: bytes of it were handed to the socket, and then the connection failed.
    Perhaps,
    /// It was handed to the socket whole, the connection stood, and no reply came in time.
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
