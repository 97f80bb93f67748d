//! A port that one test keeps.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// A local port that the system gives to nothing else while this value lives: for a server that stops and starts again on its port.
///
/// Without it, a connection of another test can get the port as its own while the server is stopped. A second listener of this process
/// can bind the port, because both sockets allow that (`SO_REUSEADDR`, as [`TcpListener::bind`] sets it too). On other systems than Linux
/// two sockets cannot share a port so, and nothing keeps it.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::net::TcpListener;
/// use framelink_testkit::ReservedPort;
///
/// let port = ReservedPort::new()?;
/// for _ in 0..2 {
///     let listener = TcpListener::bind(port.address())?;
///     assert_eq!(listener.local_addr()?, port.address());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ReservedPort {
    address: SocketAddr,
    _socket: Option<Socket>,
}

impl ReservedPort {
    /// Reserves a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When the system has no free port or no free descriptor.
    pub fn new() -> io::Result<Self> {
        if !cfg!(target_os = "linux") {
            let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            return Ok(Self { address, _socket: None });
        }
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { address, _socket: Some(socket) })
    }

    /// The address to listen on. While no listener has it, connecting to it is refused.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn no_socket_that_shares_no_address_gets_the_port() {
        let port = ReservedPort::new().unwrap();
        let dialled = |address: SocketAddr| -> io::Result<()> {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.bind(&port.address().into())?;
            socket.connect(&address.into())
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert_eq!(dialled(listener.local_addr().unwrap()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(TcpStream::connect(port.address()).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_server_starts_again_on_it_while_its_connections_linger() {
        let port = ReservedPort::new().unwrap();
        for _ in 0..3 {
            let listener = TcpListener::bind(port.address()).unwrap();
            let client = TcpStream::connect(port.address()).unwrap();
            drop(listener.accept().unwrap());
            drop(client);
        }
    }
}
