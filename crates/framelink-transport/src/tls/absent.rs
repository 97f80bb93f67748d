//! What stands in for TLS without the feature `tls`: types without a value, so that no code remains.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::profile::{Profile, ProfileError, Side};
use crate::session::memory::Held;

/// A type without a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReaderBox {}

/// A type without a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WriterBox {}

/// A type without a value.
#[derive(Clone, Debug)]
pub(crate) enum TlsSetup {}

impl TlsSetup {
    pub(crate) const fn of(_: &Arc<Profile>, _: Side) -> Option<Self> {
        None
    }

    pub(crate) const fn open(&self) -> Result<(), ProfileError> {
        match *self {}
    }

    pub(crate) const fn for_host(&self, _: &str) -> Self {
        match *self {}
    }

    pub(crate) const fn begin(&self, _: Option<SocketAddr>) -> (ReaderBox, WriterBox) {
        match *self {}
    }
}

impl ReaderBox {
    pub(crate) const fn handshake_until(&self) -> Option<Duration> {
        match *self {}
    }

    pub(crate) const fn end_handshake(&self) {
        match *self {}
    }

    pub(crate) fn read(&mut self, _: &mut [u8], _: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) const fn count_memory(&mut self, _: Held) {
        match *self {}
    }
}

impl WriterBox {
    pub(crate) fn begin_with(&mut self, _: Vec<u8>) {
        match *self {}
    }

    pub(crate) const fn count_memory(&mut self, _: Held) {
        match *self {}
    }

    pub(crate) fn write(&mut self, _: &[u8], _: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn flush(&mut self, _: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn close(&mut self, _: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn closed(&mut self, _: io::Result<()>) -> io::Result<()> {
        match *self {}
    }
}
