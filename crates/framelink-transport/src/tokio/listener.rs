//! Being dialled.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::time::sleep;

use super::Connection;
use super::lookup::look_up;
use crate::admission::Admission;
use crate::net::accept_queue::AcceptQueue;
use crate::net::{accepting, socket};
use crate::profile::Side;
use crate::terms::Terms;
use crate::{Directions, Profile, SocketOptions, zoned_address};

/// Accepts connections.
///
/// See [the crate](crate) for an example.
#[derive(Debug)]
pub struct Listener<C = Directions> {
    listener: TcpListener,
    framing: Arc<C>,
    options: SocketOptions,
    terms: Terms,
    /// Who has a place, where a profile says how many may.
    admission: Option<Admission>,
    queue: AcceptQueue,
}

impl Listener {
    /// Listens on the first of the addresses that can be bound, with one framing for both directions or a [`Directions`] of two.
    /// Port 0 lets the system choose one.
    ///
    /// On Unix the address can be bound while connections of an earlier listener linger.
    ///
    /// # Errors
    /// As the system has it, for the last address that was tried.
    pub async fn bind(address: impl ToSocketAddrs, framing: impl Into<Directions>) -> io::Result<Self> {
        Self::bind_with(address, framing.into(), SocketOptions::new()).await
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
    pub async fn bind_profile(address: impl ToSocketAddrs, profile: &Arc<Profile>) -> io::Result<Self> {
        profile.check_for(Side::Server).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let mut listener = Self::bind_with(address, profile.framing(), profile.socket().clone()).await?;
        listener.terms = Terms::of(Arc::clone(profile), Side::Server);
        listener.admission = Some(Admission::new(profile));
        Ok(listener)
    }

    /// For one of the connections of a pair, which is no stranger's: it may be silent for as long as it likes.
    pub(super) async fn bind_leg(address: &str, profile: &Arc<Profile>) -> io::Result<Self> {
        let (framing, options) = (profile.framing(), profile.socket().clone());
        let mut listener = match zoned_address(address) {
            Some(address) => Self::bind_with(address?, framing, options).await?,
            None => Self::bind_with(address, framing, options).await?,
        };
        listener.terms = Terms::of(Arc::clone(profile), Side::Client);
        Ok(listener)
    }
}

impl<C: Decode + Encode> Listener<C> {
    /// The same with any codec, and with options for its socket and those that it accepts.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::{Directions, Framing, SocketOptions, tokio::Listener};
    ///
    /// let framing: Directions = "net:2".parse::<Framing>()?.into();
    /// let mut options = SocketOptions::new();
    /// options.backlog = 64;
    /// let listener = Listener::bind_with("127.0.0.1:0", framing, options).await?;
    /// assert_ne!(listener.local_addr()?.port(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`bind`](Listener::bind).
    pub async fn bind_with(
        address: impl ToSocketAddrs,
        framing: impl Into<Arc<C>>,
        options: SocketOptions,
    ) -> io::Result<Self> {
        let framing = framing.into();
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
        for address in look_up(address).await? {
            match listen(&options, address) {
                Ok(listener) => {
                    return Ok(Self {
                        listener,
                        framing,
                        options,
                        terms: Terms::default(),
                        admission: None,
                        queue: AcceptQueue::default(),
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

    /// Accepts the next connection. Dropping the future loses none.
    ///
    /// # Errors
    /// As the system has it. A connection that was gone before it was accepted is none; running out of file
    /// descriptors is one, and worth a pause before the next try.
    pub async fn accept(&mut self) -> io::Result<Connection<C>> {
        loop {
            let accepted = match accepting::check() {
                Ok(()) => self.listener.accept().await,
                Err(error) => Err(error),
            };
            match accepted {
                Ok((stream, peer)) => {
                    if let Some(connection) = self.admit(stream, peer) {
                        return Ok(connection);
                    }
                }
                Err(error) if accepting::is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next connection of those that wait to be accepted, for a listener that is about to end; `None` when there is none left. It
    /// waits 100 ms in all for handshakes that are under way. Dropping the future loses no connection.
    ///
    /// A client in that queue is connected as far as it knows, and may have sent its first message. Closing the listener would reset it.
    /// So a drain calls this until the answer is `None`, and then drops the listener. Access and limits apply. From the first call on the
    /// system begins no new connection, on Linux; elsewhere one that begins between the last call and the drop is reset.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub async fn accept_waiting(&mut self) -> io::Result<Option<Connection<C>>> {
        loop {
            if let Some(connection) = self.accept_queued()? {
                return Ok(Some(connection));
            }
            let Some(pause) = self.handshake_pause() else { return Ok(None) };
            sleep(pause).await;
        }
    }

    /// As [`accept_waiting`](Self::accept_waiting), and waits for nothing.
    pub(crate) fn accept_queued(&mut self) -> io::Result<Option<Connection<C>>> {
        while let Some((socket, peer)) = self.queue.next(&self.options, SockRef::from(&self.listener), true)? {
            if let Some(connection) = self.admit(TcpStream::from_std(socket.into())?, peer) {
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

fn listen(options: &SocketOptions, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket::listening(options, address)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}
