//! Dialling.

use std::sync::Arc;

use framelink_codec::{Decode, Encode};

use super::Connection;
use crate::net::connector;
use crate::{ConnectError, Directions, ToPeer};

/// The driver of a [`Connector`].
#[derive(Clone, Copy, Debug)]
pub enum Blocking {}

/// Dials a peer.
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
pub type Connector<C = Directions> = connector::Connector<C, Blocking>;

impl<C: Decode + Encode> Connector<C> {
    /// Connects to the first address of the peer that answers. The time to connect includes the lookup of its name.
    ///
    /// # Errors
    /// When the profile has a sign-on or a sign-off, when its name cannot be resolved, or no address answers in time; the error is that of the last one tried.
    pub fn connect(&self, peer: impl ToPeer) -> Result<Connection<C>, ConnectError> {
        let (stream, address) = self.dial_and_wait(peer)?;
        Ok(Connection::with_peer(stream, Arc::clone(&self.framing), Some(address)).on(&self.terms))
    }
}
