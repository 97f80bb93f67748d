//! Why no connection was made.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::notation::TimeText;

use super::CallError;
use crate::session::Leg;
use crate::zone::{NeedsZone, needs_zone};

/// Why no connection was made.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{ConnectError, Framing, tokio::Connector};
///
/// // Nobody listens on port 1.
/// let error = Connector::new("net:2".parse::<Framing>()?).connect("127.0.0.1:1").await.unwrap_err();
/// assert!(error.to_string().starts_with("connecting to 127.0.0.1:1: "), "{error}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The peer's name has no address.
    Resolve(io::Error),
    /// No address of the peer can be dialled from the source address.
    NoAddress {
        /// The source address, if one was given.
        source: Option<IpAddr>,
    },
    /// The address refused, or could not be reached.
    Dial {
        /// The last address tried.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// All local ports towards the peer are taken.
    NoLocalPort {
        /// The address that was dialled.
        address: SocketAddr,
        /// The address that was dialled from, if one was given.
        source: Option<SocketAddr>,
        /// What the system says.
        error: io::Error,
    },
    /// No answer in time.
    TimedOut {
        /// The address that was being tried.
        address: SocketAddr,
        /// How long was waited.
        after: Duration,
    },
    /// The peer has not dialled the connection of a pair that is its to dial.
    NotDialled {
        /// Which.
        leg: Leg,
        /// How long was waited.
        after: Duration,
    },
    /// Nothing was dialled: the peer was lost, and its next try is due too late to leave time for it.
    NotYet {
        /// How the last try ended.
        last: Option<Arc<str>>,
        /// When the next one is due, from now.
        next_try: Duration,
    },
    /// The peer let us connect and does not want us: its reply to the sign-on is another one.
    NotWanted {
        /// The address that was dialled.
        address: SocketAddr,
        /// So many bytes its reply has.
        reply_len: usize,
        /// So many bytes it was to begin with.
        expected_len: usize,
    },
    /// The peer let us connect, and the exchange that a connection begins with failed.
    SignOn {
        /// The address that was dialled.
        address: SocketAddr,
        /// How.
        error: Box<CallError>,
    },
    /// Not dialled: the profile asks for an exchange that a [`Connector`](crate::Connector) does not do.
    Unsigned {
        /// Its key: `sign-on` or `sign-off`.
        key: &'static str,
    },
    /// The system has no thread for the connection, which was not dialled.
    NoThread(io::Error),
    /// There was no connection in time, for others were dialling.
    NoneInTime {
        /// How long was waited.
        after: Duration,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(error) => write!(f, "resolving the peer's address: {error}"),
            Self::NoAddress { source: None } => f.write_str("the peer's name has no address"),
            Self::NoAddress { source: Some(source) } => {
                write!(f, "the peer has no address of the same family as the source address {source}")
            }
            Self::NoLocalPort { address, source, error } => {
                write!(f, "connecting to {address}")?;
                if let Some(source) = source {
                    write!(f, " from {source}")?;
                }
                write!(
                    f,
                    ": no local port is free for it ({error}); connections that this side closed first keep theirs for a minute: \
                     keep connections open, let the peer close first, dial from more addresses, or widen the system's range of ports"
                )
            }
            Self::Dial { address, error } if needs_zone(address) => {
                write!(f, "connecting to {address}: {error}; a link-local address {}", NeedsZone(*address))
            }
            Self::Dial { address, error } => write!(f, "connecting to {address}: {error}"),
            Self::TimedOut { address, after } => {
                write!(f, "connecting to {address}: no answer within {}", rounded(*after))
            }
            Self::NotDialled { leg, after } => write!(f, "the peer has not dialled {leg} within {}", rounded(*after)),
            Self::NotYet { last, next_try } => {
                write!(f, "not dialled, the next try is due in {}", rounded(*next_try))?;
                last.as_ref().map_or(Ok(()), |last| write!(f, "; the last one: {last}"))
            }
            Self::NotWanted { address, reply_len, expected_len } => write!(
                f,
                "signing on at {address}: the peer does not want us: its reply, {reply_len} bytes, does not begin with the \
                 {expected_len} bytes that were expected"
            ),
            Self::SignOn { address, error } => write!(f, "signing on at {address}: {}", error.error().cause()),
            Self::Unsigned { key } => write!(
                f,
                "not dialled: the profile has a {key}, and a Connector exchanges no messages; use a Client or a Link, or Upstream::dial"
            ),
            Self::NoThread(error) => write!(f, "not dialled, for the connection needs a thread: {error}"),
            Self::NoneInTime { after } => write!(f, "no connection within {}", rounded(*after)),
        }
    }
}

/// A name was not looked up in time.
pub(crate) fn no_answer(within: Duration) -> ConnectError {
    let text = format!("no answer within {}", rounded(within));
    ConnectError::Resolve(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// A share of what was left: more digits than milliseconds say nothing.
pub(super) fn rounded(time: Duration) -> TimeText {
    let millis = Duration::from_micros(500).saturating_add(time).as_millis();
    TimeText(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}

/// The source is the system's [`io::Error`], where there is one; the text has it already.
impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Resolve(error)
            | Self::Dial { error, .. }
            | Self::NoLocalPort { error, .. }
            | Self::NoThread(error) => Some(error),
            Self::SignOn { error, .. } => error.source(),
            _ => None,
        }
    }
}

impl ConnectError {
    /// With the name that was not resolved.
    pub(crate) fn of_peer(self, name: &str) -> Self {
        match self {
            Self::Resolve(error) => Self::Resolve(io::Error::new(error.kind(), format!("{name}: {error}"))),
            other => other,
        }
    }

    /// What a failure to open, bind or connect a socket means.
    pub(crate) fn of_io(address: SocketAddr, source: Option<SocketAddr>, error: io::Error) -> Self {
        let chosen_by_system = source.is_none_or(|source| source.port() == 0);
        match error.kind() {
            // Linux says the first when connecting, the second when binding finds no port.
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse
                if chosen_by_system && has_route(source, address) =>
            {
                Self::NoLocalPort { address, source, error }
            }
            _ => Self::Dial { address, error },
        }
    }
}

/// Whether the address can be dialled from the source as such: a source that is not of this machine fails in the same words
/// as one without free ports. UDP has ports of its own, so these do not matter here, and nothing is sent.
fn has_route(source: Option<SocketAddr>, address: SocketAddr) -> bool {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let source = source.map_or(any, |source| source.ip());
    UdpSocket::bind((source, 0)).and_then(|socket| socket.connect(address)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_local_ports_is_an_error_of_its_own() {
        let peer: SocketAddr = "127.0.0.1:7000".parse().unwrap();
        let error = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        for source in [None, Some("127.0.0.1:0".parse().unwrap())] {
            let told = ConnectError::of_io(peer, source, error());
            assert!(matches!(told, ConnectError::NoLocalPort { .. }), "{told}");
            assert!(
                told.to_string().contains("no local port is free")
                    && told.to_string().contains("let the peer close first")
            );
        }
        // A source that is not of this machine fails in the same words, and so does a port of one's own that is taken.
        for source in ["192.0.2.1:0", "127.0.0.1:4000"] {
            let told = ConnectError::of_io(peer, Some(source.parse().unwrap()), error());
            assert!(matches!(told, ConnectError::Dial { .. }), "{source}: {told}");
        }
        let told = ConnectError::of_io(peer, None, io::ErrorKind::ConnectionRefused.into());
        assert!(matches!(told, ConnectError::Dial { .. }), "{told}");
    }
}
