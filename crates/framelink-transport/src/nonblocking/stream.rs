//! What the non-blocking driver needs of a stream.

use std::io::{self, IoSlice, Write};
use std::net::Shutdown;

/// What a [`SendHalf`](super::SendHalf) writes to: a stream whose writes take what they can at once, or say `WouldBlock`.
///
/// Implemented for the sockets of mio. What a [`RecvHalf`](super::RecvHalf) reads from is any [`Read`](std::io::Read) that
/// answers in the same way.
///
/// ```
/// use std::io::{self, Write};
/// use framelink_transport::{Framing, nonblocking::{SendHalf, WriteStream}};
///
/// struct Memory(Vec<u8>);
///
/// impl Write for Memory {
///     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
///         self.0.write(bytes)
///     }
///     fn flush(&mut self) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// impl WriteStream for Memory {
///     fn shut_down(&mut self) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// let mut sender = SendHalf::new(Memory(Vec::new()), "net:2".parse::<Framing>()?);
/// sender.try_send(b"hello")?;
/// sender.try_flush()?;
/// assert_eq!(sender.stream().unwrap().0, b"\x00\x05hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait WriteStream: Write {
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

macro_rules! socket {
    ($socket:ty) => {
        impl WriteStream for $socket {
            fn shut_down(&mut self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }

            /// A program that embeds us may not ignore `SIGPIPE` as Rust programs do, and `writev` would raise it.
            #[cfg(target_os = "linux")]
            fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
                use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
                Ok(sendmsg(&*self, parts, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
            }

            fn gathers(&self) -> bool {
                true
            }
        }
    };
}

socket!(mio::net::TcpStream);
#[cfg(unix)]
socket!(mio::net::UnixStream);
