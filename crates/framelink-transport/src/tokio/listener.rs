//! Being dialled.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use framelink_codec::{Decode, Encode};
use tokio::net::{TcpListener, TcpSocket, ToSocketAddrs, lookup_host};

use super::Connection;
use crate::Directions;

/// Accepts connections.
///
/// See [the crate](crate) for an example.
#[derive(Debug)]
pub struct Listener<C = Directions> {
    listener: TcpListener,
    framing: Arc<C>,
    nodelay: bool,
}

/// How a [`Listener`] listens.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Directions, Framing, tokio::ListenOptions};
///
/// let framing: Directions = "net:2".parse::<Framing>()?.into();
/// let listener = ListenOptions::new().backlog(64).bind("127.0.0.1:0", framing).await?;
/// assert_ne!(listener.local_addr()?.port(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ListenOptions {
    backlog: u32,
    nodelay: bool,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ListenOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { backlog: 1024, nodelay: true }
    }

    /// So many connections may wait to be accepted; the system has a limit of its own (Linux: `net.core.somaxconn`).
    /// Defaults to 1024, so that all clients of a server that was restarted can come back at once.
    #[must_use]
    pub const fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Whether small writes leave at once (`TCP_NODELAY`). Defaults to yes.
    #[must_use]
    pub const fn nodelay(mut self, yes: bool) -> Self {
        self.nodelay = yes;
        self
    }

    /// Listens on the first of the addresses that can be bound. Port 0 lets the system choose one.
    ///
    /// On Unix the address can be bound while connections of an earlier listener linger.
    ///
    /// # Errors
    /// As the system has it, for the last address that was tried.
    pub async fn bind<C>(&self, address: impl ToSocketAddrs, framing: impl Into<Arc<C>>) -> io::Result<Listener<C>>
    where
        C: Decode + Encode,
    {
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
        let framing = framing.into();
        for address in lookup_host(address).await? {
            match self.listen(address) {
                Ok(listener) => return Ok(Listener { listener, framing, nodelay: self.nodelay }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // On Windows this option would let another program take the address.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(self.backlog)
    }
}

impl Listener {
    /// Listens with the default [`ListenOptions`], with one framing for both directions or a [`Directions`] of two.
    ///
    /// # Errors
    /// As [`ListenOptions::bind`].
    pub async fn bind(address: impl ToSocketAddrs, framing: impl Into<Directions>) -> io::Result<Self> {
        ListenOptions::new().bind(address, framing.into()).await
    }
}

impl<C: Decode + Encode> Listener<C> {
    /// Accepts the next connection. Dropping the future loses none.
    ///
    /// # Errors
    /// As the system has it. A connection that was gone before it was accepted is none; running out of file
    /// descriptors is one, and worth a pause before the next try.
    pub async fn accept(&mut self) -> io::Result<Connection<C>> {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    // A socket that refuses is one whose peer is gone, which the first read will tell.
                    let _ = stream.set_nodelay(self.nodelay);
                    return Ok(Connection::with_peer(stream, Arc::clone(&self.framing), Some(peer)));
                }
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// As the system has it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Whether the error is about the connection that was to be accepted, and not about us.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
