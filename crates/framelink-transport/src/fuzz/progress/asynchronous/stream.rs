//! The socket of a world as a reader and a writer of tokio.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop;

use super::super::Scene;
use super::super::world::{Shared, World, joined};

pub(super) struct Stream {
    world: Shared,
    /// Whether each operation is counted against tokio's budget of the task.
    one_at_a_time: bool,
    gathers: bool,
}

impl Stream {
    pub(super) fn new(scene: &Scene) -> Self {
        Self { world: scene.world.clone(), one_at_a_time: scene.one_at_a_time, gathers: scene.gathers }
    }

    fn poll<T>(
        &self,
        context: &mut Context<'_>,
        operation: impl FnOnce(&mut World) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        if self.one_at_a_time {
            ready!(coop::poll_proceed(context)).made_progress();
        }
        match self.world.with(operation) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            done => Poll::Ready(done),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let waker = context.waker().clone();
        let read = self.poll(context, |world| world.read(space.initialize_unfilled(), &waker));
        read.map_ok(|count| space.advance(count))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let waker = context.waker().clone();
        self.poll(context, |world| world.write(bytes, &waker))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write(context, &joined(parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.gathers
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.world.with(World::shut_down))
    }
}
