//! Dialling where no runtime waits.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::{ConnectError, connector, socket};

impl<C, D> connector::Connector<C, D> {
    /// A socket that is connected, and waits.
    pub(crate) fn dial_and_wait(&self, peer: impl ToSocketAddrs) -> Result<(TcpStream, SocketAddr), ConnectError> {
        let began = Instant::now();
        let addresses = peer.to_socket_addrs().map_err(ConnectError::Resolve)?;
        let mut last = self.no_address();
        for (address, left) in self.attempts(addresses) {
            // An address that is silent leaves the others their share of the time.
            let after = self.within.saturating_sub(began.elapsed()) / left;
            match self.dial_one(address, after) {
                Ok(stream) => return Ok((stream, address)),
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
