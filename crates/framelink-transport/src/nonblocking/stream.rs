//! The trait of a stream for the non-blocking driver.

use std::io::{self, IoSlice, Write};
use std::net::Shutdown;

/// A stream that a [`SendHalf`](super::SendHalf) can write to, with writes that take what they can at once, or fail
/// with `WouldBlock`.
///
/// The sockets of mio implement it. A [`RecvHalf`](super::RecvHalf) reads from any such [`Read`](std::io::Read).
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

macro_rules! socket {
    ($socket:ty) => {
        impl WriteStream for $socket {
            fn shut_down(&mut self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }

            /// Writes without the signal `SIGPIPE`, which `writev` can raise: only Rust programs ignore it by default.
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
