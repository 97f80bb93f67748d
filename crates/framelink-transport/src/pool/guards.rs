//! Guards that report the end of a job to the pool, also when the job panics or is aborted.

use std::sync::Arc;
use std::time::Duration;

use super::shared::{Lock, SharedPool};
use super::{PoolState, Poolable};
use crate::ConnectError;
use crate::drive::Clock;

/// A connection that is being opened. If this is dropped before it has [ended](Self::end), the dial has failed.
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
        self.shared.with(|state, now| match dialled {
            Ok(member) => state.dialled(member, now),
            Err(error) => state.dial_failed(error, now),
        });
    }
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Drop for Opening<M, K, L> {
    fn drop(&mut self) {
        if !self.is_over {
            let after = self.shared.clock().now().saturating_sub(self.began);
            self.shared.with(|state, now| state.dial_failed(ConnectError::NoneInTime { after }, now));
        }
    }
}

/// A connection that is being closed. Drop this after the socket is closed.
pub(crate) struct Closing<M: Poolable, K: Clock, L: Lock<PoolState<M>>>(Arc<SharedPool<M, K, L>>);

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Closing<M, K, L> {
    pub(crate) fn begin(shared: &Arc<SharedPool<M, K, L>>) -> Self {
        Self(Arc::clone(shared))
    }
}

impl<M: Poolable, K: Clock, L: Lock<PoolState<M>>> Drop for Closing<M, K, L> {
    fn drop(&mut self) {
        self.0.with(|state, now| state.closed(now));
    }
}
