//! One direction between two programs, and the bytes that passed.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use framelink_transport::{Frames, Framing};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::output::bytes_text::printable;
use crate::threads::lock;

/// Bytes that passed in one direction and are not shown yet.
pub(super) type Record = Arc<Mutex<Vec<u8>>>;

/// A reader or writer that records the bytes that pass.
pub(super) struct Tap<S> {
    stream: S,
    record: Record,
}

impl<S> Tap<S> {
    pub(super) fn new(stream: S) -> (Self, Record) {
        let record = Record::default();
        (Self { stream, record: Arc::clone(&record) }, record)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tap = self.get_mut();
        let mut record = lock(&tap.record);
        let before = buffer.filled().len();
        let read = Pin::new(&mut tap.stream).poll_read(context, buffer);
        record.extend_from_slice(buffer.filled().get(before..).unwrap_or_default());
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tap = self.get_mut();
        // Locked during the write: when the receiver has the bytes, they are recorded.
        let mut record = lock(&tap.record);
        let written = Pin::new(&mut tap.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            record.extend_from_slice(bytes.get(..count).unwrap_or_default());
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// One direction between two programs.
pub(super) struct Hop {
    name: &'static str,
    framing: Framing,
    record: Record,
}

impl Hop {
    pub(super) const fn new(name: &'static str, framing: Framing, record: Record) -> Self {
        Self { name, framing, record }
    }

    /// Takes the bytes that passed since the last call, and shows header and payload separately.
    pub(super) fn show(&self) -> String {
        let bytes = std::mem::take(&mut *lock(&self.record));
        let mut line = format!("{:<16}", self.name);
        for frame in Frames::new(&self.framing, &bytes).flatten() {
            let (header, payload) = frame.wire.split_at(frame.wire.len() - frame.payload.len());
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x} ")).collect::<String>();
            line += &format!("{:<12}| {:<49}{}|{}", hex(header), hex(payload), printable(header), printable(payload));
        }
        line.truncate(line.trim_end().len());
        line
    }
}
