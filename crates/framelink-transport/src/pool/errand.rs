//! What whoever works for a pool has to bring to an end.

use std::sync::Arc;
use std::time::Duration;

use super::desk::{Desk, Lock};
use super::{Lending, Member};
use crate::ConnectError;
use crate::drive::Clock;

/// A connection that is being opened. Dropped before it has [ended](Self::end), it could not be.
pub(crate) struct Opening<M: Member, K: Clock, L: Lock<Lending<M>>> {
    desk: Arc<Desk<M, K, L>>,
    began: Duration,
    is_over: bool,
}

impl<M: Member, K: Clock, L: Lock<Lending<M>>> Opening<M, K, L> {
    pub(crate) fn begin(desk: &Arc<Desk<M, K, L>>) -> Self {
        Self { desk: Arc::clone(desk), began: desk.clock().now(), is_over: false }
    }

    pub(crate) fn end(mut self, dialled: Result<M, ConnectError>) {
        self.is_over = true;
        self.desk.with(|lending, now| match dialled {
            Ok(member) => lending.dialled(member, now),
            Err(error) => lending.dial_failed(error, now),
        });
    }
}

impl<M: Member, K: Clock, L: Lock<Lending<M>>> Drop for Opening<M, K, L> {
    fn drop(&mut self) {
        if !self.is_over {
            let after = self.desk.clock().now().saturating_sub(self.began);
            self.desk.with(|lending, now| lending.dial_failed(ConnectError::NoneInTime { after }, now));
        }
    }
}

/// A connection that is being closed. When this is dropped its socket has to be closed.
pub(crate) struct Closing<M: Member, K: Clock, L: Lock<Lending<M>>>(Arc<Desk<M, K, L>>);

impl<M: Member, K: Clock, L: Lock<Lending<M>>> Closing<M, K, L> {
    pub(crate) fn begin(desk: &Arc<Desk<M, K, L>>) -> Self {
        Self(Arc::clone(desk))
    }
}

impl<M: Member, K: Clock, L: Lock<Lending<M>>> Drop for Closing<M, K, L> {
    fn drop(&mut self) {
        self.0.with(|lending, now| lending.closed(now));
    }
}
