//! Being dialled.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token, event};
use socket2::SockRef;

use super::Connection;
use crate::admission::Admission;
use crate::net::accept_queue::AcceptQueue;
use crate::net::{accepting, socket};
use crate::profile::Side;
use crate::terms::Terms;
use crate::{Directions, Profile, SocketOptions};

/// Accepts connections. It is an [`event::Source`] of mio: after an event accept until the answer is `None`, and wait no longer for the
/// next than [`deadline`](Self::deadline) says.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, nonblocking::{Connector, Listener}};
///
/// let framing: Framing = "net:2".parse()?;
/// let mut listener = Listener::bind("127.0.0.1:0", framing)?;
/// assert!(listener.try_accept()?.is_none());
/// let client = Connector::new(framing).connect(listener.local_addr()?)?;
/// let accepted = listener.try_accept()?.expect("a connection");
/// assert_eq!(accepted.peer_addr(), Some(client.stream().unwrap().local_addr()?));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener<C = Directions> {
    listener: TcpListener,
    framing: Arc<C>,
    options: SocketOptions,
    terms: Terms,
    /// Who has a place, where a profile says how many may.
    admission: Option<Admission>,
    queue: AcceptQueue,
    /// Whether others may have dialled still.
    has_more: bool,
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
    /// As a profile says: framing, preamble, access, limits and options of the sockets.
    ///
    /// A connection that the profile does not let in is closed as soon as it is accepted, and is nobody's: see
    /// [`admission`](Self::admission) for how many.
    ///
    /// # Errors
    /// As [`bind`](Listener::bind), and when a server cannot use the profile.
    pub fn bind_profile(address: impl ToSocketAddrs, profile: &Arc<Profile>) -> io::Result<Self> {
        profile.check_for(Side::Server).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let mut listener = Self::bind_with(address, profile.framing(), profile.socket().clone())?;
        listener.terms = Terms::of(Arc::clone(profile), Side::Server);
        listener.admission = Some(Admission::new(profile));
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
            match listen(&options, address) {
                Ok(listener) => {
                    return Ok(Self {
                        listener,
                        framing,
                        options,
                        terms: Terms::default(),
                        admission: None,
                        queue: AcceptQueue::default(),
                        has_more: false,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Accepts connections as a profile says: by its access rules, and by its limits of connections and of memory. This is for a listener
    /// that was not bound with a profile; the rest of the profile does not apply.
    #[must_use]
    pub fn limited_by(mut self, profile: &Profile) -> Self {
        self.admission = Some(Admission::new(profile));
        self
    }

    /// The next connection, if somebody has dialled.
    ///
    /// # Errors
    /// As the system has it. A connection that was gone before it was accepted is none; running out of file
    /// descriptors is one, and worth a pause before the next try.
    pub fn try_accept(&mut self) -> io::Result<Option<Connection<C>>> {
        self.has_more = false;
        for _ in 0..MOST_REFUSED {
            match accepting::check().and_then(|()| self.listener.accept()) {
                Ok((stream, peer)) => {
                    if let Some(connection) = self.admit(stream, peer) {
                        return Ok(Some(connection));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if accepting::is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        self.has_more = true;
        Ok(None)
    }

    /// The next connection of those that wait to be accepted, for a listener that is about to end; `None` when there is none left. It
    /// waits for nothing.
    ///
    /// A client in that queue is connected as far as it knows, and may have sent its first message. Closing the listener would reset it.
    /// So a drain calls this until the answer is `None`, and then drops the listener. Access and limits apply. From the first call on the
    /// system begins no new connection, on Linux; elsewhere one that begins between the last call and the drop is reset.
    ///
    /// A handshake may be under way when the queue is empty. So call this once more 100 ms after the first call, before the listener is
    /// dropped.
    ///
    /// # Errors
    /// As [`try_accept`](Self::try_accept).
    pub fn accept_waiting(&mut self) -> io::Result<Option<Connection<C>>> {
        while let Some((socket, peer)) = self.queue.next(&self.options, SockRef::from(&self.listener), true)? {
            if let Some(connection) = self.admit(TcpStream::from_std(socket.into()), peer) {
                return Ok(Some(connection));
            }
        }
        Ok(None)
    }

    /// What is made of a connection that was accepted; `None` where it is refused.
    fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<Connection<C>> {
        let permit = self.admission.as_ref().map(|all| all.admit(peer)).transpose().ok()?;
        #[cfg(unix)]
        socket::accepted(&self.options, &stream);
        #[cfg(not(unix))]
        let _ = stream.set_nodelay(self.options.nodelay);
        let connection = Connection::with_peer(stream, Arc::clone(&self.framing), Some(peer));
        Some(connection.admitted(&self.terms, permit))
    }

    /// After so long it is to be asked again, though no event comes: at once, where so many were refused that others have their
    /// turn first.
    pub fn deadline(&self) -> Option<Duration> {
        self.has_more.then_some(Duration::ZERO)
    }

    /// Who has a place, and who was refused; `None` where no profile says anything of it.
    pub const fn admission(&self) -> Option<&Admission> {
        self.admission.as_ref()
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// As the system has it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl<C> event::Source for Listener<C> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.listener.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.listener.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.listener.deregister(registry)
    }
}

/// So many are refused in one turn.
const MOST_REFUSED: usize = 1024;

fn listen(options: &SocketOptions, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket::listening(options, address)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}
