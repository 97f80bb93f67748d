//! Dialling.

use std::net::SocketAddr;
use std::sync::Arc;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;

use super::Connection;
use super::listener::stream;
use crate::FramingPair;
use crate::driver::plain;
use crate::error::ConnectError;
use crate::net::connector;
use crate::net::dial::Dial;
use crate::net::methods::connector_methods;
use crate::net::peer::ToPeer;
use crate::net::race::Begun;

/// The driver of a [`Connector`].
#[derive(Clone, Copy, Debug)]
pub enum NonBlocking {}

/// Dials a peer.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, nonblocking::Connector};
///
/// let connector = Connector::new("ascii:4".parse::<Framing>()?);
/// // Waits until it is connected ...
/// let connection = connector.connect("switch.example:7000")?;
/// // ... or does not: the first event for writing tells that it is, and reading tells why it is not.
/// let connection = connector.start("10.1.2.3:7000".parse()?)?;
/// # Ok(())
/// # }
/// ```
pub type Connector<C = FramingPair> = connector::Connector<C, NonBlocking>;

impl<C: Decode + Encode> Connector<C> {
    connector_methods!(plain ToPeer);

    /// Begins to connect to this one address and waits for nothing. What is sent meanwhile is queued.
    ///
    /// # Errors
    /// When the system refuses at once, and when a profile has a sign-on or a sign-off. What comes later, a refusal of the peer say, is told by the first operation.
    pub fn start(&self, address: SocketAddr) -> Result<Connection<C>, ConnectError> {
        self.check_profile()?;
        let begun = self.begin(address, stream).map_err(|error| self.refused(address, error))?;
        let (Begun::Connected(stream) | Begun::UnderWay(stream)) = begun;
        let mut connection = Connection::with_peer(stream, Arc::clone(&self.framing), Some(address));
        connection.is_connecting = true;
        Ok(connection.on(&self.setup))
    }

    fn dial(&self, peer: impl ToPeer) -> Result<(TcpStream, SocketAddr), ConnectError> {
        Dial::begin(self.clone(), peer)?
            .finish(true)
            .map(|(socket, address)| (TcpStream::from_std(socket.into()), address))
    }
}
