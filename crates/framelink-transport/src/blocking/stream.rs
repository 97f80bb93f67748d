//! The traits of a stream for the blocking driver.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::Shared;

/// A stream that a [`RecvHalf`](super::RecvHalf) can read from. Its reads wait, with a timeout that can be set.
///
/// TCP and Unix sockets implement it, owned or [shared](super::Shared). For another stream, for example TLS:
///
/// ```
/// use std::io::{self, Read};
/// use std::time::Duration;
/// use framelink_transport::{Framing, blocking::{ReadStream, RecvHalf}};
///
/// /// Replays bytes that another process has written to a file.
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
///         Ok(()) // a replay never waits
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
    /// Sets the read timeout. A read that waits longer fails with `WouldBlock`. `None`: no timeout. Never zero.
    ///
    /// # Errors
    /// Returns the system's error.
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Reads bytes that have already arrived, without waiting. Returns `WouldBlock` if there are none.
    ///
    /// A [`call`](super::Connection::call) uses this to find earlier bytes that could be taken for its reply. The
    /// default returns `WouldBlock`: such bytes are then found only if they arrived together with an earlier message.
    ///
    /// # Errors
    /// Returns the system's error.
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let _ = space;
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Returns a function that shuts down both sides from another thread, which ends waiting reads and writes.
    ///
    /// A connection with many calls in flight uses it when a call has failed while the receiver waits for more bytes.
    /// The default implementation returns `None`. The receiver then learns of the failure when its read returns.
    fn closer(&self) -> Option<Closer> {
        None
    }
}

/// A function that shuts down a stream from another thread. See [`ReadStream::closer`].
pub type Closer = Box<dyn Fn() + Send + Sync>;

/// A stream that a [`SendHalf`](super::SendHalf) can write to. Its writes wait, with a timeout that can be set.
///
/// TCP and Unix sockets implement it, owned or [shared](super::Shared). See [`ReadStream`] for other streams.
pub trait WriteStream: Write {
    /// Sets the write timeout. A write that waits longer fails with `WouldBlock`. `None`: no timeout. Never zero.
    ///
    /// # Errors
    /// Returns the system's error.
    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Writes the bytes that the stream takes at once, without waiting. Returns `WouldBlock` if it takes none. The
    /// default implementation returns `WouldBlock`, so that nothing is written once the time is over.
    ///
    /// # Errors
    /// Returns the system's error.
    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = bytes;
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Shuts down our side. The peer can go on sending.
    ///
    /// # Errors
    /// Returns the system's error.
    fn shut_down(&mut self) -> io::Result<()>;

    /// Writes several slices with one call and returns how many bytes were taken.
    ///
    /// # Errors
    /// Returns the system's error.
    fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(parts)
    }

    /// Returns whether [`write_parts`](Self::write_parts) writes all slices with one system call. If it does not, a
    /// frame is copied together before it is written.
    fn gathers(&self) -> bool {
        false
    }
}

/// Implements both traits for a socket type that is owned or shared.
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

            /// A program that embeds this crate may not ignore `SIGPIPE`, as Rust programs do, and `writev` raises it.
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

/// An owned socket cannot be reached from another thread.
const fn no_closer<S>(_: &S) -> Option<Closer> {
    None
}

macro_rules! shared_closer {
    ($socket:ident) => {
        |socket: &Shared<$socket>| {
            let socket = socket.clone();
            let close = move || {
                // An error says that the socket is closed already.
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
