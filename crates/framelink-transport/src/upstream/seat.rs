//! The place of one connection at one address.

use std::sync::Arc;

/// The place of one connection at one of the addresses of an upstream; given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    address: Arc<str>,
}

impl Seat {
    pub(crate) const fn new(address: Arc<str>) -> Self {
        Self { address }
    }

    /// Where it is.
    pub(crate) const fn address(&self) -> &Arc<str> {
        &self.address
    }

    /// An exchange begins on the connection.
    pub(crate) fn begin(&self) {
        let _ = self;
    }

    /// It is over; whether it was of use, so that the peer is well.
    pub(crate) fn end(&self, was_useful: bool) {
        let _ = (self, was_useful);
    }

    /// Whether the connection is wanted at another address: it is to be closed in good order when nobody uses it.
    pub(crate) fn is_to_move(&self) -> bool {
        let _ = self;
        false
    }
}
