//! Accepting connections with tokio.

use std::io;

use framelink_codec::{Decode, Encode};
use socket2::Socket;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::time::sleep;

use super::Connection;
use super::lookup::look_up;
use crate::FramingPair;
use crate::driver::awaited;
use crate::net::accepting;
use crate::net::listener::Listening;
use crate::net::methods::{accept_waiting_methods, bind_leg_method, listener_methods};

/// Accepts connections on a local address.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{FramingPair, Framing, SocketOptions, tokio::Listener};
///
/// let framing: FramingPair = "net:2".parse::<Framing>()?.into();
/// let mut options = SocketOptions::new();
/// options.backlog = 64;
/// let listener = Listener::bind_with("127.0.0.1:0", framing, options).await?;
/// assert_ne!(listener.local_addr()?.port(), 0);
/// # Ok(())
/// # }
/// ```
///
/// See [the crate](crate) for an example that accepts.
#[derive(Debug)]
pub struct Listener<C = FramingPair> {
    listening: Listening<TcpListener, C>,
}

listener_methods!(nonblocking: true, awaited async);

impl Listener {
    bind_leg_method!(awaited async);
}

impl<C: Decode + Encode> Listener<C> {
    const fn over(listening: Listening<TcpListener, C>) -> io::Result<Self> {
        Ok(Self { listening })
    }

    /// Accepts the next connection. Dropping the future loses no connection.
    ///
    /// # Errors
    /// Fails with the error of the system, for example when the file descriptors are used up. Pause before the next try
    /// in that case. A connection that ended before it was accepted is skipped and is not an error.
    pub async fn accept(&mut self) -> io::Result<Connection<C>> {
        loop {
            let accepted = match accepting::check() {
                Ok(()) => self.listening.socket.accept().await,
                Err(error) => Err(error),
            };
            if let Some(connection) = self.admit(accepted)? {
                return Ok(connection);
            }
        }
    }

    accept_waiting_methods!(awaited async);
}

fn listening(socket: Socket) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

pub(super) fn stream(accepted: Socket) -> io::Result<TcpStream> {
    TcpStream::from_std(accepted.into())
}
