//! Events of a server, and the observer that is told of them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::notation::TimeText;

use super::Refusal;
use crate::error::Error;

/// An event of a server, for a log. Strangers can cause some of these events without limit, above all
/// [`Refused`](Self::Refused), so a log should limit how many lines it writes of them.
///
/// ```
/// use framelink_transport::ServerEvent;
///
/// let event = ServerEvent::Connected { peer: "192.0.2.7:5000".parse().ok() };
/// assert_eq!(event.to_string(), "192.0.2.7:5000: connected");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerEvent<'e> {
    /// A connection was accepted.
    Connected {
        /// The address of the client.
        peer: Option<SocketAddr>,
    },
    /// A connection was refused and is closed already. [`Admission::counts`](crate::Admission::counts) has the totals.
    Refused {
        /// The address of the client.
        peer: SocketAddr,
        /// The rule or the limit that refused it.
        reason: Refusal,
    },
    /// A peer closed or reset its connection before its first byte, like a health check. [`Closed`](Self::Closed)
    /// follows.
    Probed {
        /// The address of the peer.
        peer: Option<SocketAddr>,
    },
    /// A connection has ended.
    Closed {
        /// The address of the client.
        peer: Option<SocketAddr>,
        /// How many of its requests were answered.
        answered: u64,
        /// The error that ended the connection. It may be an [orderly end](crate::Cause::Ended).
        error: Option<&'e Error>,
    },
    /// The system cannot accept connections. Reported once until it can again.
    AcceptFailed {
        /// The error of the system.
        error: &'e io::Error,
        /// The pause until the next try. Pauses grow while accepting keeps failing.
        pause: Duration,
    },
    /// The system accepts connections again.
    AcceptingAgain,
}

impl fmt::Display for ServerEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |peer: &Option<SocketAddr>| peer.map_or_else(|| "?".to_owned(), |peer| peer.to_string());
        let messages = |answered: u64| if answered == 1 { "message" } else { "messages" };
        match self {
            Self::Connected { peer } => write!(f, "{}: connected", name(peer)),
            Self::Probed { peer } => write!(f, "{}: closed before its first byte", name(peer)),
            Self::Refused { peer, reason } => write!(f, "{peer}: refused: {reason} ({})", reason.key()),
            Self::Closed { peer, answered, error: None } => {
                write!(f, "{}: closed after {answered} {}", name(peer), messages(*answered))
            }
            Self::Closed { answered, error: Some(error), .. } => {
                write!(f, "{error}, after {answered} {}", messages(*answered))
            }
            Self::AcceptFailed { error, pause } => {
                write!(f, "accepting: {error}; trying again in {}", TimeText(*pause))
            }
            Self::AcceptingAgain => f.write_str("accepting again"),
        }
    }
}

/// The callback that receives the events.
pub(super) type Observer = Arc<dyn Fn(&ServerEvent<'_>) + Send + Sync>;
