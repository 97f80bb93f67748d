//! The TLS state that both halves of a connection share.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::Connection;

use super::{TlsEnd, TlsError, TlsFacts};

/// The state of rustls, which does no I/O. The lock is held while bytes are encrypted or decrypted, never while a socket
/// is used.
pub(super) struct Shared {
    connection: Mutex<Result<Connection, TlsError>>,
    /// Whether rustls has bytes to send which are no payload: of the handshake, a key update, an alert.
    owes: AtomicBool,
    is_handshaking: AtomicBool,
    /// Whether the handshake does not go on, because the halves of the connection were taken apart.
    is_given_up: AtomicBool,
    /// A [`TlsEnd`] as a number.
    end: AtomicU8,
    /// How many bytes of payload one record holds.
    record: usize,
}

/// The most bytes of payload in a record: RFC 8446, section 5.1.
const RECORD: usize = 16 * 1024;

/// How many bytes of payload are encrypted for one write.
const STAGED: usize = 64 * 1024;

/// What was decrypted.
pub(super) struct Decrypted {
    /// How many bytes of ciphertext were used.
    pub(super) used: usize,
    /// How many bytes of payload were copied.
    pub(super) filled: usize,
    /// Why nothing more can be decrypted.
    pub(super) failed: Option<TlsError>,
}

impl Shared {
    /// `fragment` is the longest record with its header, if the configuration limits it.
    pub(super) fn new(mut connection: Result<Connection, TlsError>, fragment: Option<usize>) -> Self {
        let owes = connection.as_ref().is_ok_and(|connection| connection.wants_write());
        if let Ok(connection) = &mut connection {
            // What is encrypted is taken at once.
            connection.set_buffer_limit(None);
        }
        Self {
            connection: Mutex::new(connection),
            owes: AtomicBool::new(owes),
            is_handshaking: AtomicBool::new(true),
            is_given_up: AtomicBool::new(false),
            end: AtomicU8::new(TlsEnd::Open as u8),
            record: fragment.map_or(RECORD, |longest| longest.saturating_sub(5).clamp(1, RECORD)),
        }
    }

    #[inline]
    pub(super) fn is_handshaking(&self) -> bool {
        self.is_handshaking.load(Ordering::Relaxed)
    }

    pub(super) fn give_up_handshake(&self) {
        self.is_given_up.store(self.is_handshaking(), Ordering::Relaxed);
    }

    /// Fails if the handshake does not go on.
    pub(super) fn check_handshake(&self) -> Result<(), TlsError> {
        match &*lock(&self.connection) {
            Err(error) => Err(error.clone()),
            Ok(_) if self.is_given_up.load(Ordering::Relaxed) => Err(TlsError::Unfinished),
            Ok(_) => Ok(()),
        }
    }

    /// Returns whether there is something to [take](Self::take) besides payload.
    #[inline]
    pub(super) fn owes(&self) -> bool {
        self.owes.load(Ordering::Acquire)
    }

    pub(super) fn end(&self) -> TlsEnd {
        TlsEnd::of(self.end.load(Ordering::Relaxed))
    }

    pub(super) fn set_end(&self, end: TlsEnd) {
        self.end.store(end as u8, Ordering::Relaxed);
    }

    /// Returns what the handshake agreed on, or `None` before it is over.
    pub(super) fn facts(&self) -> Option<TlsFacts> {
        let connection = lock(&self.connection);
        let connection = connection.as_ref().ok().filter(|_| !self.is_handshaking())?;
        TlsFacts::of(connection, self.end())
    }

    /// Decrypts until `space` is full or all of `ciphertext` is used.
    pub(super) fn decrypt(&self, ciphertext: &[u8], space: &mut [u8]) -> Decrypted {
        let mut done = Decrypted { used: 0, filled: 0, failed: None };
        match &mut *lock(&self.connection) {
            Ok(connection) => {
                done.failed = self.decrypt_with(connection, ciphertext, space, &mut done).err();
                if connection.wants_write() {
                    self.owes.store(true, Ordering::Release);
                }
            }
            Err(error) => done.failed = Some(error.clone()),
        }
        done
    }

