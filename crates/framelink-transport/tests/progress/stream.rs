//! Streams in memory that never wait, for each driver.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use framelink_testkit::{ReadStep, Script, ScriptedStream, WriteStep};
use framelink_transport::heartbeat::{Form, Heartbeat};
use framelink_transport::{blocking, nonblocking};
use tokio::io::{AsyncRead, ReadBuf};

pub(crate) use crate::support::waiting::Waiting;

pub(crate) const PING: &[u8] = b"\0\x04PING";
pub(crate) const PONG: &[u8] = b"\0\x04PONG";

/// A heartbeat whose probes want an answer.
pub(crate) fn ping() -> Heartbeat {
    Heartbeat::relaxed(Form::literal(b"PING", b"PONG"))
}

pub(crate) fn scripted(
    reads: impl IntoIterator<Item = ReadStep>,
    writes: impl IntoIterator<Item = WriteStep>,
) -> (Waiting, Script) {
    let (stream, script) = ScriptedStream::new(reads, writes);
    (Waiting(stream), script)
}

/// A peer that has `bytes` ready for each of `most` reads, and then is silent. It accepts every write.
#[derive(Clone)]
pub(crate) struct Flood {
    bytes: &'static [u8],
    pub(crate) reads: Arc<AtomicUsize>,
    most: usize,
}

impl Flood {
    pub(crate) fn new(bytes: &'static [u8], most: usize) -> Self {
        Self { bytes, reads: Arc::default(), most }
    }

    /// Returns the number of reads since the last call of this function.
    pub(crate) fn take_reads(&self) -> usize {
        self.reads.swap(0, Ordering::Relaxed)
    }
}

impl Read for Flood {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.reads.fetch_add(1, Ordering::Relaxed) >= self.most {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        space[..self.bytes.len()].copy_from_slice(self.bytes);
        Ok(self.bytes.len())
    }
}

impl Write for Flood {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl nonblocking::WriteStream for Flood {
    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl blocking::ReadStream for Flood {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.read(space)
    }
}

impl blocking::WriteStream for Flood {
    fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Unlike a socket of the runtime, this stream does not count against the budget of the task.
impl AsyncRead for Flood {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.read(into.initialize_unfilled()) {
            Ok(count) => {
                into.advance(count);
                Poll::Ready(Ok(()))
            }
            Err(_) => Poll::Pending,
        }
    }
}
