//! Dialling.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::net::{TcpSocket, TcpStream, ToSocketAddrs, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Connection, clock};
use crate::Directions;

/// Dials a peer.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use framelink_transport::{Framing, tokio::Connector};
///
/// let connector = Connector::new("ascii:4".parse::<Framing>()?)
///     .source("10.0.0.7:0".parse()?)
///     .within(Duration::from_secs(3));
/// let connection = connector.connect("switch.example:7000").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connector<C = Directions> {
    framing: Arc<C>,
    source: Option<SocketAddr>,
    interface: Option<String>,
    nodelay: bool,
    within: Duration,
}

impl Connector {
    /// With one framing for both directions, or a [`Directions`] of two.
    pub fn new(framing: impl Into<Directions>) -> Self {
        Self::with_codec(framing.into())
    }
}

impl<C: Decode + Encode> Connector<C> {
    /// With a codec of your own.
    pub fn with_codec(codec: impl Into<Arc<C>>) -> Self {
        Self { framing: codec.into(), source: None, interface: None, nodelay: true, within: Duration::from_secs(10) }
    }

    /// The address to dial from; port 0 lets the system choose one. Defaults to the system's choice.
    #[must_use]
    pub const fn source(mut self, source: SocketAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// The network interface to dial through, by name. Linux only. Defaults to the system's choice.
    #[must_use]
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.interface = Some(name.into());
        self
    }

    /// Whether small writes leave at once (`TCP_NODELAY`). Defaults to yes.
    #[must_use]
    pub const fn nodelay(mut self, yes: bool) -> Self {
        self.nodelay = yes;
        self
    }

    /// How long connecting may take, over all addresses of the peer, each of which has its share of what is left.
    /// Defaults to 10 s.
    #[must_use]
    pub const fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Connects to the first address of the peer that answers.
    ///
    /// # Errors
    /// When its name cannot be resolved, or no address answers in time; the error is that of the last one tried.
    pub async fn connect(&self, peer: impl ToSocketAddrs) -> Result<Connection<C>, ConnectError> {
        let deadline = clock::within(self.within);
        let addresses = match timeout_at(deadline, lookup_host(peer)).await {
            Ok(found) => found.map_err(ConnectError::Resolve)?,
            Err(_) => return Err(ConnectError::Resolve(io::ErrorKind::TimedOut.into())),
        };
        let addresses = addresses.filter(|address| self.can_reach(address)).collect::<Vec<_>>();
        let mut last = None;
        for (&address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
            // An address that is silent leaves the others their share of the time.
            let share = deadline.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(u32::MAX);
            match timeout(share, self.dial(address)).await {
                Ok(Ok(stream)) => return Ok(Connection::with_peer(stream, Arc::clone(&self.framing), Some(address))),
                Ok(Err(error)) => last = Some(ConnectError::Dial { address, error }),
                Err(_) => last = Some(ConnectError::TimedOut { address, after: share }),
            }
        }
        Err(last.unwrap_or(ConnectError::NoAddress { source: self.source.map(|source| source.ip()) }))
    }

    /// An address of the other family than the source's cannot be dialled from it.
    fn can_reach(&self, address: &SocketAddr) -> bool {
        self.source.is_none_or(|source| source.is_ipv4() == address.is_ipv4())
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_nodelay(self.nodelay)?;
        if let Some(interface) = &self.interface {
            bind_interface(&socket, interface)?;
        }
        if let Some(source) = self.source {
            socket.bind(source)?;
        }
        socket.connect(address).await
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
fn bind_interface(socket: &TcpSocket, interface: &str) -> io::Result<()> {
    socket.bind_device(Some(interface.as_bytes()))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "fuchsia")))]
fn bind_interface(_: &TcpSocket, interface: &str) -> io::Result<()> {
    let message = format!("choosing the interface {interface} is not possible on this system");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

/// Why no connection was made.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, tokio::{ConnectError, Connector}};
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
    /// No answer in time.
    TimedOut {
        /// The address that was being tried.
        address: SocketAddr,
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
            Self::Dial { address, error } => write!(f, "connecting to {address}: {error}"),
            Self::TimedOut { address, after } => {
                // A share of what was left: more digits than milliseconds say nothing.
                let after = Duration::from_micros(500).saturating_add(*after).as_millis();
                let after = Duration::from_millis(u64::try_from(after).unwrap_or(u64::MAX));
                write!(f, "connecting to {address}: no answer within {after:?}")
            }
        }
    }
}

impl Error for ConnectError {}
