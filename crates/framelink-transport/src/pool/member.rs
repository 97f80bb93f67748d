//! A connection of a pool, with its address.

use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use super::{CloseReason, PoolDriver};
use crate::connection::Traffic;
use crate::drive;
use crate::upstream::AddressLease;

/// A connection that a pool can hand out.
pub(crate) trait Poolable {
    /// Cuts a connection that is in use.
    type Handle;

    /// Does what is due and reads what has arrived, without waiting. Returns how long until there is more to do, or an
    /// error if the connection is not clean and must be closed.
    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason>;

    /// Returns whether the upstream wants the connection at another address.
    fn is_to_move(&self) -> bool;

    /// Called when the connection is handed out.
    fn begin(&mut self) -> Self::Handle;

    /// Called when the connection is released. Returns whether its use showed that the peer is well. It may have ended.
    fn end(&mut self) -> bool;

    /// Called when the pool closes the connection. If the reason is ours, the close is no failure of the address.
    fn leave(&mut self, reason: CloseReason);
}

/// A driver's connection, with its lease of an address.
pub(crate) struct PoolMember<D: PoolDriver> {
    pub(super) connection: D::Connection,
    pub(super) lease: AddressLease,
    pub(super) cutter: Arc<D::Cutter>,
    /// Woken when something arrives while the connection is idle.
    arrivals: Waker,
    /// The traffic before the connection was handed out.
    before: Traffic,
    /// Whether messages that arrive while the connection is idle are discarded.
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
    /// A weak reference: it keeps no socket open.
    type Handle = Weak<D::Cutter>;

    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason> {
        if !self.discard_unsolicited && D::traffic(&self.connection).owes_since(self.before) {
            return Err(CloseReason::Dirty);
        }
        // A heartbeat form of the application may panic. The connection cannot be used after that.
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
