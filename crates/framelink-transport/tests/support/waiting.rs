//! Implements the traits of the drivers' streams, with timeouts and shutdown, for a scripted stream.

use std::io::{self, IoSlice, Read, Write};
use std::time::Duration;

use framelink_testkit::ScriptedStream;
use framelink_transport::{blocking, nonblocking};

/// A scripted stream on which timeouts have no effect.
pub(crate) struct Waiting(pub(crate) ScriptedStream);

impl Read for Waiting {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space)
    }
}

impl Write for Waiting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl blocking::ReadStream for Waiting {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

impl blocking::WriteStream for Waiting {
    fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl nonblocking::WriteStream for Waiting {
    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}
