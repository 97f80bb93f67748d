//! A connection, as a pool has it.

use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use super::{CloseReason, PoolDriver};
use crate::connection::Traffic;
use crate::drive;
use crate::upstream::AddressLease;

/// A connection that can be lent: a driver's connection at its address.
pub(crate) trait Poolable {
    /// What cuts a connection that is lent.
    type Handle;

    /// Does what is due and reads what has arrived, without waiting; how long until there is more to do. An error if the connection is not
    /// clean, so that it cannot be lent.
    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason>;

    /// Whether it is wanted at another address.
    fn is_to_move(&self) -> bool;

    /// The connection is lent.
    fn begin(&mut self) -> Self::Handle;

    /// The connection is back. Whether it was of use, so that the peer is well. It may have ended since.
    fn end(&mut self) -> bool;

    /// We do not lend it again. If the reason is ours, that is no failure of its address, however it is closed.
    fn leave(&mut self, reason: CloseReason);
}

/// A connection at its address.
pub(crate) struct PoolMember<D: PoolDriver> {
    pub(super) connection: D::Connection,
    pub(super) lease: AddressLease,
    pub(super) cutter: Arc<D::Cutter>,
    /// Woken when something arrives while the connection is idle.
    arrivals: Waker,
    /// The traffic before it was lent.
    before: Traffic,
    /// Whether nothing takes messages that arrive.
    discard_unsolicited: bool,
}

impl<D: PoolDriver> PoolMember<D> {
    pub(super) fn new(
        connection: D::Connection,
        lease: AddressLease,
        arrivals: Waker,
        discard_unsolicited: bool,
    ) -> Self {
        let (cutter, before) = (Arc::new(D::cutter(&connection)), D::traffic(&connection));
        Self { connection, lease, cutter, arrivals, before, discard_unsolicited }
    }
}

impl<D: PoolDriver> Poolable for PoolMember<D> {
    /// It keeps no socket open.
    type Handle = Weak<D::Cutter>;

    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason> {
        if !self.discard_unsolicited && D::traffic(&self.connection).owes_since(self.before) {
            return Err(CloseReason::Dirty);
        }
        // A form of the application's own may panic, and then the connection is of no use.
        let inspected = drive::guarded(|| D::inspect(&mut self.connection, &self.arrivals, self.discard_unsolicited));
        inspected.and_then(|inspected| inspected).map_err(|cause| CloseReason::of(&cause))
    }

    fn is_to_move(&self) -> bool {
        self.lease.is_to_move()
    }

    fn begin(&mut self) -> Self::Handle {
        self.lease.begin();
        self.before = D::traffic(&self.connection);
        Arc::downgrade(&self.cutter)
    }

    fn end(&mut self) -> bool {
        let was_useful = D::traffic(&self.connection).was_useful_since(self.before, self.discard_unsolicited);
        self.lease.end(was_useful);
        was_useful
    }

    fn leave(&mut self, reason: CloseReason) {
        match reason.is_orderly() {
            true => self.lease.leave(),
            false => self.lease.lost(&reason.to_string()),
        }
    }
}
