//! What whoever works for a pool has to bring to an end.

use std::sync::Arc;
use std::time::Duration;

use super::shared::{Lock, SharedPool};
use super::{PoolState, Poolable};
use crate::ConnectError;
use crate::drive::Clock;

/// A connection that is being opened. Dropped before it has [ended](Self::end), it could not be.
pub(crate) struct Opening<M: Poolable, K: Clock, L: Lock<PoolState<M>>> {
    shared: Arc<SharedPool<M, K, L>>,
    began: Duration,
    is_over: bool,
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Opening<M, K, L> {
    pub(crate) fn begin(shared: &Arc<SharedPool<M, K, L>>) -> Self {
        Self { shared: Arc::clone(shared), began: shared.clock().now(), is_over: false }
    }

    pub(crate) fn end(mut self, dialled: Result<M, ConnectError>) {
        self.is_over = true;
        self.shared.with(|pool, now| match dialled {
            Ok(member) => pool.dialled(member, now),
            Err(error) => pool.dial_failed(error, now),
        });
    }
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Drop for Opening<M, K, L> {
    fn drop(&mut self) {
        if !self.is_over {
            let after = self.shared.clock().now().saturating_sub(self.began);
            self.shared.with(|pool, now| pool.dial_failed(ConnectError::NoneInTime { after }, now));
        }
    }
}

/// A connection that is being closed. When this is dropped its socket has to be closed.
pub(crate) struct Closing<M: Poolable, K: Clock, L: Lock<PoolState<M>>>(Arc<SharedPool<M, K, L>>);

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Closing<M, K, L> {
    pub(crate) fn begin(shared: &Arc<SharedPool<M, K, L>>) -> Self {
        Self(Arc::clone(shared))
    }
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Drop for Closing<M, K, L> {
    fn drop(&mut self) {
        self.0.with(|pool, now| pool.closed(now));
    }
}
