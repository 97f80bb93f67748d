//! The task or thread of a pool.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::arrivals::Arrivals;
use super::{CloseReason, Job, PoolDriver, PoolMember, PoolState, SharedPool, THREAD_NAME};
use crate::drive::Clock as _;
use crate::driver::{Connection as _, Driver, Notify as _};
use crate::error::ConnectError;
use crate::net::lock::Lock;
use crate::profile::Profile;
use crate::upstream::{Dialler, sign_off_and_close};

/// The state of a pool over a driver.
pub(super) type Shared<D> = SharedPool<Mutex<PoolState<PoolMember<D>>>, <D as Driver>::Clock>;

/// Dials, closes and maintains connections for a pool. Without a thread for it, callers [stand in](Self::stand_in).
pub(super) struct PoolTask<D: PoolDriver> {
    pub(super) shared: Arc<Shared<D>>,
    dialler: Dialler<D>,
    changed: Arc<D::Notify>,
    arrivals: Arc<Arrivals<D::Notify>>,
    pub(super) task: OnceLock<D::Task>,
    /// Why no thread could be started the last time.
    error: Lock<Option<Arc<io::Error>>>,
    /// Dials that a caller which stood in has left to the next one.
    dials_left: AtomicUsize,
}

impl<D: PoolDriver> PoolTask<D> {
    /// The shared pool wakes `changed`.
    pub(super) fn new(shared: &Arc<Shared<D>>, changed: Arc<D::Notify>, dialler: Dialler<D>) -> Arc<Self> {
        let arrivals = Arrivals::new(&changed);
        let (task, error, dials_left) = (OnceLock::new(), Lock::new(None), AtomicUsize::new(0));
        Arc::new(Self { shared: Arc::clone(shared), dialler, changed, arrivals, task, error, dials_left })
    }

    pub(super) fn profile(&self) -> &Profile {
        self.dialler.profile()
    }

    /// Starts the task, if it has not started. Returns false when the system has no thread for it.
    pub(super) fn start(self: &Arc<Self>) -> bool {
        if self.task.get().is_some() {
            return true;
        }
        let mut error = self.error.lock();
        // Another caller may have started it meanwhile.
        if self.task.get().is_some() {
            return true;
        }
        match D::spawn(THREAD_NAME, maintain(Arc::clone(self))) {
            Ok(task) => {
                *error = None;
                self.task.set(task).is_ok()
            }
            Err(refused) => {
                *error = Some(Arc::new(refused));
                false
            }
        }
    }

    pub(super) fn error(&self) -> Option<Arc<io::Error>> {
        self.error.lock().clone()
    }

    /// Without a thread, does the pool's jobs here and returns when there are more. With `until` it dials once, up to
    /// then.
    pub(super) async fn stand_in(self: &Arc<Self>, until: Option<Duration>) -> Option<Duration> {
        if self.start() {
            return None;
        }
        // Boxed because it is rare, so that the futures of callers stay small.
        Box::pin(self.work_here(until)).await
    }

    async fn work_here(&self, until: Option<Duration>) -> Option<Duration> {
        let (jobs, next) = self.shared.look_after(false)?;
        for job in jobs {
            match job {
                Job::Dial => drop(self.dials_left.fetch_add(1, Ordering::AcqRel)),
                Job::Close(member, reason) => {
                    let _closing = self.closing();
                    self.close(member, reason, Duration::ZERO).await;
                }
            }
        }
        let Some(until) = until else { return next };
        if self.take_dial() {
            let left = until.saturating_sub(self.shared.clock.now());
            let opening = self.opening();
            opening.end(self.dial(left.min(self.profile().timeouts().connect)).await);
        }
        // The dialled connection may be for this caller. If not, there is more to dial.
        let is_done = self.dials_left.load(Ordering::Acquire) == 0;
        if is_done { next } else { Some(self.shared.clock.now()) }
    }

