//! A connection that is lent.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::blocking::{Closer, Connection};
use crate::drive;
use crate::pool::{self, CloseReason, Traffic};
use crate::upstream::Seat;

/// A connection at its address.
pub(super) struct Member {
    pub(super) connection: Connection,
    pub(super) seat: Seat,
    /// What closes its socket from elsewhere.
    closer: Option<Arc<Closer>>,
    /// What had gone and come when it was lent.
    before: Traffic,
    /// Where nobody takes what comes.
    is_deaf: bool,
}

impl Member {
    pub(super) fn new(connection: Connection, seat: Seat, is_deaf: bool) -> Self {
        let (closer, before) = (connection.closer().map(Arc::new), connection.traffic());
        Self { connection, seat, closer, before, is_deaf }
    }
}

/// Shuts the socket of one that is lent down, if it is open still.
pub(super) fn cut(closer: &Weak<Closer>) {
    if let Some(close) = closer.upgrade() {
        close();
    }
}

impl pool::Member for Member {
    /// It keeps no socket open.
    type Handle = Weak<Closer>;

    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason> {
        if !self.is_deaf && self.connection.traffic().owes_since(self.before) {
            return Err(CloseReason::Dirty);
        }
        // A form of the application's own may panic, and then the connection is of no use.
        let inspected = drive::guarded(|| self.connection.inspect(self.is_deaf));
        inspected.and_then(|inspected| inspected).map_err(|cause| CloseReason::of(&cause))
    }

    fn is_to_move(&self) -> bool {
        self.seat.is_to_move()
    }

    fn begin(&mut self) -> Self::Handle {
        self.seat.begin();
        self.before = self.connection.traffic();
        self.closer.as_ref().map_or_else(Weak::new, Arc::downgrade)
    }

    fn end(&mut self) -> bool {
        let was_useful = self.connection.traffic().was_useful_since(self.before, self.is_deaf);
        self.seat.end(was_useful);
        was_useful
    }

    fn leave(&mut self) {
        self.seat.leave();
    }

    fn lost(&mut self, reason: CloseReason) {
        self.seat.lost(&reason.to_string());
    }
}
