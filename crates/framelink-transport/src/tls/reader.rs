//! The receiving half of the TLS state.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use super::{TlsEnd, TlsError, TlsFacts};
use crate::session::memory::Held;

/// Decrypts what a socket receives.
///
/// Payload that was decrypted is returned first, then ciphertext that was read is decrypted, and only then the socket is
/// read. So `WouldBlock` is returned only if nothing is held here and the socket has said so.
#[derive(Debug)]
pub(crate) struct TlsReader {
    shared: Arc<Shared>,
    /// Ciphertext that was read, from `used` on. It has no memory while the connection is idle.
    ciphertext: Vec<u8>,
    used: usize,
    /// Why nothing more can be read, once what came before was returned.
    failed: Option<TlsError>,
    /// The deadline of the handshake, by the clock of the session.
    until: Duration,
    /// How much the next read asks for.
    wanted: usize,
    /// Whether a read was larger than `LEAST` since the last wait.
    is_large: bool,
    /// Whether the first byte was that of TLS.
    is_tls: bool,
    memory: Held,
}

/// How much is read from the socket at a time: more after a read that was full, less after one that was mostly empty. A
/// blocking connection keeps this memory while it waits.
const LEAST: usize = 4 * 1024;
const MOST: usize = 32 * 1024;

/// How often one read reads from the socket, for a peer that sends records without payload.
const READS: u32 = 16;

/// How many bytes the state of one connection holds besides the buffers, about.
const STATE: usize = 8 * 1024;

impl TlsReader {
    pub(super) fn new(shared: Arc<Shared>, until: Duration) -> Self {
        Self {
            shared,
            ciphertext: Vec::new(),
            used: 0,
            failed: None,
            until,
            wanted: LEAST,
            is_large: false,
            is_tls: false,
            memory: Held::default(),
        }
    }

    /// Counts the memory from now on.
    pub(crate) fn count_memory(&mut self, memory: Held) {
        self.memory = memory;
        self.count();
    }

    /// Returns the deadline of the handshake, if it is not over.
    #[inline]
    pub(crate) fn handshake_until(&self) -> Option<Duration> {
        self.shared.is_handshaking().then_some(self.until)
    }

    /// Gives the handshake up if it is not over, because the other half is elsewhere: no half would send its bytes.
    pub(crate) fn end_handshake(&self) {
        self.shared.give_up_handshake();
    }

    pub(crate) fn facts(&self) -> Option<TlsFacts> {
        self.shared.facts()
    }

    /// Reads payload. `socket` reads ciphertext. During the handshake, returns `Interrupted` after progress: there may be
    /// something to send.
    pub(crate) fn read(
        &mut self,
        space: &mut [u8],
        mut socket: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if self.shared.is_handshaking() {
            return self.shake_hands(&mut socket);
        }
        for _ in 0..READS {
            self.check()?;
            let count = self.decrypt(space);
            if count > 0 || self.shared.end() == TlsEnd::CloseNotify {
                return Ok(count);
            }
            self.check()?;
            self.fill(&mut socket)?;
        }
        Err(io::ErrorKind::Interrupted.into())
    }

    #[cold]
    fn shake_hands(&mut self, socket: &mut impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        self.check()?;
        self.shared.check_handshake()?;
        self.fill(socket)?;
        // Payload that follows the handshake stays in rustls.
        self.decrypt(&mut []);
        self.check()?;
        match self.shared.end() {
            TlsEnd::CloseNotify if self.shared.is_handshaking() => Err(TlsError::Closed.into()),
            _ => Err(io::ErrorKind::Interrupted.into()),
        }
    }

    fn check(&self) -> io::Result<()> {
        self.failed.clone().map_or(Ok(()), |error| Err(error.into()))
    }

    /// Decrypts what was read. Returns how many bytes of payload there are.
    fn decrypt(&mut self, space: &mut [u8]) -> usize {
        let ciphertext = self.ciphertext.get(self.used..).unwrap_or_default();
        let done = self.shared.decrypt(ciphertext, space);
        self.used += done.used;
        self.failed = done.failed;
        if self.used == self.ciphertext.len() {
            self.ciphertext.clear();
            self.used = 0;
        }
        done.filled
    }

    /// Reads from the socket. All ciphertext has been used.
    fn fill(&mut self, socket: &mut impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        self.ciphertext.resize(self.wanted, 0);
        self.count();
        let read = socket(&mut self.ciphertext);
        if let Ok(count @ 1..) = read {
            self.ciphertext.truncate(count);
            self.is_large |= count >= LEAST;
            self.wanted = match count {
                _ if count == self.wanted => MOST.min(2 * count),
                _ if count < self.wanted / 4 => LEAST.max(self.wanted / 2),
                _ => self.wanted,
            };
            return self.check_first();
        }
        self.release();
        read?;
        if self.shared.is_handshaking() {
            return Err(TlsError::Closed.into());
        }
        self.shared.set_end(TlsEnd::CutOff);
        Err(TlsError::CutOff.into())
    }

    /// Gives memory back before a wait.
    fn release(&mut self) {
        self.ciphertext = Vec::new();
        if std::mem::take(&mut self.is_large) {
            self.shared.release();
        }
        self.count();
    }

    /// Fails at once if the first byte shows that the peer does not speak TLS.
    fn check_first(&mut self) -> io::Result<()> {
        const CONTENT_TYPES: std::ops::RangeInclusive<u8> = 20..=24;
        if !self.is_tls && !self.ciphertext.first().is_some_and(|first| CONTENT_TYPES.contains(first)) {
            let error = TlsError::not_tls(&self.ciphertext);
            self.failed = Some(error.clone());
            return Err(error.into());
        }
        self.is_tls = true;
        Ok(())
    }

    fn count(&mut self) {
        self.memory.set(STATE + self.ciphertext.capacity());
    }
}
