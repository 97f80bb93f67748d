//! Dialling.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use framelink_codec::{Decode, Encode};
use mio::net::TcpStream;

use super::Connection;
use crate::net::{connector, socket};
use crate::{ConnectError, Directions, ToPeer};

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
pub type Connector<C = Directions> = connector::Connector<C, NonBlocking>;

impl<C: Decode + Encode> Connector<C> {
    /// Connects to the first address of the peer that answers, and waits for it. The time to connect includes the lookup of its name.
    ///
    /// # Errors
    /// When the profile has a sign-on or a sign-off, when its name cannot be resolved, or no address answers in time; the error is that of the last one tried.
    pub fn connect(&self, peer: impl ToPeer) -> Result<Connection<C>, ConnectError> {
        let (stream, address) = self.dial_and_wait(peer)?;
        let failed = |error| ConnectError::of_io(address, self.options.source, error);
        stream.set_nonblocking(true).map_err(failed)?;
        Ok(Connection::with_peer(TcpStream::from_std(stream), Arc::clone(&self.framing), Some(address)).on(&self.terms))
    }

    /// Begins to connect and waits for nothing. What is sent meanwhile is queued.
    ///
    /// # Errors
    /// When the system refuses at once, and when a profile has a sign-on or a sign-off. What comes later, a refusal of the peer say, is told by the first operation.
    pub fn start(&self, address: SocketAddr) -> Result<Connection<C>, ConnectError> {
        self.check_profile()?;
        let stream = self.begin(address).map_err(|error| ConnectError::of_io(address, self.options.source, error))?;
        let mut connection = Connection::with_peer(stream, Arc::clone(&self.framing), Some(address));
        connection.is_connecting = true;
        Ok(connection.on(&self.terms))
    }

    fn begin(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = socket::dialling(&self.options, address)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Err(error) if !is_in_progress(&error) => Err(error),
            _ => Ok(TcpStream::from_std(socket.into())),
        }
    }
}

#[cfg(unix)]
fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

#[cfg(not(unix))]
fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
