//! A socket, with or without layers such as TLS.

use std::io::{self, IoSlice};
use std::time::Duration;

use super::{Input, LayersBox, Output, Port};
use crate::tls::WriterBox;

/// A socket of a driver, and the layers of a connection that has any.
///
/// The layers are here, between the rules of a connection and the socket, so that they are written once for all drivers.
pub(crate) struct Secured<'t, S> {
    socket: S,
    reader: Option<&'t mut LayersBox>,
    writer: Option<&'t mut WriterBox>,
}

impl<'t, S> Secured<'t, S> {
    #[inline]
    pub(crate) const fn input(socket: S, reader: Option<&'t mut LayersBox>) -> Self {
        Self { socket, reader, writer: None }
    }

    #[inline]
    pub(crate) const fn output(socket: S, writer: Option<&'t mut WriterBox>) -> Self {
        Self { socket, reader: None, writer }
    }

    #[inline]
    pub(crate) const fn both(socket: S, layers: &'t mut Option<(LayersBox, Option<WriterBox>)>) -> Self {
        match layers {
            Some((layers, writer)) => Self { socket, reader: Some(layers), writer: writer.as_mut() },
            None => Self { socket, reader: None, writer: None },
        }
    }
}

impl<S: Input> Input for Secured<'_, S> {
    #[inline]
    fn read(&mut self, space: &mut [u8], until: Option<Duration>) -> io::Result<usize> {
        match &mut self.reader {
            None => self.socket.read(space, until),
            Some(layers) => layers.read(space, |space| self.socket.read(space, until)),
        }
    }

    #[inline]
    fn is_starved(&self) -> bool {
        self.socket.is_starved()
    }

    #[inline]
    fn waits(&self) -> bool {
        self.socket.waits()
    }

    fn pause(&mut self, time: Duration) -> bool {
        self.socket.pause(time)
    }

    #[inline]
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match &mut self.reader {
            None => self.socket.read_now(space),
            Some(layers) => layers.read(space, |space| self.socket.read_now(space)),
        }
    }

    #[inline]
    fn handshake_until(&self) -> Option<Duration> {
        self.reader.as_ref()?.handshake_until()
    }

    fn is_tls_handshake(&self) -> bool {
        self.reader.as_ref().is_some_and(|layers| layers.is_tls_handshake())
    }

    fn handshake_timed_out(&self, after: Duration) -> io::Error {
        self.reader.as_ref().map_or_else(|| io::ErrorKind::TimedOut.into(), |layers| layers.timed_out(after))
    }
}

impl<S: Output> Output for Secured<'_, S> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            None => self.socket.write(bytes),
            Some(tls) => tls.write(bytes, |records| self.socket.write(records)),
        }
    }

    #[inline]
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.writer {
            None => self.socket.write_vectored(parts),
            // No caller passes several parts, because this gathers nothing.
            Some(_) => self.write(parts.iter().find(|part| !part.is_empty()).map_or(&[], |part| part)),
        }
    }

    #[inline]
    fn gathers(&self) -> bool {
        self.writer.is_none() && self.socket.gathers()
    }

    #[inline]
    fn waits(&self) -> bool {
        self.socket.waits()
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            None => self.socket.flush(),
            Some(tls) => {
                tls.flush(|records| self.socket.write(records))?;
                self.socket.flush()
            }
        }
    }

    fn shut_down(&mut self) -> io::Result<()> {
        match &mut self.writer {
            None => self.socket.shut_down(),
            Some(tls) => {
                let closed = tls.close(|records| self.socket.write(records)).and_then(|()| self.socket.shut_down());
                tls.closed(closed)
            }
        }
    }
}

impl<S: Input + Output> Port for Secured<'_, S> {
    fn input(&mut self) -> &mut impl Input {
        self
    }

    fn output(&mut self) -> &mut impl Output {
        self
    }
}
