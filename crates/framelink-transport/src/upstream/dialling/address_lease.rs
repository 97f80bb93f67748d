//! The lease of one connection at one address.

use std::sync::Arc;

use super::{AddressBook, Addresses, Dialling, LeaseId};
use crate::net::lock::Lock;

/// The lease of one connection at one of the addresses of an upstream. Dropping it ends the lease.
///
/// Clients, links and pools handle their leases. A program that [dials](crate::upstream) connections itself keeps the
/// lease as long as the connection, and reports with it what becomes of the connection. If the lease is dropped without
/// a report and the connection was not useful, that counts as a failure of the address.
///
/// ```no_run
/// # async fn example(upstream: framelink_transport::tokio::Upstream) -> Result<(), Box<dyn std::error::Error>> {
/// let (mut connection, lease) = upstream.dial().await?;
/// match connection.recv().await {
///     Ok(_) => lease.proved(),
///     Err(error) => lease.lost(&error.to_string()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AddressLease {
    address: Arc<str>,
    id: LeaseId,
    address_book: Arc<AddressBook>,
    stage: Lock<LeaseStage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeaseStage {
    Held,
    Leaving,
    Lost,
}

impl Dialling {
    /// Turns a dial that succeeded, with sign-on, into a lease.
    pub(crate) fn connected(self) -> AddressLease {
        let address = Arc::clone(self.name());
        let (id, address_book) = self.on_connected();
        AddressLease { address, id, address_book, stage: Lock::new(LeaseStage::Held) }
    }
}

impl AddressLease {
    /// Returns the address of the connection.
    pub const fn address(&self) -> &Arc<str> {
        &self.address
    }

    /// Notes that an exchange begins on the connection.
    pub fn begin(&self) {
        self.address_book.begin(self.id);
    }

    /// Notes that an exchange has ended. `was_useful` says whether the exchange shows that the peer is well.
    pub fn end(&self, was_useful: bool) {
        self.address_book.on_useful(self.id, |addresses, lease| addresses.end(lease, was_useful));
    }

    /// Notes that something arrived that shows that the peer is well.
    pub fn proved(&self) {
        self.address_book.on_useful(self.id, Addresses::on_useful);
    }

    /// Returns whether the connection is to move to another address. Close it in good order when no exchange uses it.
    pub(crate) fn is_to_move(&self) -> bool {
        self.address_book.is_to_move(self.id) && *self.stage.lock() == LeaseStage::Held
    }

    /// Notes that we close the connection in good order. This is no loss, even if the connection was not useful. Drop
    /// the lease when the connection is closed.
    pub fn leave(&self) {
        if self.goes(LeaseStage::Leaving) {
            self.address_book.on_leaving(self.id);
        }
    }

    /// Notes that the connection has ended in another way, and why. Only the first report counts.
    pub fn lost(&self, why: &str) {
        if self.goes(LeaseStage::Lost) {
            self.address_book.on_lost(self.id, &self.address, Some(why));
        }
    }

    fn goes(&self, to: LeaseStage) -> bool {
        let mut stage = self.stage.lock();
        let is_held = *stage == LeaseStage::Held;
        if is_held {
            *stage = to;
        }
        is_held
    }
}

/// Ends the lease. Without a report no loss is counted, but if the connection was not useful, its address has failed.
impl Drop for AddressLease {
    fn drop(&mut self) {
        match *self.stage.lock() {
            LeaseStage::Held => self.address_book.on_lost(self.id, &self.address, None),
            LeaseStage::Leaving => self.address_book.on_left(),
            LeaseStage::Lost => {}
        }
    }
}
