//! Dialling.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use framelink_codec::{Decode, Encode};
use tokio::net::{TcpSocket, TcpStream, ToSocketAddrs};
use tokio::time::{Instant, timeout, timeout_at};

use super::lookup::look_up;
use super::{Connection, clock};
use crate::net::{connector, socket};
use crate::{ConnectError, Directions, zoned_address};

/// The driver of a [`Connector`].
#[derive(Clone, Copy, Debug)]
pub enum Tokio {}

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
pub type Connector<C = Directions> = connector::Connector<C, Tokio>;

impl<C: Decode + Encode> Connector<C> {
    /// Connects to the first address of the peer that answers.
    ///
    /// # Errors
    /// When the profile has a sign-on or a sign-off, when its name cannot be resolved, or no address answers in time; the error is that of the last one tried.
    pub async fn connect(&self, peer: impl ToSocketAddrs) -> Result<Connection<C>, ConnectError> {
        self.check_profile()?;
        let deadline = clock::within(self.within);
        let addresses = match timeout_at(deadline, look_up(peer)).await {
            Ok(found) => found.map_err(ConnectError::Resolve)?,
            Err(_) => return Err(connector::no_answer(self.within)),
        };
        let mut last = self.no_address();
        for (address, left) in self.attempts(addresses.into_iter()) {
            // An address that is silent leaves the others their share of the time.
            let after = deadline.saturating_duration_since(Instant::now()) / left;
            let dialled = timeout(after, self.dial(address)).await;
            if !matches!(dialled, Ok(Ok(_))) {
                self.answered.on_failed(address);
            }
            match dialled {
                Ok(Ok(stream)) => {
                    self.answered.on_connected(address);
                    return Ok(Connection::with_peer(stream, Arc::clone(&self.framing), Some(address)).on(&self.terms));
                }
                Ok(Err(error)) => last = ConnectError::of_io(address, self.options.source, error),
                Err(_) => last = ConnectError::TimedOut { address, after },
            }
        }
        Err(last)
    }

    /// The same, of an address as it was written, which may have the name of an interface for its zone.
    pub(super) async fn connect_to(&self, peer: &str) -> Result<Connection<C>, ConnectError> {
        match zoned_address(peer) {
            Some(address) => self.connect(address.map_err(ConnectError::Resolve)?).await,
            None => self.connect(peer).await,
        }
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = socket::dialling(&self.options, address)?;
        socket.set_nonblocking(true)?;
        let stream = TcpSocket::from_std_stream(socket.into()).connect(address).await?;
        socket::not_to_itself(&stream)?;
        Ok(stream)
    }
}
