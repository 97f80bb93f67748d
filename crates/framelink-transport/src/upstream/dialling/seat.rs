//! The place of one connection at one address.

use std::sync::Arc;

use super::{Addresses, Dialling, Ledger, SeatId};
use crate::net::lock::Lock;

/// The place of one connection at one of the addresses of an upstream; given up when it is dropped.
///
/// Clients, links and pools see to theirs. Whoever [dials](crate::upstream) for something else holds it as long as the
/// connection, and says what becomes of that: without a word, a connection that was of no use is a failure of its address.
///
/// ```no_run
/// # async fn example(upstream: framelink_transport::tokio::Upstream) -> Result<(), Box<dyn std::error::Error>> {
/// let (mut connection, seat) = upstream.dial().await?;
/// match connection.recv().await {
///     Ok(_) => seat.proved(),
///     Err(error) => seat.lost(&error.to_string()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Seat {
    address: Arc<str>,
    id: SeatId,
    ledger: Arc<Ledger>,
    stage: Lock<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Held,
    Leaving,
    Lost,
}

impl Dialling {
    /// There is a connection, signed on.
    pub(crate) fn connected(self) -> Seat {
        let address = Arc::clone(self.name());
        let (id, ledger) = self.on_connected();
        Seat { address, id, ledger, stage: Lock::new(Stage::Held) }
    }
}

impl Seat {
    /// Where it is.
    pub const fn address(&self) -> &Arc<str> {
        &self.address
    }

    /// An exchange begins on the connection.
    pub fn begin(&self) {
        self.ledger.begin(self.id);
    }

    /// It is over; whether it was of use, so that the peer is well.
    pub fn end(&self, was_useful: bool) {
        self.ledger.on_useful(self.id, |addresses, seat| addresses.end(seat, was_useful));
    }

    /// Something came on it that shows that the peer is well.
    pub fn proved(&self) {
        self.ledger.on_useful(self.id, Addresses::on_useful);
    }

    /// Whether the connection is wanted at another address: it is to be closed in good order when nobody uses it.
    pub(crate) fn is_to_move(&self) -> bool {
        self.ledger.is_to_move(self.id) && *self.stage.lock() == Stage::Held
    }

    /// The connection is being closed by us, in good order: no loss, whatever it was used for. Until this is dropped.
    pub fn leave(&self) {
        if self.goes(Stage::Leaving) {
            self.ledger.on_leaving(self.id);
        }
    }

    /// The connection has ended otherwise, because of this. What is said first counts.
    pub fn lost(&self, why: &str) {
        if self.goes(Stage::Lost) {
            self.ledger.on_lost(self.id, &self.address, Some(why));
        }
    }

    fn goes(&self, to: Stage) -> bool {
        let mut stage = self.stage.lock();
        let is_held = *stage == Stage::Held;
        if is_held {
            *stage = to;
        }
        is_held
    }
}

/// Without a word: where it was of no use, its address has failed, but nobody need be told.
impl Drop for Seat {
    fn drop(&mut self) {
        match *self.stage.lock() {
            Stage::Held => self.ledger.on_lost(self.id, &self.address, None),
            Stage::Leaving => self.ledger.on_left(),
            Stage::Lost => {}
        }
    }
}
