//! Dialling in steps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::Connection;
use super::connector::NonBlocking;
use crate::client::dialling::DialAddress;
use crate::connection::Endpoint as _;
use crate::driver::Driver as _;
use crate::error::ConnectError;
use crate::net::dial::Dial;
use crate::net::peer::Peer;
use crate::upstream::{Dialler, Dialling};
use framelink_profile::FramingPair;

/// A dial of one address. Each step goes as far as possible without waiting, or waits for its sockets.
#[derive(Debug)]
pub(crate) struct AddressDial {
    dial: Dial<FramingPair, NonBlocking>,
    deadline: Instant,
    /// A connection whose sign-on, or what else precedes the first message, is not finished.
    opening: Option<(Connection, SocketAddr)>,
}

impl DialAddress<NonBlocking> for AddressDial {
    fn begin(dialler: &Dialler<NonBlocking>, dialling: &Dialling, within: Duration) -> Result<Self, ConnectError> {
        let connector = dialler.connector.resolved_by(&dialler.resolver);
        let dial =
            Dial::begin(connector.within(within).for_host(dialling.name()), Peer::Name(Arc::clone(dialling.name())))?;
        Ok(Self { dial, deadline: NonBlocking::within(within), opening: None })
    }

    fn step(&mut self, patience: Duration) -> Result<Option<Connection>, ConnectError> {
        let (mut connection, address) = match self.opening.take() {
            Some((connection, address)) => {
                connection.wait_for_more(patience);
                (connection, address)
            }
            None => {
                let Some((socket, address)) = self.dial.step(patience)? else { return Ok(None) };
                let (stream, connector) = (TcpStream::from_std(socket.into()), &self.dial.connector);
                let connection = Connection::with_peer(stream, Arc::clone(&connector.framing), Some(address).into());
                (connection.on(&connector.setup), address)
            }
        };
        if connection.try_opening().map_err(|error| ConnectError::of_opening(address, error))? {
            return Ok(Some(connection));
        }
        if NonBlocking::left(self.deadline).is_zero() {
            return Err(ConnectError::of_opening(address, connection.opening_timed_out(self.dial.connector.within)));
        }
        self.opening = Some((connection, address));
        Ok(None)
    }
}
