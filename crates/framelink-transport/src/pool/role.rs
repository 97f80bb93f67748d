//! The pool of a profile, for any driver.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use framelink_session::Message;

use super::task::PoolTask;
use super::{PoolDriver, PoolReport, PoolState, PoolStatus, PooledConnection, SharedPool};
use crate::client::rules::{Next, after_call};
use crate::drive::Clock as _;
use crate::driver::{Connection as _, Notify as _, Task as _};
use crate::error::PoolError;
use crate::error::{CallError, Cause, Error, Operation};
use crate::profile::{Profile, ProfileError, Timeouts};
use crate::session::{self, Sent};
use crate::upstream::{Dialler, pause_before};

/// How often idle connections are checked if nothing else causes a check.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A pool of long connections to one peer, each for one exchange at a time. Clones share the pool.
pub(crate) struct Pool<D: PoolDriver> {
    owner: Arc<Owner<D>>,
}

/// Ends the connections when the last clone of the pool is dropped.
struct Owner<D: PoolDriver>(Arc<PoolTask<D>>);

impl<D: PoolDriver> Pool<D> {
    /// Makes a pool and dials the minimum number of connections.
    pub(crate) fn over(dialler: Dialler<D>) -> Result<Self, ProfileError> {
        let (rules, clock, changed) = (dialler.profile().check_pool()?, D::clock(), Arc::<D::Notify>::default());
        dialler.connector.setup.open_files()?;
        // A connection has to move without any event on it only if there is another address.
        let may_move = dialler.settings.names.len() > 1;
        let look_every = (may_move || !D::WAKES_ON_ARRIVAL).then_some(LOOK_EVERY);
        let state = PoolState::new(rules, look_every, u64::from(session::jitter()), clock.now());
        let shared = Arc::new(SharedPool::new(Mutex::new(state), clock, Arc::clone(&changed).into()));
        let task = PoolTask::new(&shared, changed, dialler);
        task.start();
        Ok(Self { owner: Arc::new(Owner(task)) })
    }

    pub(crate) fn profile(&self) -> &Profile {
        self.task().profile()
    }

    pub(crate) fn status(&self) -> PoolStatus {
        self.task().shared.with(|state, _| state.status())
    }

    pub(crate) fn task_error(&self) -> Option<Arc<std::io::Error>> {
        self.task().error()
    }

    pub(crate) async fn call(&self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.time_to_reply();
        let deadline = D::within(within);
        let mut tries = 0;
        loop {
            let lent = self.get_until(deadline).await;
            let mut lent = lent.map_err(|why| not_lent(Operation::Call, why))?;
            let was_there = lent.was_there() || tries > 0;
            let error = match lent.exchange(request, D::left(deadline)).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            drop(lent);
            if after_call(was_there, &error) != Next::DialAgain || D::left(deadline).is_zero() {
                return Err(error.within(within));
            }
            D::sleep_until(D::within(pause_before(tries).min(D::left(deadline)))).await;
            tries += 1;
        }
    }

    pub(crate) async fn send(&self, message: &[u8]) -> Result<(), CallError> {
        let deadline = D::within(self.time_to_reply());
        let lent = self.get_until(deadline).await;
        let mut lent = lent.map_err(|why| not_lent(Operation::Send, why))?;
        let within = D::left(deadline).min(self.profile().timeouts().write);
        lent.connection_mut().send_with_outcome(message, within).await
    }

    /// Gets a connection. Waits for it as long as the profile says.
    pub(crate) async fn get(&self) -> Result<PooledConnection<D>, PoolError> {
        self.get_until(D::within(Duration::MAX)).await
    }

    /// Waits until all connections are released and closed, for `within` at most. Then cuts exchanges under way.
    pub(crate) async fn close(&self, within: Duration) -> PoolReport {
        let (shared, until, changed) = (&self.task().shared, D::within(within), Arc::<D::Notify>::default());
        let waker = Waker::from(Arc::clone(&changed));
        shared.with(|state, now| state.close(now));
        loop {
            let version = changed.version();
            if shared.with(|state, _| state.poll_drained(&waker)) || D::left(until).is_zero() {
                break;
            }
            let next = self.task().stand_in(None).await.map(|at| self.task().at(at));
            changed.wait(version, next.into_iter().chain([until]).min()).await;
        }
        let (report, cutters) = shared.with(|state, now| state.cut(now));
        cutters.iter().filter_map(Weak::upgrade).for_each(|cutter| D::cut(&cutter));
        report
    }

    async fn get_until(&self, deadline: Instant) -> Result<PooledConnection<D>, PoolError> {
        let task = self.task();
        task.start();
        let mut waiting = task.shared.lend(D::left(deadline));
        // Usually a connection is available, and no waker has to be made.
        if let Some(slot) = waiting.ask(Waker::noop()) {
            return Ok(PooledConnection::new(slot?, &task.shared));
        }
        let changed = Arc::<D::Notify>::default();
        let waker = Waker::from(Arc::clone(&changed));
        loop {
            let version = changed.version();
            if let Some(slot) = waiting.ask(&waker) {
                return Ok(PooledConnection::new(slot?, &task.shared));
            }
            let until = waiting.until();
            let next = task.stand_in(until).await;
            changed.wait(version, until.into_iter().chain(next).min().map(|at| task.at(at))).await;
        }
    }

    fn time_to_reply(&self) -> Duration {
        self.profile().timeouts().reply.unwrap_or(Timeouts::REPLY)
    }

    fn task(&self) -> &Arc<PoolTask<D>> {
        &self.owner.0
    }
}

impl<D: PoolDriver> Clone for Pool<D> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner) }
    }
}

impl<D: PoolDriver> Drop for Owner<D> {
    fn drop(&mut self) {
        self.0.shared.with(|state, now| state.cut(now));
        if let Some(task) = self.0.task.get() {
            task.abort();
        }
    }
}

/// Shows numbers only.
impl<D: PoolDriver> fmt::Debug for Pool<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        f.debug_struct("Pool")
            .field("idle", &status.idle)
            .field("lent", &status.lent)
            .field("waiting", &status.waiting)
            .finish_non_exhaustive()
    }
}

fn not_lent(operation: Operation, why: PoolError) -> CallError {
    CallError::new(Sent::Not, Error::new(operation, None, Cause::PoolError(Box::new(why))))
}
