//! Dialling.

use std::net::SocketAddr;
use std::sync::Arc;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;

use super::Connection;
use super::listener::stream;
use crate::FramingPair;
use crate::driver::{Driver as _, plain};
use crate::error::ConnectError;
use crate::net::connector;
use crate::net::dial::Dial;
use crate::net::methods::connector_methods;
use crate::net::peer::ToPeer;
use crate::net::race::Begun;

/// The type parameter of a non-blocking [`Connector`].
#[derive(Clone, Copy, Debug)]
pub enum NonBlocking {}

/// Dials a peer and returns a [`Connection`].
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, nonblocking::Connector};
///
/// let connector = Connector::new("ascii:4".parse::<Framing>()?);
/// // `connect` waits until the socket is connected.
/// let connection = connector.connect("switch.example:7000")?;
/// // `start` does not wait. The first event for writing says that it is connected; a failed read says why it is not.
/// let connection = connector.start("10.1.2.3:7000".parse()?)?;
/// # Ok(())
/// # }
/// ```
pub type Connector<C = FramingPair> = connector::Connector<C, NonBlocking>;

impl<C: Decode + Encode> Connector<C> {
    connector_methods!(plain NonBlocking ToPeer);

    /// Begins to connect to this address, without waiting. Messages that are sent meanwhile are queued.
    ///
    /// # Errors
    /// When the system refuses at once, and when a profile has a sign-on, a greeting or first steps. A later failure, for example a
    /// refusal by the peer, is the error of the connection's first operation.
    pub fn start(&self, address: SocketAddr) -> Result<Connection<C>, ConnectError> {
        if let Some(key) = self.setup.opens_with() {
            return Err(ConnectError::Unsigned { key });
        }
        let begun = self.begin(address, stream).map_err(|error| self.refused(address, error))?;
        let (Begun::Connected(stream) | Begun::UnderWay(stream)) = begun;
        let mut connection = Connection::with_peer(stream, Arc::clone(&self.framing), Some(address).into());
        connection.is_connecting = true;
        Ok(connection.on(&self.setup))
    }

    fn dial(&self, peer: impl ToPeer) -> Result<(TcpStream, SocketAddr), ConnectError> {
        Dial::begin(self.clone(), peer)?
            .finish(true)
            .map(|(socket, address)| (TcpStream::from_std(socket.into()), address))
    }
}
