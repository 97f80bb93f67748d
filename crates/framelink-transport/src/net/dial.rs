//! Dialling where no runtime waits.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::connect_error::ConnectError;
use super::peer::ToPeer;
use super::{connector, socket};

impl<C, D> connector::Connector<C, D> {
    /// A socket that is connected, and waits.
    pub(crate) fn dial_and_wait(&self, peer: impl ToPeer) -> Result<(TcpStream, SocketAddr), ConnectError> {
        self.check_profile()?;
        let began = Instant::now();
        let addresses = self.resolver.look_up(peer.to_peer(), self.within)?;
        let mut last = self.no_address();
        for (address, left) in self.attempts(addresses.into_iter()) {
            // An address that is silent leaves the others their share of the time.
            let after = self.within.saturating_sub(began.elapsed()) / left;
            let dialled = self.dial_one(address, after);
            if dialled.is_err() {
                self.answered.on_failed(address);
            }
            match dialled {
                Ok(stream) => {
                    self.answered.on_connected(address);
                    return Ok((stream, address));
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none() => {
                    last = ConnectError::TimedOut { address, after };
                }
                Err(error) => last = ConnectError::of_io(address, self.options.source, error),
            }
        }
        Err(last)
    }

    fn dial_one(&self, address: SocketAddr, within: Duration) -> io::Result<TcpStream> {
        if within.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let socket = socket::dialling(&self.options, address)?;
        socket.connect_timeout(&address.into(), within)?;
        socket::not_to_itself(&socket)?;
        Ok(socket.into())
    }
}
