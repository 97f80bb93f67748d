//! A connection of a driver, as a pool has it.

use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use super::{CloseReason, PoolDriver, Poolable, Traffic};
use crate::drive;
use crate::upstream::Seat;

/// A connection at its address.
pub(crate) struct PoolMember<D: PoolDriver> {
    pub(super) connection: D::Connection,
    pub(super) seat: Seat,
    pub(super) cutter: Arc<D::Cutter>,
    /// Woken when something arrives while the connection is idle.
    arrivals: Waker,
    /// The traffic before it was lent.
    before: Traffic,
    /// Whether nothing takes messages that arrive.
    is_deaf: bool,
}

impl<D: PoolDriver> PoolMember<D> {
    pub(super) fn new(connection: D::Connection, seat: Seat, arrivals: Waker, is_deaf: bool) -> Self {
        let (cutter, before) = (Arc::new(D::cutter(&connection)), D::traffic(&connection));
        Self { connection, seat, cutter, arrivals, before, is_deaf }
    }
}

impl<D: PoolDriver> Poolable for PoolMember<D> {
    /// It keeps no socket open.
    type Handle = Weak<D::Cutter>;

    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason> {
        if !self.is_deaf && D::traffic(&self.connection).owes_since(self.before) {
            return Err(CloseReason::Dirty);
        }
        // A form of the application's own may panic, and then the connection is of no use.
        let inspected = drive::guarded(|| D::inspect(&mut self.connection, &self.arrivals, self.is_deaf));
        inspected.and_then(|inspected| inspected).map_err(|cause| CloseReason::of(&cause))
    }

    fn is_to_move(&self) -> bool {
        self.seat.is_to_move()
    }

    fn begin(&mut self) -> Self::Handle {
        self.seat.begin();
        self.before = D::traffic(&self.connection);
        Arc::downgrade(&self.cutter)
    }

    fn end(&mut self) -> bool {
        let was_useful = D::traffic(&self.connection).was_useful_since(self.before, self.is_deaf);
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
