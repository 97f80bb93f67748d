//! A connection that a server serves.

use std::sync::Arc;

use super::Ledger;
use crate::error::Cause;
use crate::session::Ending;
use crate::{DecodeError, EncodeError, Error};

/// A connection that is counted as served, until it has ended or is dropped.
pub(crate) struct Seat {
    ledger: Arc<Ledger>,
    has_begun: bool,
    has_left: bool,
}

impl Seat {
    pub(crate) fn take(ledger: &Arc<Ledger>) -> Self {
        ledger.on_begun();
        Self { ledger: Arc::clone(ledger), has_begun: false, has_left: false }
    }

    /// There is a thread, or a task, that serves it.
    pub(crate) const fn begin(&mut self) {
        self.has_begun = true;
    }

    pub(crate) fn leave(&mut self, ended: Result<(), &Cause<DecodeError, EncodeError>>, discarded: usize) {
        self.ledger.on_ended(ended, discarded);
        self.has_left = true;
    }
}

/// One that was ended from outside was cut, and one that could not be begun has failed.
impl Drop for Seat {
    fn drop(&mut self) {
        if !self.has_left {
            let cause = if self.has_begun { Cause::Ended(Ending::Cut) } else { Cause::Closed };
            self.leave(Err(&cause), 0);
        }
    }
}
/// Whether a connection that has ended was only made to see whether it can be made.
pub(crate) const fn is_probe<T, D, E>(ended: &Result<T, Error<D, E>>, bytes_received: u64) -> bool {
    let is_by_peer = match ended {
        Ok(_) => true,
        Err(error) => matches!(error.cause(), Cause::Reset(_)),
    };
    is_by_peer && bytes_received == 0
}
