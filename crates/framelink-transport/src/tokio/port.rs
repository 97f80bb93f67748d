//! Makes readers and writers of tokio the input and output of `drive`. `WouldBlock` registers the waker of the task.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio::task::coop;

use crate::drive::{Input, Output, Secured};

/// A stream, and the task to wake when the stream is ready.
pub(super) struct Port<'p, S> {
    stream: &'p mut S,
    waker: &'p Waker,
    read_now: Option<ReadNow<S>>,
    /// Whether the task has used up its budget. Then no operation succeeds before the task is polled again.
    is_starved: bool,
}

/// A stream, with TLS if the connection has it.
pub(super) type SecuredPort<'p, S> = Secured<'p, Port<'p, S>>;

/// Reads from the system directly. The runtime may not know yet that the socket is readable.
pub(super) type ReadNow<S> = fn(&S, &mut [u8]) -> io::Result<usize>;

/// Reads what the system has. A late reply that the runtime has not noticed yet must not answer the next request.
#[cfg(unix)]
pub(super) const READ_NOW: Option<ReadNow<OwnedReadHalf>> = Some(|reader, space| {
    use rustix::net::{RecvFlags, recv};
    let (_, count) = recv(reader.as_ref(), space, RecvFlags::DONTWAIT)?;
    Ok(count)
});
#[cfg(not(unix))]
pub(super) const READ_NOW: Option<ReadNow<OwnedReadHalf>> = None;

impl<'p, S> Port<'p, S> {
    pub(super) const fn new(stream: &'p mut S, waker: &'p Waker) -> Self {
        Self { stream, waker, read_now: None, is_starved: false }
    }

    pub(super) const fn reading_now(self, read_now: Option<ReadNow<S>>) -> Self {
        Self { read_now, ..self }
    }
}

impl<S: Unpin> Port<'_, S> {
    fn now<T>(
        &mut self,
        operation: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        match operation(Pin::new(&mut *self.stream), &mut Context::from_waker(self.waker)) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                self.is_starved = !coop::has_budget_remaining();
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
    }
}

impl<R: AsyncRead + Unpin> Input for Port<'_, R> {
    fn read(&mut self, space: &mut [u8], _until: Option<Duration>) -> io::Result<usize> {
        let mut space = ReadBuf::new(space);
        self.now(|stream, context| stream.poll_read(context, &mut space))?;
        Ok(space.filled().len())
    }

    fn is_starved(&self) -> bool {
        self.is_starved
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self.read_now {
            Some(read_now) => read_now(self.stream, space),
            None => self.read(space, None),
        }
    }
}

impl<W: AsyncWrite + Unpin> Output for Port<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.now(|stream, context| stream.poll_write(context, bytes))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.now(|stream, context| stream.poll_write_vectored(context, parts))
    }

    fn gathers(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.now(|stream, context| stream.poll_flush(context))
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.now(|stream, context| stream.poll_shutdown(context))
    }
}
