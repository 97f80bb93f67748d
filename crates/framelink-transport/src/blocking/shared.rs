//! A socket that both halves of a connection share.

use std::io::{self, IoSlice, Read, Write};
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// A reference-counted socket that both halves of a connection hold.
#[derive(Debug)]
pub struct Shared<S>(Arc<S>);

impl<S> Shared<S> {
    /// Wraps the socket.
    pub fn new(socket: S) -> Self {
        Self(Arc::new(socket))
    }

    /// Returns a weak reference to the socket, which does not keep the socket open.
    pub(super) fn downgrade(&self) -> Weak<S> {
        Arc::downgrade(&self.0)
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Deref for Shared<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S> Read for Shared<S>
where
    for<'s> &'s S: Read,
{
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(space)
    }
}

impl<S> Write for Shared<S>
where
    for<'s> &'s S: Write,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self.0).write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}
