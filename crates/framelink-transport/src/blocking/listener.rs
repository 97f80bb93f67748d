//! Listening.

use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::thread::sleep;

use framelink_codec::{Decode, Encode};
use socket2::Socket;

use super::Connection;
use super::stopper::{Interrupt, Stopper, Waiting};
use crate::FramingPair;
use crate::driver::plain;
use crate::net::listener::{Listening, look_up};
use crate::net::methods::{accept_waiting_methods, bind_leg_method, listener_methods};

/// Listens on an address and accepts connections.
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
/// // '0' '0' '0' '5' | 'h' 'e' 'l' 'l' 'o' is sent, and comes back
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
pub struct Listener<C = FramingPair> {
    listening: Listening<TcpListener, C>,
    waiting: Waiting,
}

listener_methods!(nonblocking: false, plain);

impl Listener {
    bind_leg_method!(plain);
}

impl<C: Decode + Encode> Listener<C> {
    fn over(listening: Listening<TcpListener, C>) -> io::Result<Self> {
        let waiting = Waiting::with(&listening.socket)?;
        Ok(Self { listening, waiting })
    }

    /// Waits for the next connection. Returns `None` when the listener was stopped.
    ///
    /// # Errors
    /// Returns the system's error. A connection that is gone before it is accepted is no error. Running out of file
    /// descriptors is an error; pause before the next call.
    pub fn accept(&mut self) -> io::Result<Option<Connection<C>>> {
        while let Some(accepted) = self.waiting.accept(&self.listening.socket).transpose() {
            if let Some(connection) = self.admit(accepted)? {
                return Ok(Some(connection));
            }
        }
        Ok(None)
    }

    accept_waiting_methods!(plain);

    /// Returns a [`Stopper`], which stops this listener from another thread.
    pub fn stopper(&self) -> Stopper {
        self.waiting.stopper.clone()
    }

    /// Returns what ends the waits of accepted connections when the listener is stopped.
    pub(super) fn interrupt(&self) -> Interrupt {
        self.waiting.interrupt.clone()
    }
}

fn listening(socket: Socket) -> io::Result<TcpListener> {
    Ok(socket.into())
}

fn stream(accepted: Socket) -> io::Result<TcpStream> {
    Ok(accepted.into())
}
