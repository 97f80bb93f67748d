//! A port that stays reserved for one test.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// A local port that the system gives to no other socket while this value lives: for a server that stops and starts
/// again on its port.
///
/// Without it, the system may give the port to a connection of another test while the server is stopped. A second
/// listener of this process can bind the port, because both sockets allow that (`SO_REUSEADDR`, which
/// [`TcpListener::bind`] sets too). On systems other than Linux two sockets cannot share a port in this way, and the
/// port is not kept.
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
    /// If the system has no free port or no free descriptor.
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

    /// Returns the address to listen on. Connections to it are refused while it has no listener.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}
