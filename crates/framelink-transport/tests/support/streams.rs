//! Streams that follow a list of steps, and futures that are polled by hand.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use framelink_transport::FramingPair;
use framelink_transport::tokio::Connection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use super::framing;

/// The result of one call of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The call is pending, and the task is woken at once.
    Pending,
    /// The call reads or writes at most this many bytes.
    Bytes(usize),
    /// The call fails.
    Error(io::ErrorKind),
}

/// Reads bytes by repeating its steps, and then waits without end or ends.
#[derive(Debug)]
pub(crate) struct Reader {
    bytes: VecDeque<u8>,
    steps: Steps,
    then: Then,
}

/// What a reader does after its last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It waits without end.
    Wait,
    /// It ends the stream.
    End,
}

impl Reader {
    pub(crate) fn new(bytes: &[u8], steps: &[Step], then: Then) -> Self {
        Self { bytes: bytes.iter().copied().collect(), steps: Steps::new(steps), then }
    }
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let reader = self.get_mut();
        if reader.bytes.is_empty() {
            return match reader.then {
                Then::Wait => Poll::Pending,
                Then::End => Poll::Ready(Ok(())),
            };
        }
        match reader.steps.next() {
            Step::Pending => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Step::Error(kind) => Poll::Ready(Err(kind.into())),
            Step::Bytes(most) => {
                let count = most.min(reader.bytes.len()).min(into.remaining());
                into.put_slice(&reader.bytes.drain(..count).collect::<Vec<u8>>());
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// Accepts bytes by repeating its steps.
#[derive(Debug)]
pub(crate) struct Writer {
    written: Written,
    steps: Steps,
    is_vectored: bool,
}

/// The written bytes, one entry for each write; and whether writing was shut down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<Mutex<(Vec<Vec<u8>>, bool)>>);

impl Written {
    pub(crate) fn all(&self) -> Vec<u8> {
        self.writes().concat()
    }

    pub(crate) fn writes(&self) -> Vec<Vec<u8>> {
        self.0.lock().expect("no test panics with it").0.clone()
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.0.lock().expect("no test panics with it").1
    }
}

impl Writer {
    pub(crate) fn new(steps: &[Step]) -> (Self, Written) {
        let written = Written::default();
        (Self { written: written.clone(), steps: Steps::new(steps), is_vectored: true }, written)
    }

    /// Returns a writer without a vectored write of its own.
    pub(crate) fn plain(steps: &[Step]) -> (Self, Written) {
        let (writer, written) = Self::new(steps);
        (Self { is_vectored: false, ..writer }, written)
    }

    fn take(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.steps.next() {
            Step::Pending => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Step::Error(kind) => Poll::Ready(Err(kind.into())),
            Step::Bytes(most) => {
                let count = most.min(bytes.len());
                self.written.0.lock().expect("no test panics with it").0.push(bytes[..count].to_vec());
                Poll::Ready(Ok(count))
            }
        }
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().take(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let writer = self.get_mut();
        if writer.is_vectored {
            let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            return writer.take(context, &bytes);
        }
        // The default of the trait writes the first part that is not empty.
        let first = parts.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
        writer.take(context, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.is_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let writer = self.get_mut();
        match writer.steps.next() {
            Step::Pending => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => {
                writer.written.0.lock().expect("no test panics with it").1 = true;
                Poll::Ready(Ok(()))
            }
        }
    }
}

#[derive(Debug)]
struct Steps {
    steps: Vec<Step>,
    at: usize,
}

impl Steps {
    fn new(steps: &[Step]) -> Self {
        Self { steps: steps.to_vec(), at: 0 }
    }

    fn next(&mut self) -> Step {
        let step = self.steps[self.at % self.steps.len()];
        self.at += 1;
        step
    }
}

/// The steps of slow streams, which are repeated.
pub(crate) const MANNERS: &[&[Step]] = &[
    &[Step::Bytes(usize::MAX)],
    &[Step::Bytes(1)],
    &[Step::Pending, Step::Bytes(1)],
    &[Step::Pending, Step::Pending, Step::Bytes(3)],
    &[Step::Bytes(2), Step::Pending, Step::Bytes(usize::MAX), Step::Pending],
    &[Step::Error(io::ErrorKind::Interrupted), Step::Bytes(2), Step::Pending],
];

pub(crate) type Scripted = Connection<FramingPair, Reader, Writer>;

/// Returns a connection over a reader and a writer with these steps.
pub(crate) fn scripted(notation: &str, reader: Reader, writing: &[Step]) -> (Scripted, Written) {
    let (writer, written) = Writer::new(writing);
    (Connection::from_parts(reader, writer, framing(notation)), written)
}

/// A connection over one end of a pipe in memory.
pub(crate) type Piped = Connection<
    FramingPair,
    tokio::io::ReadHalf<tokio::io::DuplexStream>,
    tokio::io::WriteHalf<tokio::io::DuplexStream>,
>;

/// Returns a connection, and the other end of its pipe. The pipe holds `size` bytes in each direction.
pub(crate) fn piped(notation: &str, size: usize) -> (Piped, tokio::io::DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(size);
    let (reader, writer) = tokio::io::split(ours);
    (Connection::from_parts(reader, writer, framing(notation)), theirs)
}

/// Polls a future this many times and drops it. Returns the output if there was one.
pub(crate) fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// Polls a future that needs no runtime to its end.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    poll_times(future, 1_000_000).expect("the future completes")
}
