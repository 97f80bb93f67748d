//! Reads a header from a socket, and no byte beyond it.

use std::io;

use super::{HeaderStep, ProxyError, ProxyInfo, read_header};

/// The most bytes that one read asks for: a header grows with the bytes that arrived, not with its length.
const MOST: usize = 512;

/// The header of a connection, as far as it was received.
#[derive(Debug)]
pub(crate) struct HeaderReader {
    bytes: Vec<u8>,
    max: usize,
}

impl HeaderReader {
    /// A header of up to `max` bytes.
    pub(crate) const fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max }
    }

    /// Returns how many bytes of the header were received.
    pub(crate) const fn received(&self) -> usize {
        self.bytes.len()
    }

    /// Reads until the header is whole. An error of the socket, such as `WouldBlock`, is returned as it is.
    pub(crate) fn advance(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Box<ProxyInfo>> {
        loop {
            let missing = match read_header(&self.bytes, self.max)? {
                HeaderStep::Whole(info, _) => return Ok(info),
                HeaderStep::Missing(count) => count.min(MOST),
            };
            let received = self.bytes.len();
            self.bytes.resize(received + missing, 0);
            let count = read(self.bytes.get_mut(received..).unwrap_or_default());
            self.bytes.truncate(received + *count.as_ref().unwrap_or(&0));
            if count? == 0 {
                return Err(ProxyError::Closed { received }.into());
            }
        }
    }
}
