//! What the blocking driver needs of a stream.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::Shared;

/// What a [`RecvHalf`](super::RecvHalf) reads from: a stream whose reads wait, and can be told for how long.
///
/// Implemented for TCP and Unix sockets, owned or shared. For one of your own, TLS say:
///
/// ```
/// use std::io::{self, Read};
/// use std::time::Duration;
/// use framelink_transport::{Framing, blocking::{ReadStream, RecvHalf}};
///
/// /// What another process has written to a file.
/// struct Replay(io::Cursor<&'static [u8]>);
///
/// impl Read for Replay {
///     fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
///         self.0.read(space)
///     }
/// }
///
/// impl ReadStream for Replay {
///     fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
///         Ok(()) // it never waits
///     }
/// }
///
/// // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
/// let mut receiver = RecvHalf::new(Replay(io::Cursor::new(b"\x00\x05hello")), "net:2".parse::<Framing>()?);
/// assert_eq!(&receiver.recv()?.unwrap()[..], b"hello");
/// assert!(receiver.recv()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ReadStream: Read {
    /// From now on a read that waits longer than this fails with `WouldBlock`; `None` waits for ever. Never zero.
    ///
    /// # Errors
    /// As the system has it.
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Reads what is there and waits for nothing: `WouldBlock` if there is nothing.
    ///
    /// A [`call`](super::Connection::call) looks with this for what came before its request, and could be taken for its
    /// reply. Without it, by default, such bytes are only found if they had come together with an earlier message.
    ///
    /// # Errors
    /// As the system has it.
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let _ = space;
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// What another thread ends this stream with, both sides of it, so that whoever waits in a read or write returns.
    ///
    /// Where many calls go on at a time, this is how one that failed ends a connection whose receiver waits for more. Without it, by
    /// default, the receiver learns of that when its read returns.
    fn closer(&self) -> Option<Closer> {
        None
    }
}

/// See [`ReadStream::closer`].
pub type Closer = Box<dyn Fn() + Send + Sync>;

/// What a [`SendHalf`](super::SendHalf) writes to: a stream whose writes wait, and can be told for how long.
///
/// Implemented for TCP and Unix sockets, owned or shared. See [`ReadStream`] for one of your own.
pub trait WriteStream: Write {
    /// From now on a write that waits longer than this fails with `WouldBlock`; `None` waits for ever. Never zero.
    ///
    /// # Errors
    /// As the system has it.
    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Writes what is taken at once and waits for nothing: `WouldBlock` if nothing is. Without it, by default, nothing is written
    /// when no time is left to wait.
    ///
    /// # Errors
    /// As the system has it.
    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = bytes;
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Ends our side; the peer can go on sending.
    ///
    /// # Errors
    /// As the system has it.
    fn shut_down(&mut self) -> io::Result<()>;

    /// Writes parts that belong together, as many bytes of them as are taken.
    ///
    /// # Errors
    /// As the system has it.
    fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(parts)
    }

    /// Whether [`write_parts`](Self::write_parts) hands all parts over at once. Otherwise a frame is put together before it is
    /// written.
    fn gathers(&self) -> bool {
        false
    }
}

/// The same for each socket, and each way to hold it.
macro_rules! socket {
    ($held:ty, $socket:ident, $closer:expr) => {
        impl ReadStream for $held {
            fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                $socket::set_read_timeout(self, timeout)
            }

            #[cfg(unix)]
            fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
                use rustix::net::{RecvFlags, recv};
                let socket: &$socket = self;
                let (_, count) = recv(socket, space, RecvFlags::DONTWAIT)?;
                Ok(count)
            }

            #[cfg(not(unix))]
            fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
                $socket::set_nonblocking(self, true)?;
                let read = self.read(space);
                $socket::set_nonblocking(self, false)?;
                read
            }

            fn closer(&self) -> Option<Closer> {
                $closer(self)
            }
        }

        impl WriteStream for $held {
            fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                $socket::set_write_timeout(self, timeout)
            }

            fn shut_down(&mut self) -> io::Result<()> {
                $socket::shutdown(self, Shutdown::Write)
            }

            #[cfg(target_os = "linux")]
            fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
                use rustix::net::{SendFlags, send};
                let socket: &$socket = self;
                Ok(send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
            }

            /// A program that embeds us may not ignore `SIGPIPE` as Rust programs do, and `writev` would raise it.
            #[cfg(target_os = "linux")]
            fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
                use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
                let socket: &$socket = self;
                Ok(sendmsg(socket, parts, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
            }

            fn gathers(&self) -> bool {
                true
            }
        }
    };
}

/// A socket that is not shared cannot be reached from elsewhere.
const fn no_closer<S>(_: &S) -> Option<Closer> {
    None
}

macro_rules! shared_closer {
    ($socket:ident) => {
        |socket: &Shared<$socket>| {
            let socket = socket.clone();
            let close = move || {
                // One that is closed already is closed.
                let _ = socket.shutdown(Shutdown::Both);
            };
            Some(Box::new(close) as Closer)
        }
    };
}

socket!(TcpStream, TcpStream, no_closer);
socket!(Shared<TcpStream>, TcpStream, shared_closer!(TcpStream));
#[cfg(unix)]
socket!(UnixStream, UnixStream, no_closer);
#[cfg(unix)]
socket!(Shared<UnixStream>, UnixStream, shared_closer!(UnixStream));
