//! Dialling in steps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::Connection;
use super::connector::NonBlocking;
use crate::client::dialling::DialAddress;
use crate::driver::{Driver as _, at_once};
use crate::error::ConnectError;
use crate::net::dial::Dial;
use crate::net::peer::Peer;
use crate::profile::{Profile, Sign};
use crate::upstream::{Dialler, Dialling, check_reply, sign_on};
use framelink_profile::FramingPair;

/// A dial of one address. Each step goes as far as possible without waiting, or waits for its sockets.
#[derive(Debug)]
pub(crate) struct AddressDial {
    dial: Dial<FramingPair, NonBlocking>,
    deadline: Instant,
    /// A connection whose sign-on reply has not arrived.
    signing_on: Option<(Connection, SocketAddr)>,
}

impl DialAddress<NonBlocking> for AddressDial {
    fn begin(dialler: &Dialler<NonBlocking>, dialling: &Dialling, within: Duration) -> Result<Self, ConnectError> {
        let connector = dialler.connector.resolved_by(&dialler.resolver);
        let dial = Dial::begin(connector.within(within), Peer::Name(Arc::clone(dialling.name())))?;
        Ok(Self { dial, deadline: NonBlocking::within(within), signing_on: None })
    }

    fn step(&mut self, profile: &Profile, patience: Duration) -> Result<Option<Connection>, ConnectError> {
        let (connection, address, reply) = match self.signing_on.take() {
            Some((mut connection, address)) => {
                connection.wait_for_more(patience);
                let reply = connection.try_reply();
                (connection, address, reply)
            }
            None => {
                let Some((socket, address)) = self.dial.step(patience)? else { return Ok(None) };
                let (stream, connector) = (TcpStream::from_std(socket.into()), &self.dial.connector);
                let connection = Connection::with_peer(stream, Arc::clone(&connector.framing), Some(address));
                let (mut connection, within) = (connection.on(&connector.setup), NonBlocking::left(self.deadline));
                let Some(sign) = profile.sign_on().filter(|sign| sign.expected().is_some()) else {
                    // This does not wait: a new socket takes the 1 KiB that a sign-on message may have.
                    return at_once(sign_on(&mut connection, profile.sign_on(), within)).map(|()| Some(connection));
                };
                let reply = connection.try_exchange(sign.send(), within, false);
                (connection, address, reply)
            }
        };
        let Some(reply) = reply.map_err(|error| ConnectError::SignOn { address, error: Box::new(error) })? else {
            self.signing_on = Some((connection, address));
            return Ok(None);
        };
        let expected = profile.sign_on().and_then(Sign::expected).unwrap_or_default();
        check_reply(address, expected, &reply).map(|()| Some(connection))
    }
}
