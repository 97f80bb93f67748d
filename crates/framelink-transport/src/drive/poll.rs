//! The results of receiving and sending with a time limit, or without waiting.

use crate::Message;

/// The result of receiving with a time limit, or without waiting. The enum is exhaustive.
///
/// ```no_run
/// # #[cfg(feature = "blocking")]
/// # fn example(mut connection: framelink_transport::blocking::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use framelink_transport::TryRecv;
///
/// match connection.recv_within(Duration::from_secs(1))? {
///     TryRecv::Message(message) => println!("{} bytes", message.len()),
///     TryRecv::Nothing => println!("nothing has arrived, try again later"),
///     TryRecv::Closed => println!("the peer has closed"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum TryRecv<M = Message> {
    /// A message. There may be more.
    Message(M),
    /// No whole message has arrived. A part of a message is kept.
    Nothing,
    /// The peer closed its side between two messages. Nothing more arrives.
    Closed,
}

impl<M> TryRecv<M> {
    /// Converts the result of a receive with a time limit, which is `None` after the limit.
    pub(crate) fn of(received: Option<Option<M>>) -> Self {
        match received {
            Some(Some(message)) => Self::Message(message),
            Some(None) => Self::Closed,
            None => Self::Nothing,
        }
    }

    /// Converts the message.
    pub(crate) fn map<N>(self, convert: impl FnOnce(M) -> N) -> TryRecv<N> {
        match self {
            Self::Message(message) => TryRecv::Message(convert(message)),
            Self::Nothing => TryRecv::Nothing,
            Self::Closed => TryRecv::Closed,
        }
    }

    /// Returns the message, if there is one.
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::Message(message) => Some(message),
            Self::Nothing | Self::Closed => None,
        }
    }
}

/// The result of sending without waiting. The enum is exhaustive.
///
/// ```no_run
/// # #[cfg(feature = "nonblocking")]
/// # fn example(mut connection: framelink_transport::nonblocking::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::TrySend;
///
/// match connection.try_send(b"hello")? {
///     TrySend::Written => println!("the system has taken it"),
///     TrySend::Queued => println!("accepted; call try_flush when the socket is writable"),
///     TrySend::Full => println!("not accepted; call try_flush, then try again"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TrySend {
    /// The socket has taken the whole message.
    Written,
    /// The message is accepted, and a part of it waits until the socket takes more.
    Queued,
    /// The message is not accepted, because too many bytes are queued.
    Full,
}
