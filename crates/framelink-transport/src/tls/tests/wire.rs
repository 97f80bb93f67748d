//! Two ends in memory.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ClientConfig, ServerConfig};

use super::certificates::server_name;
use crate::drive::{Input, Output};
use crate::tls::{ClientTls, ReaderBox, ServerTls, TlsError, TlsSetup, WriterBox};

/// How a wire gives and takes bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// The most bytes of one operation.
    pub(super) most: usize,
    /// Whether every second operation would block.
    pub(super) blocks: bool,
}

pub(super) const AT_ONCE: Manner = Manner { most: usize::MAX, blocks: false };

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Direction {
    pub(super) bytes: VecDeque<u8>,
    /// How many bytes were written in all.
    pub(super) written: usize,
    /// How many bytes it still takes, if that is limited.
    pub(super) room: Option<usize>,
    pub(super) is_closed: bool,
    has_read: bool,
    has_written: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) from: Arc<Mutex<Direction>>,
    pub(super) to: Arc<Mutex<Direction>>,
    pub(super) manner: Manner,
}

/// One end of a connection with TLS.
pub(super) struct End {
    pub(super) reader: ReaderBox,
    pub(super) writer: WriterBox,
    pub(super) wire: Wire,
}

impl Wire {
    fn pair(manner: Manner) -> (Self, Self) {
        let (one, other) = (Arc::default(), Arc::default());
        (Self { from: Arc::clone(&one), to: Arc::clone(&other), manner }, Self { from: other, to: one, manner })
    }
}

impl Input for Wire {
    fn read(&mut self, space: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        let mut from = self.from.lock().unwrap();
        from.has_read = !from.has_read;
        if self.manner.blocks && from.has_read {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.manner.most.min(space.len()).min(from.bytes.len());
        if count == 0 && !from.is_closed {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        for place in &mut space[..count] {
            *place = from.bytes.pop_front().unwrap();
        }
        Ok(count)
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.read(space, None)
    }
}

impl Output for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut to = self.to.lock().unwrap();
        to.has_written = !to.has_written;
        let count = self.manner.most.min(bytes.len()).min(to.room.unwrap_or(usize::MAX));
        if count == 0 || (self.manner.blocks && to.has_written) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        to.bytes.extend(&bytes[..count]);
        to.written += count;
        to.room = to.room.map(|room| room - count);
        Ok(count)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(&parts[0])
    }

    fn gathers(&self) -> bool {
        true
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.to.lock().unwrap().is_closed = true;
        Ok(())
    }
}

impl End {
    fn new(setup: &TlsSetup, wire: Wire) -> Self {
        let (reader, writer) = setup.begin(None);
        Self { reader, writer, wire }
    }

    /// Advances the handshake as far as the wire allows. Returns whether it is over.
    pub(super) fn shake_hands(&mut self) -> io::Result<bool> {
        let is_out = again(|| self.flush())?.is_some();
        if self.reader.handshake_until().is_none() {
            return Ok(is_out);
        }
        let read = self.read_into(&mut [0; 16]);
        if read.is_err() {
            let _ = self.flush();
        }
        assert_eq!(read?, None, "the handshake has no payload");
        Ok(false)
    }

    /// Reads as far as the wire allows. `None`: nothing is there.
    pub(super) fn read_into(&mut self, space: &mut [u8]) -> io::Result<Option<usize>> {
        match self.reader.read(space, |space| self.wire.read(space, None)) {
            Ok(count) => Ok(Some(count)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads until nothing more is there. Returns the bytes, and whether the stream has ended.
    pub(super) fn drain(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let (mut all, mut space, mut dry) = (Vec::new(), vec![0; 1000], 0);
        // A wire that blocks every second time has more after the first.
        while dry < 3 {
            match self.read_into(&mut space)? {
                Some(0) => return Ok((all, true)),
                Some(count) => all.extend(&space[..count]),
                None => dry += 1,
            }
        }
        Ok((all, false))
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush(|records| self.wire.write(records))
    }

    pub(super) fn shut_down(&mut self) -> io::Result<()> {
        self.writer.close(|records| self.wire.write(records))?;
        self.wire.shut_down()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes, |records| self.wire.write(records))
    }

    /// Writes all bytes, and repeats what the wire did not take.
    pub(super) fn write_all(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if let Some(count) = again(|| self.write(bytes)).unwrap() {
                bytes = &bytes[count..];
            }
        }
    }
}

/// Returns `None` if the operation would block.
pub(super) fn again<T>(operation: impl FnOnce() -> io::Result<T>) -> io::Result<Option<T>> {
    match operation() {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn ends((client, server): (ClientConfig, ServerConfig), manner: Manner) -> (End, End) {
    let (ours, theirs) = Wire::pair(manner);
    let client = End::new(&TlsSetup::Client(ClientTls::new(client, server_name())), ours);
    (client, End::new(&TlsSetup::Server(ServerTls::new(server)), theirs))
}

/// Finishes the handshake of both ends.
pub(super) fn shaken(configs: (ClientConfig, ServerConfig), manner: Manner) -> (End, End) {
    let (mut client, mut server) = ends(configs, manner);
    let (mut is_over, mut rounds) = (false, 0);
    while !is_over {
        is_over = client.shake_hands().unwrap() & server.shake_hands().unwrap();
        rounds += 1;
        assert!(rounds < 100_000, "the handshake ends");
    }
    (client, server)
}

/// Goes on until both ends have failed or succeeded. Returns their results.
pub(super) fn outcomes(mut client: End, mut server: End) -> (Result<(), TlsError>, Result<(), TlsError>) {
    let (mut ours, mut theirs) = (None, None);
    for _ in 0..1000 {
        ours = ours.or_else(|| outcome(&mut client));
        theirs = theirs.or_else(|| outcome(&mut server));
    }
    // With TLS 1.3, a client learns after its handshake that its certificate was refused.
    if let Some(Ok(())) = ours
        && let Err(error) = client.drain()
    {
        ours = Some(Err(error_of(&error)));
    }
    (ours.expect("an end of the client"), theirs.expect("an end of the server"))
}

fn outcome(end: &mut End) -> Option<Result<(), TlsError>> {
    match end.shake_hands() {
        Ok(true) => Some(Ok(())),
        Ok(false) => None,
        Err(error) => Some(Err(error_of(&error))),
    }
}

pub(super) fn error_of(error: &io::Error) -> TlsError {
    TlsError::in_io(error).unwrap_or_else(|| panic!("{error}")).clone()
}