    fn decrypt_with(
        &self,
        connection: &mut Connection,
        mut ciphertext: &[u8],
        space: &mut [u8],
        done: &mut Decrypted,
    ) -> Result<(), TlsError> {
        let len = ciphertext.len();
        loop {
            done.filled += payload(connection, space.get_mut(done.filled..).unwrap_or_default());
            let is_full = done.filled == space.len() && !space.is_empty();
            if is_full || ciphertext.is_empty() || self.end() == TlsEnd::CloseNotify {
                return Ok(());
            }
            connection.read_tls(&mut ciphertext).map_err(|error| TlsError::Protocol(error.to_string()))?;
            done.used = len - ciphertext.len();
            let processed = connection.process_new_packets();
            // The messages before an error are delivered.
            done.filled += payload(connection, space.get_mut(done.filled..).unwrap_or_default());
            let state = processed.map_err(TlsError::of)?;
            if !connection.is_handshaking() {
                self.is_handshaking.store(false, Ordering::Relaxed);
            }
            if state.peer_has_closed() {
                self.set_end(TlsEnd::CloseNotify);
            }
        }
    }

    /// Encrypts the first bytes of `payload`. Adds to `ends` where in `records` each record ends, and how many bytes of
    /// the payload it holds. Returns `WouldBlock` during the handshake.
    pub(super) fn encrypt(
        &self,
        payload: &[u8],
        records: &mut Vec<u8>,
        ends: &mut VecDeque<(usize, usize)>,
    ) -> io::Result<()> {
        if self.is_handshaking() {
            self.check_handshake()?;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.with(|connection| {
            let staged = payload.get(..STAGED).unwrap_or(payload);
            for part in staged.chunks(self.record) {
                connection.writer().write_all(part)?;
                self.take_from(connection, records);
                ends.push_back((records.len(), part.len()));
            }
            Ok(())
        })?
    }

    /// Lets rustls give back memory that a large record needed: it does so when it begins to read.
    pub(super) fn release(&self) {
        struct Nothing;

        impl Read for Nothing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::WouldBlock.into())
            }
        }

        let _ = self.with(|connection| connection.read_tls(&mut Nothing));
    }

    /// Takes what rustls itself has to send.
    pub(super) fn take(&self, records: &mut Vec<u8>) -> Result<(), TlsError> {
        self.with(|connection| self.take_from(connection, records))
    }

    /// Takes the last record of this side, after which it sends nothing. A handshake that is not over is given up.
    pub(super) fn take_close_notify(&self, records: &mut Vec<u8>) -> Result<(), TlsError> {
        self.with(|connection| {
            connection.send_close_notify();
            self.take_from(connection, records);
        })
    }

    #[cfg(test)]
    pub(super) fn request_key_update(&self) -> Result<(), TlsError> {
        self.owes.store(true, Ordering::Release);
        self.with(Connection::refresh_traffic_keys)?.map_err(TlsError::of)
    }

    fn take_from(&self, connection: &mut Connection, records: &mut Vec<u8>) {
        self.owes.store(false, Ordering::Relaxed);
        while connection.wants_write() {
            // Writing to memory does not fail.
            if connection.write_tls(records).is_err() {
                return;
            }
        }
    }

    fn with<T>(&self, run: impl FnOnce(&mut Connection) -> T) -> Result<T, TlsError> {
        lock(&self.connection).as_mut().map(run).map_err(|error| error.clone())
    }
}

/// Locks a mutex that stays usable after a panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Copies payload that was decrypted.
fn payload(connection: &mut Connection, space: &mut [u8]) -> usize {
    let mut filled = 0;
    while let Some(left) = space.get_mut(filled..).filter(|left| !left.is_empty()) {
        match connection.reader().read(left) {
            Ok(0) | Err(_) => break,
            Ok(count) => filled += count,
        }
    }
    filled
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("is_handshaking", &self.is_handshaking())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}
