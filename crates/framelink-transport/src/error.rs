//! What can go wrong on a connection, and whose fault it is.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use framelink_codec::Fault;
use framelink_codec::notation::TimeText;
use framelink_heartbeat::Verdict;

#[cfg(any(feature = "blocking", feature = "tokio"))]
use crate::NotLent;
use crate::server::HandlerError;
use crate::session::{Ending, NotBegun, ProxyHeader, SendRefused, Sent, Unclean, Unfinished, WrongPreamble};
use crate::{ConnectError, DecodeError, EncodeError};

/// Why an operation on a connection failed: which operation, with whom, and the cause.
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
#[derive(Debug)]
pub struct Error<D = DecodeError, E = EncodeError> {
    operation: Operation,
    peer: Option<SocketAddr>,
    cause: Cause<D, E>,
}

impl<D, E> Error<D, E> {
    pub(crate) const fn new(operation: Operation, peer: Option<SocketAddr>, cause: Cause<D, E>) -> Self {
        Self { operation, peer, cause }
    }

    pub(crate) fn into_cause(self) -> Cause<D, E> {
        self.cause
    }

    /// What was being done.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// The address of the other side, where it has one.
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Why it failed.
    #[must_use]
    pub const fn cause(&self) -> &Cause<D, E> {
        &self.cause
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        match &self.cause {
            #[cfg(any(feature = "blocking", feature = "tokio"))]
            Cause::NotLent(why) => why.blame(),
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
            Cause::Connect(ConnectError::NoThread(_) | ConnectError::Unsigned { .. }) => Blame::Ours,
            Cause::Connect(ConnectError::NotWanted { .. }) => Blame::Peer,
            Cause::Preamble(_)
            | Cause::ProxyHeader(_)
            | Cause::Fault(_)
            | Cause::NoReply
            | Cause::Unasked
            | Cause::OneWay
            | Cause::SendingClosed
            | Cause::TooManyEmpty { .. }
            | Cause::TooSlow => Blame::Peer,
            Cause::Connect(_)
            | Cause::Io(_)
            | Cause::Reset(_)
            | Cause::TimedOut { .. }
            | Cause::NoRoom { .. }
            | Cause::Dead(_) => Blame::Network,
        }
    }
}

/// What was being done when it failed.
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

/// Whose fault it is. Complete by nature.
///
/// ```no_run
/// # async fn example(mut connection: framelink_transport::tokio::Connection) {
/// use framelink_transport::tokio::Blame;
///
/// match connection.send(b"hello").await.map_err(|error| error.blame()) {
///     Ok(()) => {}
///     Err(Blame::Ours) => { /* mend the program */ }
///     Err(Blame::Peer) => { /* ask its owner */ }
///     Err(Blame::Network) => { /* connect again */ }
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// This program asked for what cannot be.
    Ours,
    /// The other side sent what it must not, or ended too early.
    Peer,
    /// The connection failed, or nothing came in time: the network's, or a peer's that is no longer there.
    Network,
}

