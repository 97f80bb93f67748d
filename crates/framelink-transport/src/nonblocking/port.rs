//! Streams that do not wait, as the session's drive sees them.

use std::io::{self, IoSlice, Read};
use std::time::Duration;

use super::WriteStream;
use crate::drive::{self, Input, Output};

/// A stream whose operations answer at once.
pub(super) struct Port<'p, S>(pub(super) &'p mut S);

impl<R: Read> Input for Port<'_, R> {
    fn read(&mut self, space: &mut [u8], _until: Option<Duration>) -> io::Result<usize> {
        not_yet(self.0.read(space))
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        not_yet(self.0.read(space))
    }
}

impl<W: WriteStream> Output for Port<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        not_yet(self.0.write(bytes))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        not_yet(self.0.write_parts(parts))
    }

    fn gathers(&self) -> bool {
        self.0.gathers()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }

    fn shut_down(&mut self) -> io::Result<()> {
        not_yet(self.0.shut_down())
    }
}

impl<S: Read + WriteStream> drive::Port for Port<'_, S> {
    fn input(&mut self) -> &mut impl Input {
        self
    }

    fn output(&mut self) -> &mut impl Output {
        self
    }
}

/// A socket that is still connecting is one that would have to wait.
fn not_yet<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::NotConnected => io::ErrorKind::WouldBlock.into(),
        _ => error,
    })
}
