//! What a pool has to know of a connection.

use std::time::Duration;

use super::CloseReason;

/// One that is lent: a driver's connection at its address.
pub(crate) trait Poolable {
    /// By which one that is lent can be cut.
    type Handle;

    /// Does what is due and looks at what has come, without waiting; how long until there is more to do. An error if it is not
    /// clean, so that it cannot be lent.
    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason>;

    /// Whether it is wanted at another address.
    fn is_to_move(&self) -> bool;

    /// It is lent.
    fn begin(&mut self) -> Self::Handle;

    /// It is back. Whether it was of use, so that the peer is well; which may have ended it since.
    fn end(&mut self) -> bool;

    /// It is not lent again, and it is we who want that: no failure of its address, however it is closed.
    fn leave(&mut self);

    /// It is of no use any more, and nobody of ours wanted that.
    fn lost(&mut self, reason: CloseReason);
}
