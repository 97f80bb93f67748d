//! The causes of failed operations.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::Fault;
use framelink_heartbeat::Verdict;

use super::Error;
use super::connect_error::{ConnectError, rounded};
#[cfg(any(feature = "blocking", feature = "tokio"))]
use super::pool_error::PoolError;
#[cfg(feature = "tls")]
use super::tls_error::TlsError;
use crate::proxy_protocol::ProxyError;
use crate::session::{
    DialogueError, Ending, NotBegun, Part, ProxyHeader, SendRefused, Unclean, Unfinished, WrongPreamble,
};
use crate::{DecodeError, EncodeError};

/// The error of a handler.
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
    /// No connection could be made.
    Connect(ConnectError),
    /// The pool had no connection to hand out.
    #[cfg(any(feature = "blocking", feature = "tokio"))]
    PoolError(Box<PoolError>),
    /// The peer did not begin with the expected preamble.
    Preamble(WrongPreamble),
    /// The first steps, the greeting or the sign-on of the profile failed.
    Dialogue(DialogueError),
    /// The connection must begin with a PROXY protocol header, and what it began with was refused.
    Proxy(ProxyError),
    /// The connection began with a PROXY protocol header, which is not accepted from this address.
    ProxyHeader(ProxyHeader),
    /// The TLS handshake failed, or TLS ended the connection.
    #[cfg(feature = "tls")]
    Tls(TlsError),
    /// The received bytes are not a frame, or the stream ended inside a frame.
    Fault(Fault<D>),
    /// The peer reset the connection, or the system aborted it.
    Reset(io::Error),
    /// The socket failed in another way.
    Io(io::Error),
    /// Nothing was received, or the queued bytes could not be written, within the time limit.
    TimedOut {
        /// The time limit.
        after: Duration,
        /// How many queued bytes were not written.
        unwritten_bytes: usize,
        /// The message that had arrived in part.
        unfinished: Option<Unfinished>,
    },
    /// The message was not accepted, because earlier ones were not written yet. No byte was sent; it can be sent again.
    NoRoom {
        /// The time limit for getting room.
        after: Duration,
        /// How many bytes were not written yet. 0 means unknown: another thread or task was sending them.
        queued_bytes: usize,
    },
    /// The peer closed its side instead of replying.
    NoReply,
    /// Unsolicited bytes arrived before the request was sent.
    Unsolicited,
    /// An earlier call failed, timed out or was dropped, and its reply may still arrive.
    Unclean(Unclean),
    /// A call is in flight on this connection; its reply has to be received first.
    UnderWay,
    /// A reply was asked for, but no call is in flight on this connection.
    NoCall,
    /// The call was not begun: too many calls are in flight, its key is taken, or no more calls are possible.
    NotBegun(NotBegun),
    /// No task or thread receives on this connection any more, so no reply can arrive.
    Unattended,
    /// Bytes arrived on the connection of a simplex pair that is only for sending.
    OneWay,
    /// The peer closed the connection of a simplex pair that this side sends on.
    SendingClosed,
    /// The connection of a received message has ended, so that no reply can be sent on it.
    ConnectionGone,
    /// A handler panicked. Its request and all others in progress on this connection are not answered.
    HandlerPanicked,
    /// A handler failed with this error. Its request and all others in progress on this connection are not answered.
    HandlerFailed(HandlerError),
    /// The peer reads pushed messages too slowly, and the rule is [`SlowRule::Close`](crate::session::SlowRule).
    TooSlow,
    /// The peer sent more empty messages within a second than the profile allows.
    TooManyEmpty {
        /// The allowed number.
        most: u32,
    },
    /// The connection ended in good order, or made room for another one. This is not a fault.
    Ended(Ending),
    /// A heartbeat could not be sent with this framing. The message that was being sent is not affected.
    Heartbeat(SendRefused<E>),
    /// The peer is dead: nothing was received from it for too long, or it did not answer heartbeats.
    Dead(Verdict),
    /// This side has closed the connection, on request or after an earlier error.
    Closed,
}

