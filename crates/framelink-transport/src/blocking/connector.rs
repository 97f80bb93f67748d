//! Dialling.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use framelink_codec::{Decode, Encode};

use super::Connection;
use crate::FramingPair;
use crate::driver::{Driver as _, plain};
use crate::error::ConnectError;
use crate::net::connector;
use crate::net::dial::Dial;
use crate::net::methods::connector_methods;
use crate::net::peer::ToPeer;

/// The type parameter of a blocking [`Connector`].
#[derive(Clone, Copy, Debug)]
pub enum Blocking {}

/// Dials a peer and returns a [`Connection`].
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use framelink_transport::{Framing, blocking::Connector};
///
/// let connector = Connector::new("ascii:4".parse::<Framing>()?)
///     .source("10.0.0.7:0".parse()?)
///     .within(Duration::from_secs(3));
/// let connection = connector.connect("switch.example:7000")?;
/// # Ok(())
/// # }
/// ```
pub type Connector<C = FramingPair> = connector::Connector<C, Blocking>;

impl<C: Decode + Encode> Connector<C> {
    connector_methods!(plain Blocking ToPeer);

    fn dial(&self, peer: impl ToPeer) -> Result<(TcpStream, SocketAddr), ConnectError> {
        Dial::begin(self.clone(), peer)?.finish(false).map(|(socket, address)| (socket.into(), address))
    }
}