/// Why an operation failed.
///
/// ```no_run
/// # async fn example(mut connection: framelink_transport::tokio::Connection) {
/// use framelink_transport::tokio::Cause;
///
/// match connection.recv().await {
///     Ok(_) => {}
///     Err(error) => match error.cause() {
///         Cause::Fault(fault) => println!("that is no frame: {fault}"),
///         Cause::Reset(_) => println!("the peer is gone"),
///         other => println!("{other}"),
///     },
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause<D = DecodeError, E = EncodeError> {
    /// The message was not accepted for sending.
    Refused(SendRefused<E>),
    /// There is no connection.
    Connect(ConnectError),
    /// A pool had no connection to lend.
    #[cfg(any(feature = "blocking", feature = "tokio"))]
    NotLent(Box<NotLent>),
    /// The peer did not begin with the bytes that it was to begin with.
    Preamble(WrongPreamble),
    /// The connection began with a PROXY protocol header, which is not supported.
    ProxyHeader(ProxyHeader),
    /// What came is no frame, or ended inside one.
    Fault(Fault<D>),
    /// The peer reset the connection, or it was torn down under us.
    Reset(io::Error),
    /// The socket failed in another way.
    Io(io::Error),
    /// Nothing came, or nothing could be written, within this time.
    TimedOut {
        /// How long was waited.
        after: Duration,
        /// So many bytes of ours were still to be written.
        unwritten_bytes: usize,
        /// What had come of a message.
        unfinished: Option<Unfinished>,
    },
    /// The message was not accepted, for those before it were still to be written. Nothing of it was sent, so that it can be
    /// sent again.
    NoRoom {
        /// How long it was waited for.
        after: Duration,
        /// So many bytes were still to be written; 0 where another thread or task was sending them, and the number is not known.
        queued_bytes: usize,
    },
    /// The peer closed its side instead of replying.
    NoReply,
    /// Bytes came that nobody had asked for, before the request went out.
    Unasked,
    /// The reply to an earlier request may still come.
    Unclean(Unclean),
    /// A call is under way on this connection; its reply has to be asked for first.
    UnderWay,
    /// A reply was asked for, and no call is under way on this connection.
    NoCall,
    /// The call was not begun: too many are in flight, its key is taken, or there can be no more.
    NotBegun(NotBegun),
    /// Nobody receives on this connection any more, so that no reply can come.
    Unattended,
    /// Something came on the connection of a pair that is only for sending.
    OneWay,
    /// The peer closed the connection of a pair that we send on.
    SendingClosed,
    /// A handler panicked. Its request, and the others that were under way on this connection, are not answered.
    HandlerPanicked,
    /// A handler failed, with this error. As with a panic.
    HandlerFailed(HandlerError),
    /// The peer reads too slowly for what is pushed to it, and the rule for such is to close.
    TooSlow,
    /// The peer sent more empty messages a second than it may.
    TooManyEmpty {
        /// So many it may.
        most: u32,
    },
    /// The connection came to its end in good order, or had to make room: nobody's fault.
    Ended(Ending),
    /// A heartbeat could not be sent with this framing. What was being sent itself is not concerned.
    Heartbeat(SendRefused<E>),
    /// The peer is dead: it showed no life for too long, or did not answer heartbeats.
    Dead(Verdict),
    /// We have closed the connection, on request or after an earlier error.
    Closed,
}

impl<D, E> Cause<D, E> {
    /// Tells a connection that was torn down from other failures.
    pub(crate) fn of_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            // What a shutdown says of a connection that was torn down.
            | io::ErrorKind::NotConnected => Self::Reset(error),
            _ => Self::Io(error),
        }
    }

    /// The error at the bottom that this crate did not make. One step, for the texts of those above it say what it says: a
    /// chain of them all would say it once for each.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Reset(error) | Self::Io(error) => Some(error),
            Self::Connect(error) => std::error::Error::source(error),
            #[cfg(any(feature = "blocking", feature = "tokio"))]
            Self::NotLent(why) => std::error::Error::source(&**why),
            Self::HandlerFailed(error) => Some(&**error),
            _ => None,
        }
    }
}

impl<D: Copy, E: Copy> Cause<D, E> {
    /// What it means that something was received where nothing should be.
    pub(crate) fn of_one_way<M>(received: Result<Option<M>, Error<D, E>>) -> Self {
        match received {
            Ok(Some(_)) => Self::OneWay,
            Ok(None) => Self::SendingClosed,
            Err(error) => error.into_cause(),
        }
    }

    /// The same once more, for each call that it ended.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Refused(refused) => Self::Refused(*refused),
            Self::Preamble(wrong) => Self::Preamble(*wrong),
            Self::ProxyHeader(header) => Self::ProxyHeader(*header),
            Self::Fault(fault) => Self::Fault(*fault),
            Self::Reset(error) => Self::Reset(same(error)),
            Self::Io(error) => Self::Io(same(error)),
            Self::TimedOut { after, unwritten_bytes, unfinished } => {
                Self::TimedOut { after: *after, unwritten_bytes: *unwritten_bytes, unfinished: *unfinished }
            }
            Self::NoRoom { after, queued_bytes } => Self::NoRoom { after: *after, queued_bytes: *queued_bytes },
            Self::NoReply => Self::NoReply,
            Self::Unasked => Self::Unasked,
            Self::Unclean(unclean) => Self::Unclean(*unclean),
            Self::UnderWay => Self::UnderWay,
            Self::NoCall => Self::NoCall,
            Self::NotBegun(why) => Self::NotBegun(*why),
            Self::Unattended => Self::Unattended,
            Self::OneWay => Self::OneWay,
            Self::SendingClosed => Self::SendingClosed,
            Self::HandlerPanicked => Self::HandlerPanicked,
            Self::HandlerFailed(error) => Self::HandlerFailed(HandlerError::clone(error)),
            Self::TooSlow => Self::TooSlow,
            Self::TooManyEmpty { most } => Self::TooManyEmpty { most: *most },
            Self::Ended(ending) => Self::Ended(*ending),
            Self::Heartbeat(refused) => Self::Heartbeat(*refused),
            Self::Dead(verdict) => Self::Dead(*verdict),
            // A connection that is there does not fail to be made, or lent.
            #[cfg(any(feature = "blocking", feature = "tokio"))]
            Self::NotLent(_) => Self::Closed,
            Self::Closed | Self::Connect(_) => Self::Closed,
        }
    }
}

