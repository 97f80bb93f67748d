//! Being dialled.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use socket2::SockRef;

use super::Connection;
use super::stopper::{Interrupt, Stopper, Waiting};
use crate::accept_queue::AcceptQueue;
use crate::admission::Admission;
use crate::profile::Side;
use crate::terms::Terms;
use crate::{Directions, Profile, SocketOptions, socket, zoned_address};

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
    /// Who has a place, where a profile says how many may.
    admission: Option<Admission>,
    queue: AcceptQueue,
    waiting: Waiting,
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
            match socket::listening(&options, address) {
                Ok(socket) => {
                    let listener = socket.into();
                    let waiting = Waiting::with(&listener)?;
                    return Ok(Self {
                        listener,
                        framing,
                        options,
                        terms: Terms::default(),
                        admission: None,
                        queue: AcceptQueue::default(),
                        waiting,
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

    /// Waits for the next connection; `None` when the listener was stopped.
    ///
    /// # Errors
    /// As the system has it. A connection that was gone before it was accepted is none; running out of file
    /// descriptors is one, and worth a pause before the next try.
    pub fn accept(&mut self) -> io::Result<Option<Connection<C>>> {
        loop {
            match self.waiting.accept(&self.listener) {
                Ok(None) => return Ok(None),
                Ok(Some((stream, peer))) => {
                    if let Some(connection) = self.admit(stream, peer) {
                        return Ok(Some(connection));
                    }
                }
                Err(error) if crate::accepting::is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next connection of those that wait to be accepted, for a listener that is about to end; `None` when there is none left. It
    /// waits 100 ms in all for handshakes that are under way.
    ///
    /// A client in that queue is connected as far as it knows, and may have sent its first message. Closing the listener would reset it.
    /// So a drain calls this until the answer is `None`, and then drops the listener. Access and limits apply. From the first call on the
    /// system begins no new connection, on Linux; elsewhere one that begins between the last call and the drop is reset.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn accept_waiting(&mut self) -> io::Result<Option<Connection<C>>> {
        loop {
            if let Some(connection) = self.accept_queued()? {
                return Ok(Some(connection));
            }
            let Some(pause) = self.handshake_pause() else { return Ok(None) };
            thread::sleep(pause);
        }
    }

    /// As [`accept_waiting`](Self::accept_waiting), and waits for nothing.
    pub(crate) fn accept_queued(&mut self) -> io::Result<Option<Connection<C>>> {
        while let Some((socket, peer)) = self.queue.next(&self.options, SockRef::from(&self.listener), false)? {
            if let Some(connection) = self.admit(socket.into(), peer) {
                return Ok(Some(connection));
            }
        }
        Ok(None)
    }

    /// How long to wait before the empty queue is looked at again.
    pub(crate) fn handshake_pause(&mut self) -> Option<Duration> {
        self.queue.pause()
    }

    /// What is made of a connection that was accepted; `None` where it is refused.
    fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<Connection<C>> {
        let permit = self.admission.as_ref().map(|all| all.admit(peer)).transpose().ok()?;
        socket::accepted(&self.options, &stream);
        let connection = Connection::with_peer(stream, Arc::clone(&self.framing), Some(peer));
        Some(connection.admitted(&self.terms, permit))
    }

    /// What ends the waits of connections too, when the listener is stopped.
    pub(super) fn interrupt(&self) -> Interrupt {
        self.waiting.interrupt()
    }

    /// What stops the listener, from another thread.
    pub fn stopper(&self) -> Stopper {
        self.waiting.stopper()
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

impl Listener {
    /// For one of the connections of a pair, which is no stranger's: it may be silent for as long as it likes.
    pub(super) fn bind_leg(address: &str, profile: &Arc<Profile>) -> io::Result<Self> {
        let addresses: Vec<_> = match zoned_address(address) {
            Some(address) => vec![address?],
            None => address.to_socket_addrs()?.collect(),
        };
        let listener = Self::bind_with(&addresses[..], profile.framing(), profile.socket().clone())?;
        Ok(Self { terms: Terms::of(Arc::clone(profile), Side::Client), ..listener })
    }
}
