//! The implementation of the trait `Driver` for tokio.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Wake;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync;
use tokio::task::AbortHandle;
use tokio::time::timeout_at;

use super::Connection;
use super::clock::Clock;
use super::connector::{Connector, Tokio};
use super::resolver::{Lookup, Resolver};
use crate::driver::{Driver, Notify, Task, awaited, role_connection};
use crate::error::ConnectError;

impl Driver for Tokio {
    type Connection = Connection;
    type Clock = Clock;
    type Notify = TaskNotify;
    type Task = AbortHandle;
    type Lookup = Lookup;
    type Resolver = Resolver;
    const HAS_BACKGROUND: bool = true;

    fn clock() -> Clock {
        Clock::start()
    }

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn resolver(lookup: Option<Lookup>, on_panic: impl Fn() + Send + Sync + 'static) -> Resolver {
        Resolver::new(lookup, on_panic)
    }

    async fn dial(connector: &Connector, resolver: &Resolver, name: &Arc<str>) -> Result<Connection, ConnectError> {
        resolver.dial(connector, name).await
    }

    fn spawn(_name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<AbortHandle> {
        Ok(runtime()?.spawn(work).abort_handle())
    }

    fn detach<F: Future<Output = ()> + Send>(
        _name: &'static str,
        within: Duration,
        work: impl FnOnce(Duration) -> F + Send + 'static,
    ) -> io::Result<()> {
        runtime()?.spawn(async move { work(within).await });
        Ok(())
    }
}

/// Returns the current runtime. A value may be dropped after its runtime is gone, so this can fail.
fn runtime() -> io::Result<Handle> {
    Handle::try_current().map_err(io::Error::other)
}

impl Task for AbortHandle {
    fn abort(&self) {
        Self::abort(self);
    }

    fn is_finished(&self) -> bool {
        Self::is_finished(self)
    }
}

/// Counts changes, for tasks that wait for the next one.
#[derive(Debug, Default)]
pub(crate) struct TaskNotify {
    version: AtomicU64,
    changed: sync::Notify,
}

impl Notify for TaskNotify {
    fn notify(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    async fn wait(&self, version: u64, until: Option<Instant>) -> bool {
        // Created before the version is checked, so that no change between the check and the wait is missed.
        let changed = self.changed.notified();
        if self.version() != version {
            return true;
        }
        match until {
            None => changed.await,
            Some(until) => drop(timeout_at(until.into(), changed).await),
        }
        self.version() != version
    }
}

impl Wake for TaskNotify {
    fn wake(self: Arc<Self>) {
        self.notify();
    }
}

role_connection!(awaited);
