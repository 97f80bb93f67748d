//! Why a header is refused.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use framelink_codec::notation::TimeText;

/// Why a connection that must begin with a PROXY protocol header is closed.
///
/// ```
/// use framelink_transport::proxy_protocol::read_header;
///
/// let error = read_header(b"GET / HTTP/1.1\r\n", 107).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the connection must begin with a PROXY protocol header, and it begins with 47 45 54 20 2f 20 48 54 (proxy-protocol.accept-from \
///      says from which networks)"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyError {
    /// The connection begins with other bytes. These are the first of them, 8 at most.
    NoHeader(Vec<u8>),
    /// The header is longer than allowed.
    TooLong {
        /// How many bytes it has, at least.
        len: usize,
        /// How many it may have.
        max: usize,
    },
    /// The header breaks the rules of the protocol.
    Wrong(String),
    /// The client in the header may not connect.
    Refused(String),
    /// The connection was split before the header was read.
    Unfinished,
    /// The peer closed the connection before the header was complete.
    Closed {
        /// How many bytes of it were received.
        received: usize,
    },
    /// The header was not complete in time.
    TimedOut {
        /// The time limit.
        after: Duration,
        /// How many bytes of it were received.
        received: usize,
    },
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHeader(came) => {
                f.write_str("the connection must begin with a PROXY protocol header, and it begins with")?;
                came.iter().try_for_each(|byte| write!(f, " {byte:02x}"))?;
                f.write_str(" (proxy-protocol.accept-from says from which networks)")
            }
            Self::TooLong { len, max } => write!(
                f,
                "the PROXY protocol header has {len} bytes or more, and {max} are allowed (proxy-protocol.max-header)"
            ),
            Self::Wrong(why) => write!(f, "the PROXY protocol header is wrong: {why}"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Unfinished => {
                f.write_str("the PROXY protocol header is not complete; finish it before the connection is split")
            }
            Self::Closed { received } => write!(
                f,
                "the peer closed the connection after {received} bytes of a PROXY protocol header, which must come first"
            ),
            Self::TimedOut { after, received } => write!(
                f,
                "the PROXY protocol header was not complete within {}: {received} bytes of it were received",
                TimeText(*after)
            ),
        }
    }
}

impl Error for ProxyError {}

impl ProxyError {
    /// Returns the error that was passed through a stream.
    pub(crate) fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<ProxyError> for io::Error {
    fn from(error: ProxyError) -> Self {
        let kind = match error {
            ProxyError::Closed { .. } => io::ErrorKind::UnexpectedEof,
            ProxyError::TimedOut { .. } => io::ErrorKind::TimedOut,
            ProxyError::Refused(_) => io::ErrorKind::PermissionDenied,
            ProxyError::Unfinished => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
