//! The stream for asynchronous code.
//!
//! `WouldBlock` is returned as `Pending`. A `WouldBlock` step wakes its task at once, because the next step is due.
//! After the last step, the next change of the script wakes the task, so that a task that waits for ever does not spin.
//! `Interrupted` is an error like any other: tokio's own sockets never return it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::ScriptedStream;
use super::script::ScriptState;

impl AsyncRead for ScriptedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.script.state();
        let is_over = state.reads_are_over();
        let result = state.read(into.initialize_unfilled());
        state.poll(result, is_over, context).map_ok(|count| into.advance(count))
    }
}

impl AsyncWrite for ScriptedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.script.state().poll_write(&[IoSlice::new(bytes)], context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.script.state();
        state.calls.vectored_writes += 1;
        state.poll_write(parts, context)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.script.state().calls.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.script.state().is_shut_down = true;
        Poll::Ready(Ok(()))
    }
}

impl ScriptState {
    fn poll_write(&mut self, parts: &[IoSlice<'_>], context: &Context<'_>) -> Poll<io::Result<usize>> {
        let is_over = self.writes.is_empty();
        let result = self.write(parts);
        self.poll(result, is_over, context)
    }

    fn poll(&mut self, result: io::Result<usize>, was_over: bool, context: &Context<'_>) -> Poll<io::Result<usize>> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if was_over {
                    self.waiting.push(context.waker().clone());
                } else {
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    }
}
