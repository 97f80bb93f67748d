//! What came of receiving and sending that do not wait for ever.

use crate::Message;

/// What came of receiving that does not wait for ever. Complete by nature.
///
/// ```no_run
/// # #[cfg(feature = "blocking")]
/// # fn example(mut connection: framelink_transport::blocking::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use framelink_transport::TryRecv;
///
/// match connection.recv_within(Duration::from_secs(1))? {
///     TryRecv::Message(message) => println!("{} bytes", message.len()),
///     TryRecv::Nothing => println!("nothing came, look again later"),
///     TryRecv::Closed => println!("nothing will come any more"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum TryRecv<M = Message> {
    /// A message. There may be more.
    Message(M),
    /// No whole message is there; what has come of one is kept.
    Nothing,
    /// The peer closed its side between two messages; nothing comes any more.
    Closed,
}

impl<M> TryRecv<M> {
    /// Of what was received within a time, if anything was.
    pub(crate) fn of(received: Option<Option<M>>) -> Self {
        match received {
            Some(Some(message)) => Self::Message(message),
            Some(None) => Self::Closed,
            None => Self::Nothing,
        }
    }

    /// The message, if it is one.
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::Message(message) => Some(message),
            Self::Nothing | Self::Closed => None,
        }
    }
}

/// What came of sending that does not wait. Complete by nature.
///
/// ```no_run
/// # #[cfg(feature = "nonblocking")]
/// # fn example(mut connection: framelink_transport::nonblocking::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::TrySend;
///
/// match connection.try_send(b"hello")? {
///     TrySend::Written => println!("the system has it"),
///     TrySend::Queued => println!("it is accepted, try_flush when the socket takes more"),
///     TrySend::Full => println!("it is not accepted, try_flush and try again"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TrySend {
    /// The socket took all of it.
    Written,
    /// It is accepted, and part of it waits until the socket takes more.
    Queued,
    /// It is not accepted, for too much waits already.
    Full,
}
