//! The socket of a world as a stream that waits.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use super::super::world::{World, joined};
use super::waits::{Side, Waits};
use crate::blocking::{ReadStream, WriteStream};
use crate::simulated;

pub(super) struct Stream<'d> {
    pub(super) waits: Rc<RefCell<Waits<'d>>>,
    pub(super) timeout: Option<Duration>,
    pub(super) gathers: bool,
}

impl Stream<'_> {
    fn wait<T>(&self, side: Side, mut operation: impl FnMut(&mut World) -> io::Result<T>) -> io::Result<T> {
        let until = self.timeout.map(|timeout| simulated::elapsed() + timeout);
        loop {
            match self.now(&mut operation) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.waits.borrow_mut().wait(side, until) {
                        return Err(error);
                    }
                }
                done => return done,
            }
        }
    }

    fn now<T>(&self, operation: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let mut waits = self.waits.borrow_mut();
        waits.operate();
        waits.world.with(operation)
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.wait(Side::Reading, |world| world.read(space, Waker::noop()));
        self.waits.borrow_mut().unread_for = Duration::ZERO;
        read
    }
}

impl ReadStream for Stream<'_> {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        assert!(timeout != Some(Duration::ZERO), "a wait for no time at all");
        self.timeout = timeout;
        Ok(())
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.now(|world| world.read(space, Waker::noop()));
        self.waits.borrow_mut().unread_for = Duration::ZERO;
        read
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.wait(Side::Writing, |world| world.write(bytes, Waker::noop()));
        self.waits.borrow_mut().unwritten_for = Duration::ZERO;
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteStream for Stream<'_> {
    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        assert!(timeout != Some(Duration::ZERO), "a wait for no time at all");
        self.timeout = timeout;
        Ok(())
    }

    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.now(|world| world.write(bytes, Waker::noop()));
        self.waits.borrow_mut().unwritten_for = Duration::ZERO;
        written
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.now(World::shut_down)
    }

    fn write_parts(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(&joined(parts))
    }

    fn gathers(&self) -> bool {
        self.gathers
    }
}
