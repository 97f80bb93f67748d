//! System calls of each driver, counted by streams in memory.

use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use framelink_transport::blocking::{Connection, ReadStream, WriteStream};
use framelink_transport::{TryRecv, nonblocking};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::support::driver::{DEADLINE, framing};

#[derive(Clone, Default)]
struct Counts {
    reads: Arc<AtomicUsize>,
    looks: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
    timeouts: Arc<AtomicUsize>,
}

impl Counts {
    fn take(count: &AtomicUsize) -> usize {
        count.swap(0, Ordering::Relaxed)
    }
}

/// A peer in memory that has a frame ready for every read, and accepts every write.
struct Memory {
    counts: Counts,
    frame: &'static [u8],
}

impl Read for Memory {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.counts.reads.fetch_add(1, Ordering::Relaxed);
        space[..self.frame.len()].copy_from_slice(self.frame);
        Ok(self.frame.len())
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ReadStream for Memory {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        self.counts.timeouts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_now(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.counts.looks.fetch_add(1, Ordering::Relaxed);
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl WriteStream for Memory {
    fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        self.counts.timeouts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
        Ok(parts.iter().map(|part| part.len()).sum())
    }

    fn gathers(&self) -> bool {
        true
    }
}

fn connection() -> (Connection<framelink_transport::FramingPair, Memory, Memory>, Counts) {
    let counts = Counts::default();
    let half = || Memory { counts: counts.clone(), frame: b"\x00\x02ok" };
    (Connection::from_parts(half(), half(), framing("net:2")), counts)
}

#[test]
fn a_message_is_one_read_or_one_write_on_a_blocking_stream() {
    let (mut connection, counts) = connection();
    for _ in 0..1000 {
        connection.send(&[0; 3000]).unwrap();
        assert_eq!(&connection.recv().unwrap().unwrap()[..], b"ok");
    }
    assert_eq!((Counts::take(&counts.reads), Counts::take(&counts.writes)), (1000, 1000));
    assert_eq!(Counts::take(&counts.looks), 0);
    assert_eq!(
        Counts::take(&counts.timeouts),
        2,
        "one for each direction, because the stream may have timeouts of its own"
    );
}

#[test]
fn calls_set_a_socket_timeout_only_when_it_changes() {
    let (mut connection, counts) = connection();
    for _ in 0..1000 {
        assert_eq!(&connection.call(b"hi", DEADLINE).unwrap()[..], b"ok");
    }
    assert_eq!((Counts::take(&counts.reads), Counts::take(&counts.writes)), (1000, 1000));
    assert_eq!(Counts::take(&counts.looks), 1000, "each call looks for unsolicited bytes first");
    assert_eq!(Counts::take(&counts.timeouts), 2);
    // A longer timeout is set on the socket. A slightly shorter one is not.
    connection.call(b"hi", DEADLINE * 2).unwrap();
    assert_eq!(Counts::take(&counts.timeouts), 1, "one for reads; writes wait in short steps");
    connection.call(b"hi", DEADLINE * 2 - Duration::from_millis(1)).unwrap();
    assert_eq!(Counts::take(&counts.timeouts), 0);
}

/// A stream that does not wait would make the driver loop without a pause.
#[test]
fn a_stream_that_does_not_wait_is_an_error_on_the_blocking_driver() {
    struct Impatient;
    impl Read for Impatient {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    impl ReadStream for Impatient {
        fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }
    }
    let mut receiver = framelink_transport::blocking::RecvHalf::new(Impatient, framing("net:2"));
    assert!(receiver.recv().unwrap_err().to_string().contains("the stream is non-blocking"));
    let mut receiver = framelink_transport::blocking::RecvHalf::new(Impatient, framing("net:2"));
    assert!(receiver.recv_within(DEADLINE).unwrap_err().to_string().contains("the stream is non-blocking"));
}

/// A virtual machine that was paused ends a wait as soon as the wait begins.
#[test]
fn a_wait_that_the_system_ends_too_early_begins_again_on_the_blocking_driver() {
    struct EndsEarly {
        times: u32,
    }
    impl Read for EndsEarly {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            if self.times > 0 {
                self.times -= 1;
                return Err(io::ErrorKind::WouldBlock.into());
            }
            space[..4].copy_from_slice(b"\0\x02hi");
            Ok(4)
        }
    }
    impl ReadStream for EndsEarly {
        fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }
    }
    let mut receiver = framelink_transport::blocking::RecvHalf::new(EndsEarly { times: 3 }, framing("net:2"));
    assert!(matches!(receiver.recv_within(DEADLINE).unwrap(), TryRecv::Message(message) if &message[..] == b"hi"));
}

#[test]
fn a_message_is_one_write_on_a_non_blocking_stream() {
    struct Taking(usize);
    impl Write for Taking {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("all parts are written together");
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl nonblocking::WriteStream for Taking {
        fn shut_down(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
            self.0 += 1;
            Ok(parts.iter().map(|part| part.len()).sum())
        }
        fn gathers(&self) -> bool {
            true
        }
    }
    let mut sender = nonblocking::SendHalf::new(Taking(0), framing("ascii:4,suffix=03"));
    for _ in 0..1000 {
        assert_eq!(sender.try_send(&[0; 3000]).unwrap(), nonblocking::TrySend::Written);
    }
    assert_eq!(sender.stream().unwrap().0, 1000);
}

#[tokio::test]
async fn a_message_is_one_read_or_one_write_on_a_tokio_stream() {
    /// Has a frame ready for every read, and accepts every write.
    #[derive(Default)]
    struct Counting {
        count: Arc<AtomicUsize>,
    }
    impl AsyncRead for Counting {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            self.count.fetch_add(1, Ordering::Relaxed);
            space.put_slice(b"\x00\x02ok");
            Poll::Ready(Ok(()))
        }
    }
    impl AsyncWrite for Counting {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.count.fetch_add(1, Ordering::Relaxed);
            Poll::Ready(Ok(bytes.len()))
        }
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            parts: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.count.fetch_add(1, Ordering::Relaxed);
            Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
        }
        fn is_write_vectored(&self) -> bool {
            true
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let (reads, writes) = (Counting::default(), Counting::default());
    let counts = (Arc::clone(&reads.count), Arc::clone(&writes.count));
    let mut connection = framelink_transport::tokio::Connection::from_parts(reads, writes, framing("net:2"));
    for _ in 0..1000 {
        connection.send(&[0; 3000]).await.unwrap();
        assert_eq!(&connection.recv().await.unwrap().unwrap()[..], b"ok");
    }
    assert_eq!((Counts::take(&counts.0), Counts::take(&counts.1)), (1000, 1000));
}
