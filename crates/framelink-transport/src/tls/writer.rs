//! The sending half of the TLS state.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::TlsEnd;
use super::shared::Shared;
use crate::session::memory::Held;

/// Encrypts what is sent on a socket.
///
/// Payload counts as written when the socket has taken the record that holds it. If the socket would block before that,
/// the records stay here, and the caller writes the same payload again, as the queue of a session does.
#[derive(Debug)]
pub(crate) struct TlsWriter {
    shared: Arc<Shared>,
    /// Records, of which the socket took the first `written` bytes.
    records: Vec<u8>,
    written: usize,
    /// Where each record of payload ends, and how much payload it holds, unless it was reported as written.
    ends: VecDeque<(usize, usize)>,
    has_closed: bool,
    memory: Held,
}

impl TlsWriter {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let (records, ends) = (Vec::new(), VecDeque::new());
        Self { shared, records, written: 0, ends, has_closed: false, memory: Held::default() }
    }

    /// Sends these bytes before the handshake.
    pub(crate) fn begin_with(&mut self, bytes: Vec<u8>) {
        self.records = bytes;
    }

    /// Counts the memory from now on.
    pub(crate) fn count_memory(&mut self, memory: Held) {
        self.memory = memory;
    }

    /// Writes payload. `socket` writes records. After `WouldBlock`, the next call must begin with the same payload.
    pub(crate) fn write(
        &mut self,
        payload: &[u8],
        socket: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if self.ends.is_empty() {
            if payload.is_empty() {
                return Ok(0);
            }
            self.shared.encrypt(payload, &mut self.records, &mut self.ends)?;
        }
        let pushed = self.push(socket);
        match self.taken() {
            0 => pushed.map(|()| 0),
            // An error is met again by the next write.
            count => Ok(count.min(payload.len())),
        }
    }

    /// Writes records that are left, and what rustls itself has to send.
    pub(crate) fn flush(&mut self, socket: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        if self.shared.owes() {
            self.shared.take(&mut self.records)?;
        }
        self.push(socket)?;
        self.release();
        Ok(())
    }

    /// Sends `close_notify`. Writing is shut down then.
    pub(crate) fn close(&mut self, socket: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        if !self.has_closed {
            self.has_closed = true;
            self.shared.take_close_notify(&mut self.records)?;
        }
        self.push(socket)
    }

    /// Returns the result of shutting down. A peer that has closed already needs no answer.
    pub(crate) fn closed(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if self.shared.end() != TlsEnd::Open && is_gone(&error) => {
                (self.records, self.written) = (Vec::new(), 0);
                Ok(())
            }
            result => result,
        }
    }

    #[cfg(test)]
    pub(crate) fn request_key_update(&self) -> Result<(), super::TlsError> {
        self.shared.request_key_update()
    }

    fn push(&mut self, mut socket: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        while let Some(rest) = self.records.get(self.written..).filter(|rest| !rest.is_empty()) {
            match socket(rest)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.written += count,
            }
        }
        Ok(())
    }

    /// Returns how many bytes of payload the socket has taken since the last call.
    fn taken(&mut self) -> usize {
        let mut taken = 0;
        while let Some(&(end, payload)) = self.ends.front()
            && end <= self.written
        {
            self.ends.pop_front();
            taken += payload;
        }
        self.release();
        taken
    }

    /// Frees the memory if nothing is left.
    fn release(&mut self) {
        if self.ends.is_empty() && self.written == self.records.len() {
            self.records = Vec::new();
            self.written = 0;
        }
        self.memory.set(self.records.capacity());
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}
