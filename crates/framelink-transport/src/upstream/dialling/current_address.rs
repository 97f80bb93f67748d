//! The address lease of a client that has one exchange at a time.

use std::fmt::Display;
use std::sync::Arc;

use super::AddressLease;

/// The address lease of a client's connection, while it has one. The client reports its exchanges here.
#[derive(Debug, Default)]
pub(crate) struct CurrentAddress {
    pub(crate) lease: Option<Arc<AddressLease>>,
}

impl CurrentAddress {
    pub(crate) fn begin(&self) -> ExchangeUnderWay {
        if let Some(lease) = &self.lease {
            lease.begin();
        }
        ExchangeUnderWay { lease: self.lease.clone() }
    }

    /// Reports that the connection can no longer be used, and why.
    pub(crate) fn lost(&mut self, why: &impl Display) {
        if let Some(lease) = self.lease.take() {
            lease.lost(&why.to_string());
        }
    }

    /// Reports that we close the connection in good order. The close is over when the returned lease is dropped.
    pub(crate) fn leave(&mut self) -> Option<Arc<AddressLease>> {
        let lease = self.lease.take()?;
        lease.leave();
        Some(lease)
    }
}

/// An exchange of a client. Dropping it also gives up the connection: a late reply must not answer the next request.
#[must_use]
pub(crate) struct ExchangeUnderWay {
    lease: Option<Arc<AddressLease>>,
}

impl ExchangeUnderWay {
    /// Ends the exchange. `was_useful` says whether it shows that the peer is well.
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
            lease.lost("an exchange on the connection was given up");
        }
    }
}

/// Dropping a client closes its connection on purpose, so no loss is counted.
impl Drop for CurrentAddress {
    fn drop(&mut self) {
        self.leave();
    }
}
