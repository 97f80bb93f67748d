//! Why an operation on a connection failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::Fault;
use framelink_codec::notation::TimeText;
use framelink_heartbeat::Verdict;

use super::Error;
use super::connect_error::ConnectError;
#[cfg(any(feature = "blocking", feature = "tokio"))]
use super::pool_error::PoolError;
use crate::session::{Ending, NotBegun, ProxyHeader, SendRefused, Unclean, Unfinished, WrongPreamble};
use crate::{DecodeError, EncodeError};

/// Why a handler could not answer.
pub type HandlerError = Arc<dyn StdError + Send + Sync>;

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
    PoolError(Box<PoolError>),
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
    Unsolicited,
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
    pub(super) fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Reset(error) | Self::Io(error) => Some(error),
            Self::Connect(error) => StdError::source(error),
            #[cfg(any(feature = "blocking", feature = "tokio"))]
            Self::PoolError(why) => StdError::source(&**why),
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
            Self::Unsolicited => Self::Unsolicited,
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
            Self::PoolError(_) => Self::Closed,
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

impl<D: fmt::Display, E: fmt::Display> fmt::Display for Cause<D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Connect(error) => error.fmt(f),
            #[cfg(any(feature = "blocking", feature = "tokio"))]
            Self::PoolError(why) => why.fmt(f),
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
            Self::Unsolicited => f.write_str("a message or part of one came before the request that it might answer"),
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
