//! The place of one connection at one address.

use std::sync::Arc;

use super::{AddressBook, Addresses, Dialling, LeaseId};
use crate::net::lock::Lock;

/// The place of one connection at one of the addresses of an upstream; given up when it is dropped.
///
/// Clients, links and pools see to theirs. A program that [dials](crate::upstream) for something else holds it as long as the
/// connection, and says what becomes of that: without a word, a connection that was of no use is a failure of its address.
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
    /// There is a connection, signed on.
    pub(crate) fn connected(self) -> AddressLease {
        let address = Arc::clone(self.name());
        let (id, address_book) = self.on_connected();
        AddressLease { address, id, address_book, stage: Lock::new(LeaseStage::Held) }
    }
}

impl AddressLease {
    /// Where it is.
    pub const fn address(&self) -> &Arc<str> {
        &self.address
    }

    /// An exchange begins on the connection.
    pub fn begin(&self) {
        self.address_book.begin(self.id);
    }

    /// It is over; whether it was of use, so that the peer is well.
    pub fn end(&self, was_useful: bool) {
        self.address_book.on_useful(self.id, |addresses, lease| addresses.end(lease, was_useful));
    }

    /// Something came on it that shows that the peer is well.
    pub fn proved(&self) {
        self.address_book.on_useful(self.id, Addresses::on_useful);
    }

    /// Whether the connection is wanted at another address: it is to be closed in good order when no exchange uses it.
    pub(crate) fn is_to_move(&self) -> bool {
        self.address_book.is_to_move(self.id) && *self.stage.lock() == LeaseStage::Held
    }

    /// The connection is being closed by us, in good order: no loss, whatever it was used for. Until this is dropped.
    pub fn leave(&self) {
        if self.goes(LeaseStage::Leaving) {
            self.address_book.on_leaving(self.id);
        }
    }

    /// The connection has ended otherwise, because of this. What is said first counts.
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

/// The connection ends without a reason that is known: no loss is counted. If it was of no use, its address has failed.
impl Drop for AddressLease {
    fn drop(&mut self) {
        match *self.stage.lock() {
            LeaseStage::Held => self.address_book.on_lost(self.id, &self.address, None),
            LeaseStage::Leaving => self.address_book.on_left(),
            LeaseStage::Lost => {}
        }
    }
}