/// An error of the system is not to be cloned, but its number says all of it.
fn same(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
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
        match self.peer {
            Some(peer) => write!(f, "{} {peer}: {}", self.operation, self.cause),
            None => write!(f, "{} the peer: {}", self.operation, self.cause),
        }
    }
}

impl<D: fmt::Display, E: fmt::Display> fmt::Display for Cause<D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Connect(error) => error.fmt(f),
            #[cfg(any(feature = "blocking", feature = "tokio"))]
            Self::NotLent(why) => why.fmt(f),
            Self::Preamble(wrong) => wrong.fmt(f),
            Self::ProxyHeader(header) => header.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::Reset(error) => write!(f, "the connection was reset ({error})"),
            Self::Io(error) => error.fmt(f),
            Self::TimedOut { after, unwritten_bytes: bytes @ 1.., .. } => {
                write!(f, "{bytes} bytes could not be written within {}", TimeText(*after))
            }
            Self::TimedOut { after, unfinished: None, .. } => write!(f, "nothing came within {}", TimeText(*after)),
            Self::TimedOut { after, unfinished: Some(unfinished), .. } => {
                write!(f, "no whole message within {}: {unfinished}", TimeText(*after))
            }
            Self::NoRoom { after, queued_bytes: 0 } => {
                write!(
                    f,
                    "the message was not accepted within {}: messages before it were still being sent",
                    TimeText(*after)
                )
            }
            Self::NoRoom { after, queued_bytes } => {
                write!(
                    f,
                    "the message was not accepted within {}: {queued_bytes} bytes are still to be written",
                    TimeText(*after)
                )
            }
            Self::NotBegun(why) => why.fmt(f),
            Self::OneWay => f.write_str("something came on the connection that is only for sending"),
            Self::SendingClosed => f.write_str("the peer closed the connection that we send on"),
            Self::Unattended => f.write_str("nobody receives on this connection any more, so that no reply can come"),
            Self::UnderWay => f.write_str("a call is under way, its reply has to be asked for first"),
            Self::NoCall => {
                f.write_str("no call is under way, so that there is no reply to ask for; `try_call` begins one")
            }
            Self::NoReply => f.write_str("the peer closed the connection instead of replying"),
            Self::Unasked => f.write_str("a message or part of one came before the request that it might answer"),
            Self::Unclean(unclean) => unclean.fmt(f),
            Self::HandlerPanicked => f.write_str("the handler of a request panicked"),
            Self::HandlerFailed(error) => write!(f, "the handler of a request failed: {error}"),
            Self::TooSlow => f.write_str("the peer reads too slowly for what is pushed to it"),
            Self::TooManyEmpty { most } => write!(f, "more than {most} empty messages came within a second"),
            Self::Ended(ending) => ending.fmt(f),
            Self::Heartbeat(refused) => write!(f, "a heartbeat cannot be sent: {refused}"),
            Self::Dead(verdict) => verdict.fmt(f),
            Self::Closed => f.write_str("this side has closed the connection"),
        }
    }
}

/// The source is the error that this crate did not make: the system's [`io::Error`], wherever it was met, or that of a
/// handler. The text has it already, so print one or the other.
impl<D: fmt::Debug + fmt::Display, E: fmt::Debug + fmt::Display> std::error::Error for Error<D, E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
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

    /// What the peer may have seen of the request.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        self.sent
    }

    /// The same, where the time that is over was the rest of this one.
    pub(crate) fn within(mut self, within: Duration) -> Self {
        if let Cause::TimedOut { after, .. } | Cause::NoRoom { after, .. } = &mut self.error.cause {
            *after = within;
        }
        self
    }

    pub(crate) fn into_error(self) -> Error<D, E> {
        self.error
    }

    /// What went wrong.
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
        self.error.cause.source()
    }
}
