//! The error of dialling, resolving and signing on.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::notation::TimeText;

use super::CallError;
use crate::profile::ProfileError;
use crate::session::{Leg, Unexpected};
use crate::zone::{NeedsZone, needs_zone};

/// Why no connection was made.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{ConnectError, Framing, tokio::Connector};
///
/// // Port 1 is closed.
/// let error = Connector::new("net:2".parse::<Framing>()?).connect("127.0.0.1:1").await.unwrap_err();
/// assert!(error.to_string().starts_with("connecting to 127.0.0.1:1: "), "{error}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The peer's name could not be resolved to an address.
    Resolve(io::Error),
    /// The peer has no address that can be dialled: none at all, or none of the family of the source address.
    NoAddress {
        /// The source address, if one was given.
        source: Option<IpAddr>,
    },
    /// The address refused the connection, or is unreachable.
    Dial {
        /// The address that was tried last.
        address: SocketAddr,
        /// The error of the system.
        error: io::Error,
    },
    /// All local ports towards the peer are in use.
    NoLocalPort {
        /// The address that was dialled.
        address: SocketAddr,
        /// The source address, if one was given.
        source: Option<SocketAddr>,
        /// The error of the system.
        error: io::Error,
    },
    /// The peer did not answer in time.
    TimedOut {
        /// The address that was being dialled.
        address: SocketAddr,
        /// The time limit that was exceeded.
        after: Duration,
    },
    /// The peer did not dial its connection of a simplex pair in time.
    NotDialled {
        /// The connection of the pair that is missing.
        leg: Leg,
        /// The time limit that was exceeded.
        after: Duration,
    },
    /// Nothing was dialled. The connection was lost before, and the next try is due too late for this operation.
    NotYet {
        /// The error of the last try.
        last: Option<Arc<str>>,
        /// The time from now until the next try.
        next_try: Duration,
    },
    /// The peer accepted the connection but not the sign-on: its reply is not the expected one. Or its greeting, or its
    /// message of a first step, is not the expected one.
    NotWanted {
        /// The address that was dialled.
        address: SocketAddr,
        /// The place, the bytes found and those allowed, and whether the address is dialled again.
        unexpected: Box<Unexpected>,
        /// Whether no address of the peer is dialled again, because the profile says to stop after a refusal.
        is_final: bool,
    },
    /// The peer accepted the connection, and the first steps, the greeting or the sign-on failed.
    SignOn {
        /// The address that was dialled.
        address: SocketAddr,
        /// The error of that exchange.
        error: Box<CallError>,
    },
    /// The peer accepted the connection, and the TLS handshake failed.
    #[cfg(feature = "tls")]
    Tls {
        /// The address that was dialled.
        address: SocketAddr,
        /// Why it failed.
        error: super::TlsError,
    },
    /// Nothing was dialled: the profile asks for an exchange with the peer, for which `start` would have to wait.
    Unsigned {
        /// The key of the profile: `sign-on`, `greeting` or `first`.
        key: &'static str,
    },
    /// Nothing was dialled, because the profile cannot be used here: an environment variable is not set.
    Profile(ProfileError),
    /// Nothing was dialled, because the system has no thread left for the connection.
    NoThread(io::Error),
    /// No connection was ready in time, because other callers were still dialling.
    NoneInTime {
        /// The time limit that was exceeded.
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
            Self::NotWanted { address, unexpected, .. } => write!(f, "signing on at {address}: {unexpected}"),
            Self::Profile(error) => write!(f, "not dialled: {error}"),
            #[cfg(feature = "tls")]
            Self::Tls { address, error } => write!(f, "connecting to {address}: {error}"),
            Self::SignOn { address, error } => write!(f, "signing on at {address}: {}", error.error().cause()),
            Self::Unsigned { key } => write!(
                f,
                "not dialled: the profile has a {key}, for which `start` would have to wait; use `connect`, or a Client"
            ),
            Self::NoThread(error) => write!(f, "not dialled, because the connection needs a thread: {error}"),
            Self::NoneInTime { after } => write!(f, "no connection within {}", rounded(*after)),
        }
    }
}

/// The error of a name that was not resolved in time.
pub(crate) fn no_answer(within: Duration) -> ConnectError {
    let text = format!("no answer within {}", rounded(within));
    ConnectError::Resolve(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// Rounds to milliseconds, and from one second to hundredths. The time is often the remaining part of a limit, and more digits would say nothing.
pub(super) fn rounded(time: Duration) -> TimeText {
    let step = if time < Duration::from_secs(1) { 1 } else { 10 };
    let millis = Duration::from_micros(500 * step).saturating_add(time).as_millis();
    let millis = u64::try_from(millis).unwrap_or(u64::MAX);
    TimeText(Duration::from_millis(millis - millis % step))
}

/// The source is the [`io::Error`] of the system, if there is one. The text contains it already.
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
    /// Adds the name that could not be resolved.
    pub(crate) fn of_peer(self, name: &str) -> Self {
        match self {
            Self::Resolve(error) => Self::Resolve(io::Error::new(error.kind(), format!("{name}: {error}"))),
            other => other,
        }
    }

    /// Returns whether no address of the peer is dialled again.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::NotWanted { is_final: true, .. })
    }

    /// Classifies a failure to open, bind or connect a socket.
    pub(crate) fn of_io(address: SocketAddr, source: Option<SocketAddr>, error: io::Error) -> Self {
        let chosen_by_system = source.is_none_or(|source| source.port() == 0);
        match error.kind() {
            // Linux reports the first kind when connecting, the second when binding finds no free port.
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse
                if chosen_by_system && has_route(source, address) =>
            {
                Self::NoLocalPort { address, source, error }
            }
            _ => Self::Dial { address, error },
        }
    }
}

/// Returns whether the address can be dialled from the source address at all. A source address that this machine does
/// not have fails with the error that missing ports have. UDP has its own ports, and no packet is sent.
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
        // A foreign source address fails with that error too, and so does a taken port that the caller chose.
        for source in ["192.0.2.1:0", "127.0.0.1:4000"] {
            let told = ConnectError::of_io(peer, Some(source.parse().unwrap()), error());
            assert!(matches!(told, ConnectError::Dial { .. }), "{source}: {told}");
        }
        let told = ConnectError::of_io(peer, None, io::ErrorKind::ConnectionRefused.into());
        assert!(matches!(told, ConnectError::Dial { .. }), "{told}");
    }
}
