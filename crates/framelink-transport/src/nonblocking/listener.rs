//! Listening.

use std::io;
use std::net::ToSocketAddrs;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token, event};
use socket2::Socket;

use super::Connection;
use crate::FramingPair;
use crate::driver::plain;
use crate::net::accepting;
use crate::net::listener::{Listening, look_up};
use crate::net::methods::{accept_waiting_methods, listener_methods};

/// Listens on an address and accepts connections. It is an [`event::Source`] of mio. After an event, accept until the
/// answer is `None`, and wait for the next event no longer than [`deadline`](Self::deadline) returns.
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
pub struct Listener<C = FramingPair> {
    listening: Listening<TcpListener, C>,
    /// Whether more clients may wait, because `MOST_REFUSED` connections were refused in one turn.
    has_more: bool,
}

/// How many connections are refused in one turn.
const MOST_REFUSED: usize = 1024;

listener_methods!(nonblocking: true, plain);

impl<C: Decode + Encode> Listener<C> {
    const fn over(listening: Listening<TcpListener, C>) -> io::Result<Self> {
        Ok(Self { listening, has_more: false })
    }

    /// Accepts the next connection. Returns `None` if no client waits.
    ///
    /// # Errors
    /// Returns the system's error. A connection that is gone before it is accepted is no error. Running out of file
    /// descriptors is an error; pause before the next call.
    pub fn try_accept(&mut self) -> io::Result<Option<Connection<C>>> {
        self.has_more = false;
        for _ in 0..MOST_REFUSED {
            let accepted = accepting::check().and_then(|()| self.listening.socket.accept());
            if accepted.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                return Ok(None);
            }
            if let Some(connection) = self.admit(accepted)? {
                return Ok(Some(connection));
            }
        }
        self.has_more = true;
        Ok(None)
    }

    accept_waiting_methods!(never);

    /// Returns after how long to call again without an event: at once, if 1024 were refused and others may wait.
    pub fn deadline(&self) -> Option<Duration> {
        self.has_more.then_some(Duration::ZERO)
    }
}

impl<C> event::Source for Listener<C> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.listening.socket.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.listening.socket.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.listening.socket.deregister(registry)
    }
}

fn listening(socket: Socket) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

pub(super) fn stream(accepted: Socket) -> io::Result<TcpStream> {
    Ok(TcpStream::from_std(accepted.into()))
}
