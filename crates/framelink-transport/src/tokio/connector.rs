//! Dialling with tokio.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use framelink_codec::{Decode, Encode};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::{Instant, timeout_at};

use super::Connection;
use super::clock::Clock;
use super::listener::stream;
use super::lookup::look_up;
use crate::FramingPair;
use crate::drive::Clock as _;
use crate::driver::{Driver as _, awaited};
use crate::error::{ConnectError, no_answer};
use crate::net::methods::connector_methods;
use crate::net::race::{Race, Step};
use crate::net::{connector, socket};
use crate::zone::zoned_address;

/// The tokio driver, as a type parameter of [`Connector`].
#[derive(Clone, Copy, Debug)]
pub enum Tokio {}

/// Dials a peer and returns a [`Connection`].
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
pub type Connector<C = FramingPair> = connector::Connector<C, Tokio>;

impl<C: Decode + Encode> Connector<C> {
    connector_methods!(awaited Tokio ToSocketAddrs async);

    /// Like `connect`, for an address in text form whose zone may be the name of an interface.
    pub(super) async fn connect_to(&self, peer: &str) -> Result<Connection<C>, ConnectError> {
        match zoned_address(peer) {
            Some(address) => self.connect(address.map_err(ConnectError::Resolve)?).await,
            None => self.connect(peer).await,
        }
    }

    async fn dial(&self, peer: impl ToSocketAddrs) -> Result<(TcpStream, SocketAddr), ConnectError> {
        self.check_profile()?;
        let clock = Clock::start();
        let addresses = match timeout_at(clock.at(self.within), look_up(peer)).await {
            Ok(found) => found.map_err(ConnectError::Resolve)?,
            Err(_) => return Err(no_answer(self.within)),
        };
        let mut race = self.race(addresses, self.within);
        loop {
            match race.step(clock.now()) {
                Step::Begin(begun) => race.on_begun(begun, self.begin(begun.address, stream)),
                Step::Wait { until } => wait(&mut race, clock.at(until)).await,
                Step::Connected(stream, address) => return Ok((stream, address)),
                Step::Failed(failure) => return Err(self.failed(failure)),
            }
        }
    }
}

/// Waits until a socket of the race is connected or has failed, or until `until`.
async fn wait(race: &mut Race<TcpStream>, until: Instant) {
    let look = poll_fn(|context| {
        race.look(|stream| stream.poll_write_ready(context).map(|ready| ready.and_then(|()| socket::connected(stream))))
    });
    // The race checks the clock itself.
    let _ = timeout_at(until, look).await;
}
