//! The socket of a world as a reader and a writer of tokio.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop;

use super::Shared;

pub(super) struct Reader {
    pub(super) world: Shared,
    /// Whether each operation is counted against the turn of the task.
    pub(super) takes_turns: bool,
}

pub(super) struct Writer {
    pub(super) world: Shared,
    pub(super) takes_turns: bool,
    pub(super) gathers: bool,
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.takes_turns {
            ready!(coop::poll_proceed(context)).made_progress();
        }
        let read = self.world.with(|world| world.read(space.initialize_unfilled(), context.waker()));
        poll(read).map_ok(|count| space.advance(count))
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.takes_turns {
            ready!(coop::poll_proceed(context)).made_progress();
        }
        poll(self.world.with(|world| world.write(bytes, context.waker())))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.poll_write(context, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.gathers
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.world.with(super::super::world::World::shut_down))
    }
}

fn poll<T>(done: io::Result<T>) -> Poll<io::Result<T>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}
