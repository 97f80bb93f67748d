//! The address lease of a client that has one exchange at a time.

use std::fmt::Display;
use std::sync::Arc;

use super::AddressLease;

/// The address lease of the connection that a client has, while it has one: what it tells of its exchanges.
#[derive(Debug, Default)]
pub(crate) struct CurrentAddress {
    pub(crate) lease: Option<Arc<AddressLease>>,
}

impl CurrentAddress {
    /// An exchange begins.
    pub(crate) fn begin(&self) -> ExchangeUnderWay {
        if let Some(lease) = &self.lease {
            lease.begin();
        }
        ExchangeUnderWay { lease: self.lease.clone() }
    }

    /// The connection is of no more use, because of this.
    pub(crate) fn lost(&mut self, why: &impl Display) {
        if let Some(lease) = self.lease.take() {
            lease.lost(&why.to_string());
        }
    }

    /// The connection is closed by us, in good order: done when this is dropped.
    pub(crate) fn leave(&mut self) -> Option<Arc<AddressLease>> {
        let lease = self.lease.take()?;
        lease.leave();
        Some(lease)
    }
}

/// An exchange of a client. Dropped, it was given up, and the connection with it: a late reply must not answer the next request.
#[must_use]
pub(crate) struct ExchangeUnderWay {
    lease: Option<Arc<AddressLease>>,
}

impl ExchangeUnderWay {
    /// It is over; whether it was of use.
    pub(crate) fn end(mut self, was_useful: bool) {
        if let Some(lease) = self.lease.take() {
            lease.end(was_useful);
        }
    }
}

impl Drop for ExchangeUnderWay {
    fn drop(&mut self) {
        if let Some(lease) = &self.lease {
            lease.end(false);
            lease.lost("an exchange on it was given up");
        }
    }
}

/// Dropping a client closes its connection on purpose: no loss is counted.
impl Drop for CurrentAddress {
    fn drop(&mut self) {
        self.leave();
    }
}
