//! The errors of this crate, and whose fault each one is.
//!
//! ```text
//!   CallError          what the peer may have seen of the request
//!     └─ Error         the operation and the address of the peer
//!          └─ Cause    why: an error of the session or of the system, or
//!               ├─ ConnectError    no connection was made
//!               └─ PoolError       the pool had no connection to hand out
//! ```

mod cause;
mod connect_error;
mod opening;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod pool_error;
#[cfg(all(test, feature = "blocking"))]
mod sources;
#[cfg(feature = "tls")]
mod tls_error;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use crate::proxy_protocol::ProxyError;
use crate::session::{DialogueError, Sent};
use crate::{DecodeError, EncodeError};

pub use cause::{Cause, HandlerError};
pub use connect_error::ConnectError;
pub(crate) use connect_error::no_answer;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use pool_error::PoolError;
#[cfg(feature = "tls")]
pub use tls_error::TlsError;

/// Returns whether the peer has closed a connection with TLS without its `close_notify`.
pub(crate) fn is_cut_off(error: &std::io::Error) -> bool {
    #[cfg(feature = "tls")]
    return matches!(TlsError::in_io(error), Some(TlsError::CutOff));
    #[cfg(not(feature = "tls"))]
    {
        let _ = error;
        false
    }
}

/// The error of a TLS handshake that was not over in time.
pub(crate) fn handshake_timed_out(after: Duration) -> std::io::Error {
    #[cfg(feature = "tls")]
    return TlsError::TimedOut { after }.into();
    #[cfg(not(feature = "tls"))]
    {
        let _ = after;
        std::io::ErrorKind::TimedOut.into()
    }
}

/// The errors of a codec for both directions.
pub(crate) type ErrorOf<C> = Error<<C as Decode>::Error, <C as Encode>::Error>;
pub(crate) type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;
pub(crate) type CallErrorOf<C> = CallError<<C as Decode>::Error, <C as Encode>::Error>;

/// Why an operation on a connection failed: the operation, the address of the peer, and the cause.
///
/// ```no_run
/// # async fn example(mut connection: framelink_transport::tokio::Connection) {
/// use framelink_transport::tokio::Blame;
///
/// if let Err(error) = connection.recv().await {
///     // receiving from 10.1.2.3:7000: header byte 0 is 0x47, expected an ASCII digit; the bytes begin like an HTTP request …
///     eprintln!("{error}");
///     assert_eq!(error.blame(), Blame::Peer);
/// }
/// # }
/// ```
pub struct Error<D = DecodeError, E = EncodeError>(Box<Details<D, E>>);

/// In memory of its own, because each result of a fast operation would be as large as the error.
struct Details<D, E> {
    operation: Operation,
    peer: Option<SocketAddr>,
    cause: Cause<D, E>,
}

impl<D, E> Error<D, E> {
    #[cold]
    pub(crate) fn new(operation: Operation, peer: Option<SocketAddr>, cause: Cause<D, E>) -> Self {
        Self(Box::new(Details { operation, peer, cause }))
    }

    pub(crate) fn into_cause(self) -> Cause<D, E> {
        self.0.cause
    }

    /// Returns the operation that failed.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Returns the address of the peer, or `None` if the stream has no address.
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// Returns why the operation failed.
    #[must_use]
    pub const fn cause(&self) -> &Cause<D, E> {
        &self.0.cause
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match &self.0.cause {
            #[cfg(any(feature = "blocking", feature = "tokio"))]
            Cause::PoolError(why) => why.blame(),
            Cause::HandlerFailed(_) => Blame::Ours,
            Cause::Refused(_)
            | Cause::Heartbeat(_)
            | Cause::NotBegun(_)
            | Cause::Unclean(_)
            | Cause::UnderWay
            | Cause::NoCall
            | Cause::Unattended
            | Cause::HandlerPanicked
            | Cause::Ended(_)
            | Cause::Closed => Blame::Ours,
            Cause::Connect(ConnectError::NoThread(_) | ConnectError::Unsigned { .. } | ConnectError::Profile(_)) => {
                Blame::Ours
            }
            Cause::Dialogue(
                DialogueError::NotComposed { .. } | DialogueError::NotFramed { .. } | DialogueError::Unfinished,
            ) => Blame::Ours,
            Cause::Dialogue(_) => Blame::Peer,
            Cause::Connect(ConnectError::NotWanted { .. }) => Blame::Peer,
            #[cfg(feature = "tls")]
            Cause::Tls(error) | Cause::Connect(ConnectError::Tls { error, .. }) => error.blame(),
            Cause::Proxy(ProxyError::Unfinished) => Blame::Ours,
            Cause::Proxy(ProxyError::TimedOut { .. }) => Blame::Network,
            Cause::Proxy(_)
            | Cause::Preamble(_)
            | Cause::ProxyHeader(_)
            | Cause::Fault(_)
            | Cause::NoReply
            | Cause::Unsolicited
            | Cause::OneWay
            | Cause::SendingClosed
            | Cause::TooManyEmpty { .. }
            | Cause::TooSlow => Blame::Peer,
            Cause::Connect(_)
            | Cause::ConnectionGone
            | Cause::Io(_)
            | Cause::Reset(_)
            | Cause::TimedOut { .. }
            | Cause::NoRoom { .. }
            | Cause::Dead(_) => Blame::Network,
        }
    }
}

