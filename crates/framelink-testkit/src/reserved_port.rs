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
