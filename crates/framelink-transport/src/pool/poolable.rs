//! What a pool needs of a connection.

use std::time::Duration;

use super::CloseReason;

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

    /// We do not lend it again. That is no failure of its address, however it is closed.
    fn leave(&mut self);

    /// It is of no use any more, for a reason that is not ours.
    fn lost(&mut self, reason: CloseReason);
}
