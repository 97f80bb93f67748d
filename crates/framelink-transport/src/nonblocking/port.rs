//! Adapts non-blocking streams to `drive`.

use std::io::{self, IoSlice, Read};
use std::time::Duration;

use super::WriteStream;
use crate::drive::{Input, Output, Secured};

/// A stream, with TLS if the connection has it.
pub(super) type SecuredPort<'p, S> = Secured<'p, Port<'p, S>>;

/// A stream whose operations return at once.
pub(super) struct Port<'p, S> {
    pub(super) stream: &'p mut S,
    /// Whether the socket may still be connecting.
    pub(super) is_connecting: &'p mut bool,
    /// Whether the last read left nothing behind, so that the next one would have to wait. Only for a socket that is waited
    /// for with `poll`, which returns at once if that is wrong.
    pub(super) is_dry: Option<&'p mut bool>,
}

impl<R: Read> Input for Port<'_, R> {
    fn read(&mut self, space: &mut [u8], _until: Option<Duration>) -> io::Result<usize> {
        if self.is_dry.as_mut().is_some_and(|is_dry| std::mem::take(*is_dry)) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.stream.read(space);
        if let (Some(is_dry), Ok(1..)) = (&mut self.is_dry, &read) {
            **is_dry = read.as_ref().is_ok_and(|count| *count < space.len());
        }
        self.not_yet(read)
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(space);
        self.not_yet(read)
    }
}

impl<W: WriteStream> Output for Port<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes);
        self.not_yet(written)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.stream.write_parts(parts);
        self.not_yet(written)
    }

    fn gathers(&self) -> bool {
        self.stream.gathers()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }

    fn shut_down(&mut self) -> io::Result<()> {
        match self.stream.shut_down() {
            // The socket is still connecting, or was refused. An empty write tells which.
            Err(error) if *self.is_connecting && error.kind() == io::ErrorKind::NotConnected => {
                self.write(&[]).and_then(|_| self.stream.shut_down())
            }
            done => done,
        }
    }
}

impl<S> Port<'_, S> {
    /// Turns the error of a connecting socket into `WouldBlock`. A success shows that the socket is connected.
    fn not_yet<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        match result {
            Err(error) if *self.is_connecting && error.kind() == io::ErrorKind::NotConnected => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error),
            Ok(done) => {
                *self.is_connecting = false;
                Ok(done)
            }
        }
    }
}
