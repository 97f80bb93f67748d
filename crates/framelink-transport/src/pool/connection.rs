//! A connection in use by a caller.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use framelink_session::Message;

use super::task::Shared;
use super::{PoolDriver, PoolMember, PooledSlot};
use crate::error::CallError;

/// A connection in use. Dropping it releases the connection to the pool.
pub(crate) struct PooledConnection<D: PoolDriver> {
    /// `None` only during the drop.
    slot: Option<PooledSlot<PoolMember<D>>>,
    shared: Arc<Shared<D>>,
}

impl<D: PoolDriver> PooledConnection<D> {
    pub(super) fn new(slot: PooledSlot<PoolMember<D>>, shared: &Arc<Shared<D>>) -> Self {
        Self { slot: Some(slot), shared: Arc::clone(shared) }
    }

    pub(crate) fn address(&self) -> &str {
        self.slot().member.lease.address()
    }

    pub(crate) fn connection(&self) -> &D::Connection {
        &self.slot().member.connection
    }

    pub(crate) fn connection_mut(&mut self) -> &mut D::Connection {
        &mut self.member_mut().connection
    }

    /// Returns whether the connection existed before the caller asked for one.
    pub(super) fn was_there(&self) -> bool {
        self.slot().was_there
    }

    /// Sends a request and receives its reply, unless the pool is closed and cuts the exchange.
    pub(super) async fn exchange(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError> {
        let PoolMember { connection, cutter, .. } = self.member_mut();
        D::exchange(connection, cutter, request, within).await
    }

    fn slot(&self) -> &PooledSlot<PoolMember<D>> {
        self.slot.as_ref().expect("it is there until it is dropped")
    }

    fn member_mut(&mut self) -> &mut PoolMember<D> {
        &mut self.slot.as_mut().expect("it is there until it is dropped").member
    }
}

impl<D: PoolDriver> Drop for PooledConnection<D> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.shared.give_back(slot);
        }
    }
}

/// Shows the address only.
impl<D: PoolDriver> fmt::Debug for PooledConnection<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledConnection").field("address", &self.address()).finish_non_exhaustive()
    }
}