/// The operation that failed.
///
/// ```
/// assert_eq!(framelink_transport::tokio::Operation::Send.to_string(), "sending to");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Receiving a message.
    Receive,
    /// Sending a message.
    Send,
    /// Sending a request and waiting for its reply.
    Call,
    /// Closing.
    Close,
    /// Answering requests.
    Serve,
}

/// The party whose fault an error is. The enum is exhaustive.
///
/// ```no_run
/// # async fn example(mut connection: framelink_transport::tokio::Connection) {
/// use framelink_transport::tokio::Blame;
///
/// match connection.send(b"hello").await.map_err(|error| error.blame()) {
///     Ok(()) => {}
///     Err(Blame::Ours) => { /* fix the program */ }
///     Err(Blame::Peer) => { /* ask the owner of the peer */ }
///     Err(Blame::Network) => { /* connect again */ }
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// This program asked for something impossible.
    Ours,
    /// The peer sent something it must not send, or closed too early.
    Peer,
    /// The connection failed, or nothing arrived in time. The cause is the network, or a peer that is no longer there.
    Network,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receive => "receiving from",
            Self::Send => "sending to",
            Self::Call => "calling",
            Self::Close => "closing the connection with",
            Self::Serve => "serving",
        })
    }
}

impl<D: fmt::Display, E: fmt::Display> fmt::Display for Error<D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { operation, peer, cause } = &*self.0;
        match peer {
            Some(peer) => write!(f, "{operation} {peer}: {cause}"),
            None => write!(f, "{operation} the peer: {cause}"),
        }
    }
}

/// The source is the innermost error that this crate did not make: an [`std::io::Error`] of the system, or the error of
/// a handler. The text contains it already, so print either the text or the source.
impl<D: fmt::Debug + fmt::Display, E: fmt::Debug + fmt::Display> std::error::Error for Error<D, E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.source()
    }
}

impl<D: fmt::Debug, E: fmt::Debug> fmt::Debug for Error<D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { operation, peer, cause } = &*self.0;
        f.debug_struct("Error").field("operation", operation).field("peer", peer).field("cause", cause).finish()
    }
}

/// Why a call failed, and what the peer may have seen of the request.
///
/// ```no_run
/// # async fn example(mut connection: framelink_transport::tokio::Connection) {
/// use std::time::Duration;
/// use framelink_transport::session::Sent;
///
/// if let Err(error) = connection.call(b"0200...", Duration::from_secs(5)).await {
///     match error.sent() {
///         Sent::Not => { /* send it again */ }
///         Sent::Perhaps | Sent::NoReply => { /* reverse it */ }
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct CallError<D = DecodeError, E = EncodeError> {
    sent: Sent,
    error: Error<D, E>,
}

impl<D, E> CallError<D, E> {
    pub(crate) const fn new(sent: Sent, error: Error<D, E>) -> Self {
        Self { sent, error }
    }

    /// Returns what the peer may have seen of the request.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        self.sent
    }

    /// Sets the time limit to report, if the one that ran out was only the remaining part of it.
    pub(crate) fn within(mut self, within: Duration) -> Self {
        if let Cause::TimedOut { after, .. } | Cause::NoRoom { after, .. } = &mut self.error.0.cause {
            *after = within;
        }
        self
    }

    pub(crate) fn into_error(self) -> Error<D, E> {
        self.error
    }

    /// Returns what went wrong.
    #[must_use]
    pub const fn error(&self) -> &Error<D, E> {
        &self.error
    }
}

impl<D: fmt::Display, E: fmt::Display> fmt::Display for CallError<D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.error, self.sent)
    }
}

/// The source is that of the [`Error`].
impl<D: fmt::Debug + fmt::Display, E: fmt::Debug + fmt::Display> std::error::Error for CallError<D, E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.0.cause.source()
    }
}
