//! A connection that is lent.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;

use crate::drive;
use crate::pool::{self, CloseReason, Traffic};
use crate::tokio::Connection;
use crate::upstream::Seat;

/// A connection at its address.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) connection: Connection,
    pub(super) seat: Seat,
    /// Told when the exchange that is under way is cut.
    pub(super) cut: Arc<Notify>,
    /// Woken when something comes while it is idle.
    keeper: Waker,
    /// What had gone and come when it was lent.
    before: Traffic,
    /// Where nobody takes what comes.
    is_deaf: bool,
}

impl Member {
    pub(super) fn new(connection: Connection, seat: Seat, keeper: Waker, is_deaf: bool) -> Self {
        let before = connection.traffic();
        Self { connection, seat, cut: Arc::new(Notify::new()), keeper, before, is_deaf }
    }
}

impl pool::Member for Member {
    type Handle = Arc<Notify>;

    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason> {
        if !self.is_deaf && self.connection.traffic().owes_since(self.before) {
            return Err(CloseReason::Dirty);
        }
        // A form of the application's own may panic, and then the connection is of no use.
        let inspected = drive::guarded(|| self.connection.inspect(&self.keeper, self.is_deaf));
        inspected.and_then(|inspected| inspected).map_err(|cause| CloseReason::of(&cause))
    }

    fn is_to_move(&self) -> bool {
        self.seat.is_to_move()
    }

    fn begin(&mut self) -> Self::Handle {
        self.seat.begin();
        self.before = self.connection.traffic();
        Arc::clone(&self.cut)
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