    fn take_dial(&self) -> bool {
        self.dials_left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
    }

    fn opening(&self) -> Opening<D> {
        Opening { shared: Arc::clone(&self.shared), began: self.shared.clock.now(), dialled: None }
    }

    fn closing(&self) -> Closing<D> {
        Closing(Arc::clone(&self.shared))
    }

    /// Starts a job beside the task.
    fn begin(self: &Arc<Self>, jobs: &mut D::Jobs, job: Job<PoolMember<D>>) {
        let (task, timeouts) = (Arc::clone(self), self.profile().timeouts());
        match job {
            Job::Dial => {
                // A dial has its full time even if there is no thread for it and the task dials itself.
                let opening = self.opening();
                let work = move |_| async move { opening.end(task.dial(timeouts.connect).await) };
                D::begin(jobs, timeouts.connect, work);
            }
            Job::Close(member, reason) => {
                let closing = self.closing();
                let work = move |within| async move {
                    task.close(member, reason, within).await;
                    drop(closing);
                };
                D::begin(jobs, timeouts.close, work);
            }
        }
    }

    async fn dial(&self, within: Duration) -> Result<PoolMember<D>, ConnectError> {
        let (connection, lease) = self.dialler.connect(D::within(within)).await?;
        Ok(PoolMember::new(connection, lease, self.arrivals.waker(), !self.profile().exchange().receives()))
    }

    /// Closes in good order. A peer that closes after each exchange goes first, so that our port is not held.
    async fn close(&self, member: PoolMember<D>, reason: CloseReason, within: Duration) {
        // The lease has been left already. It is kept until the socket is closed.
        let PoolMember { mut connection, lease: _lease, .. } = member;
        if reason == CloseReason::Replaced {
            connection.wait_for_end(within).await;
            drop(connection);
        } else {
            let _ = sign_off_and_close::<D>(connection, &self.dialler.connector.setup, within).await;
        }
    }

    pub(super) fn at(&self, time: Duration) -> Instant {
        D::within(time.saturating_sub(self.shared.clock.now()))
    }
}

/// The pool's task, until the pool is over.
async fn maintain<D: PoolDriver>(task: Arc<PoolTask<D>>) {
    let mut jobs = D::Jobs::default();
    loop {
        let version = task.changed.version();
        let Some((begun, next)) = task.shared.look_after(task.arrivals.take()) else { return };
        let left = task.dials_left.swap(0, Ordering::AcqRel);
        for job in std::iter::repeat_with(|| Job::Dial).take(left).chain(begun) {
            task.begin(&mut jobs, job);
        }
        D::wait(&mut jobs, &task.changed, version, next.map(|at| task.at(at))).await;
    }
}

/// A connection that is being opened. Dropping this reports the result; after a panic or abort, a failed dial.
struct Opening<D: PoolDriver> {
    shared: Arc<Shared<D>>,
    began: Duration,
    dialled: Option<Result<PoolMember<D>, ConnectError>>,
}

impl<D: PoolDriver> Opening<D> {
    fn end(mut self, dialled: Result<PoolMember<D>, ConnectError>) {
        self.dialled = Some(dialled);
    }
}

impl<D: PoolDriver> Drop for Opening<D> {
    fn drop(&mut self) {
        let (dialled, began) = (self.dialled.take(), self.began);
        self.shared.with(|state, now| match dialled {
            Some(Ok(member)) => state.dialled(member, now),
            Some(Err(error)) => state.dial_failed(error, now),
            None => state.dial_failed(ConnectError::NoneInTime { after: now.saturating_sub(began) }, now),
        });
    }
}

/// A connection that is being closed. Drop this after the socket is closed.
struct Closing<D: PoolDriver>(Arc<Shared<D>>);

impl<D: PoolDriver> Drop for Closing<D> {
    fn drop(&mut self) {
        self.0.with(|state, now| state.closed(now));
    }
}