impl<D, E> Cause<D, E> {
    /// Tells an aborted connection from other failures of the socket.
    pub(crate) fn of_io(error: io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(error) = TlsError::in_io(&error) {
            return Self::Tls(error.clone());
        }
        if let Some(error) = ProxyError::in_io(&error) {
            return Self::Proxy(error.clone());
        }
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            // The error of a shutdown on an aborted connection.
            | io::ErrorKind::NotConnected => Self::Reset(error),
            _ => Self::Io(error),
        }
    }

    /// Names the handshake in the error of a connection that was reset during it.
    pub(crate) fn in_handshake(self) -> Self {
        match self {
            #[cfg(feature = "tls")]
            Self::Reset(_) => Self::Tls(TlsError::Closed),
            cause => cause,
        }
    }

    /// Returns the innermost error, which this crate did not make. The texts of the errors between contain its text
    /// already, so a longer chain would repeat it at each step.
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
    /// The cause if receiving ends on a connection that is only for sending.
    pub(crate) fn of_one_way<M>(received: Result<Option<M>, Error<D, E>>) -> Self {
        match received {
            Ok(Some(_)) => Self::OneWay,
            Ok(None) => Self::SendingClosed,
            Err(error) => error.into_cause(),
        }
    }

    /// Copies the cause, for each call that it ended.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Refused(refused) => Self::Refused(*refused),
            Self::Preamble(wrong) => Self::Preamble(*wrong),
            Self::Dialogue(error) => Self::Dialogue(error.clone()),
            Self::Proxy(error) => Self::Proxy(error.clone()),
            Self::ProxyHeader(header) => Self::ProxyHeader(*header),
            #[cfg(feature = "tls")]
            Self::Tls(error) => Self::Tls(error.clone()),
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
            Self::NotBegun(why) => Self::NotBegun(why.clone()),
            Self::Unattended => Self::Unattended,
            Self::OneWay => Self::OneWay,
            Self::SendingClosed => Self::SendingClosed,
            Self::ConnectionGone => Self::ConnectionGone,
            Self::HandlerPanicked => Self::HandlerPanicked,
            Self::HandlerFailed(error) => Self::HandlerFailed(HandlerError::clone(error)),
            Self::TooSlow => Self::TooSlow,
            Self::TooManyEmpty { most } => Self::TooManyEmpty { most: *most },
            Self::Ended(ending) => Self::Ended(*ending),
            Self::Heartbeat(refused) => Self::Heartbeat(*refused),
            Self::Dead(verdict) => Self::Dead(*verdict),
            // An established connection never fails with these two.
            #[cfg(any(feature = "blocking", feature = "tokio"))]
            Self::PoolError(_) => Self::Closed,
            Self::Closed | Self::Connect(_) => Self::Closed,
        }
    }
}

/// Copies an error of the system, which has no `Clone`. Its number is all that it holds.
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
            Self::Dialogue(error) => error.fmt(f),
            Self::Proxy(error) => error.fmt(f),
            Self::ProxyHeader(header) => header.fmt(f),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::Reset(error) => write!(f, "the connection was reset ({error})"),
            Self::Io(error) => error.fmt(f),
            Self::TimedOut { after, unwritten_bytes: bytes @ 1.., .. } => {
                write!(f, "{bytes} bytes could not be written within {}", rounded(*after))
            }
            Self::TimedOut { after, unfinished: None, .. } => write!(f, "nothing came within {}", rounded(*after)),
            Self::TimedOut { after, unfinished: Some(unfinished), .. } => {
                let what = match unfinished.of {
                    Part::Awaited { others: 0, .. } => "nothing came",
                    Part::Awaited { .. } => "not finished",
                    _ => "no whole message",
                };
                write!(f, "{what} within {}: {unfinished}", rounded(*after))
            }
            Self::NoRoom { after, queued_bytes: 0 } => {
                write!(
                    f,
                    "the message was not accepted within {}: messages before it were still being sent",
                    rounded(*after)
                )
            }
            Self::NoRoom { after, queued_bytes } => {
                write!(
                    f,
                    "the message was not accepted within {}: {queued_bytes} bytes are still to be written",
                    rounded(*after)
                )
            }
            Self::NotBegun(why) => why.fmt(f),
            Self::OneWay => f.write_str("something came on the connection that is only for sending"),
            Self::SendingClosed => f.write_str("the peer closed the connection that we send on"),
            Self::ConnectionGone => f.write_str("the connection of the received message has ended"),
            Self::Unattended => {
                f.write_str("no task or thread receives on this connection any more, so that no reply can come")
            }
            Self::UnderWay => f.write_str("a call is in flight; receive its reply first"),
            Self::NoCall => {
                f.write_str("no call is in flight, so that there is no reply to receive; `try_call` begins a call")
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
