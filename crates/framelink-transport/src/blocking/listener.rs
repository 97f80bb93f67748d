//! Being dialled.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::Connection;
use crate::profile::Side;
use crate::terms::Terms;
use crate::{Directions, Profile, SocketOptions, socket};

/// Accepts connections.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, blocking::{Connector, Listener}};
///
/// let framing: Framing = "ascii:4".parse()?;
/// let mut listener = Listener::bind("127.0.0.1:0", framing)?;
/// let (address, stopper) = (listener.local_addr()?, listener.stopper());
/// let server = std::thread::spawn(move || {
///     while let Some(mut connection) = listener.accept().unwrap() {
///         while let Some(message) = connection.recv().unwrap() {
///             connection.send(&message).unwrap();
///         }
///     }
/// });
///
/// // '0' '0' '0' '5' | 'h' 'e' 'l' 'l' 'o' goes out, and comes back
/// let mut connection = Connector::new(framing).connect(address)?;
/// let reply = connection.call(b"hello", std::time::Duration::from_secs(5))?;
/// assert_eq!(&reply[..], b"hello");
/// drop(connection);
/// stopper.stop();
/// server.join().unwrap();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener<C = Directions> {
    listener: TcpListener,
    framing: Arc<C>,
    options: SocketOptions,
    terms: Terms,
    stopped: Arc<AtomicBool>,
}

impl Listener {
    /// Listens on the first of the addresses that can be bound, with one framing for both directions or a [`Directions`] of two.
    /// Port 0 lets the system choose one.
    ///
    /// On Unix the address can be bound while connections of an earlier listener linger.
    ///
    /// # Errors
    /// As the system has it, for the last address that was tried.
    pub fn bind(address: impl ToSocketAddrs, framing: impl Into<Directions>) -> io::Result<Self> {
        Self::bind_with(address, framing.into(), SocketOptions::new())
    }
}

impl Listener {
    /// As a profile says: framing, preamble, limits and options of the sockets.
    ///
    /// # Errors
    /// As [`bind`](Listener::bind).
    pub fn bind_profile(address: impl ToSocketAddrs, profile: &Arc<Profile>) -> io::Result<Self> {
        let mut listener = Self::bind_with(address, profile.framing(), profile.socket().clone())?;
        listener.terms = Terms::of(Arc::clone(profile), Side::Server);
        Ok(listener)
    }
}

impl<C: Decode + Encode> Listener<C> {
    /// The same with any codec, and with options for its socket and those that it accepts.
    ///
    /// # Errors
    /// As [`bind`](Listener::bind).
    pub fn bind_with(
        address: impl ToSocketAddrs,
        framing: impl Into<Arc<C>>,
        options: SocketOptions,
    ) -> io::Result<Self> {
        let framing = framing.into();
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
        for address in address.to_socket_addrs()? {
            match socket::listening(&options, address) {
                Ok(socket) => {
                    let (listener, stopped) = (socket.into(), Arc::default());
                    return Ok(Self { listener, framing, options, terms: Terms::default(), stopped });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Waits for the next connection; `None` when the listener was stopped.
    ///
    /// # Errors
    /// As the system has it. A connection that was gone before it was accepted is none; running out of file
    /// descriptors is one, and worth a pause before the next try.
    pub fn accept(&mut self) -> io::Result<Option<Connection<C>>> {
        loop {
            if self.stopped.load(Ordering::Acquire) {
                return Ok(None);
            }
            match self.listener.accept() {
                // Whoever stops us dials us, and somebody else may have come first.
                Ok(_) if self.stopped.load(Ordering::Acquire) => return Ok(None),
                Ok((stream, peer)) => {
                    socket::accepted(&self.options, &stream);
                    return Ok(Some(
                        Connection::with_peer(stream, Arc::clone(&self.framing), Some(peer)).on(&self.terms),
                    ));
                }
                Err(error) if socket::is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What stops the listener, from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper { address: self.listener.local_addr().ok(), stopped: Arc::clone(&self.stopped) }
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// As the system has it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Stops a [`Listener`], whatever thread it waits in.
///
/// See there for an example.
#[derive(Clone, Debug)]
pub struct Stopper {
    address: Option<SocketAddr>,
    stopped: Arc<AtomicBool>,
}

impl Stopper {
    /// How long waking the listener may take.
    const WAKE: Duration = Duration::from_secs(1);

    /// Has [`Listener::accept`] return `None`, now if it waits and at once if it is called later. Connections that were
    /// accepted go on.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // No system lets one thread end another's accept in the same way; a connection ends it on all of them. Where it cannot
        // be made the queue is full, and the listener awake.
        if let Some(address) = self.address {
            let _ = TcpStream::connect_timeout(&reachable(address), Self::WAKE);
        }
    }
}

/// Where a listener on all addresses is dialled.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let local: IpAddr = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(local);
    }
    address
}
