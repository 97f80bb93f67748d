//! What a role needs from its driver.
//!
//! A role (a client, a link, a pool) is async code over [`Driver`], written once. Tokio awaits its futures. On the
//! blocking and the non-blocking driver every operation waits by itself, so a future of a role is ready at its first
//! poll; `at_once` polls it. Role code awaits one thing at a time. Drivers wait for several things.

mod condvar;
mod ready;
mod task;
mod waits;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Wake;
use std::time::{Duration, Instant};

use crate::drive::{self, CloseReport};
use crate::error::{CallError, ConnectError, Error};
use crate::net::connector::Connector;
use crate::profile::ExchangeKind;
use framelink_profile::FramingPair;
use framelink_session::Message;

pub(crate) use condvar::ThreadNotify;
pub(crate) use ready::{Suspended, at_once};
pub(crate) use task::TaskSlot;
pub(crate) use waits::{awaited, plain, ready, role_connection, waiting_driver};

/// A kind of socket, with its clock and its tasks or threads. The marker types of the drivers implement it.
pub(crate) trait Driver: Clone + fmt::Debug + Send + Sync + 'static {
    type Connection: Connection;
    /// The clock of sessions and state machines. Deadlines of roles are [`Instant`]s.
    type Clock: drive::Clock + Copy + fmt::Debug + Send + Sync + 'static;
    /// The notification that a role waits for.
    type Notify: Notify;
    /// A spawned task or thread.
    type Task: Task;
    /// The lookup function of an application.
    type Lookup: Clone + Send + Sync + 'static;
    /// Resolves names, with the function of the application or with the system.
    type Resolver: Send + Sync + 'static;
    /// Whether work goes on while no method of a role runs: moves, states, heartbeats between exchanges.
    const HAS_BACKGROUND: bool;

    /// Returns a clock that starts now.
    fn clock() -> Self::Clock;

    fn now() -> Instant;

    /// Creates a resolver. It calls `on_panic` when the function of the application panics.
    fn resolver(lookup: Option<Self::Lookup>, on_panic: impl Fn() + Send + Sync + 'static) -> Self::Resolver;

    /// Connects to the peer with this name, for `connector.within` at most.
    fn dial(
        connector: &Connector<FramingPair, Self>,
        resolver: &Self::Resolver,
        name: &Arc<str>,
    ) -> impl Future<Output = Result<Self::Connection, ConnectError>> + Send;

    /// Spawns a task, or a thread with this name.
    ///
    /// # Errors
    /// Fails if the system has no thread left, or if there is no runtime.
    fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<Self::Task>;

    /// Runs `work` in the background, with this time limit. If the system has no thread left, runs `work` here before
    /// returning, with no time to wait, and returns the error. If there is no runtime, `work` is dropped.
    fn detach<F: Future<Output = ()> + Send>(
        name: &'static str,
        within: Duration,
        work: impl FnOnce(Duration) -> F + Send + 'static,
    ) -> io::Result<()>;

    /// Returns the instant `time` from now. A time that the clock cannot represent becomes 100 years.
    fn within(time: Duration) -> Instant {
        const NEVER: Duration = Duration::from_secs(100 * 365 * 86400);
        let now = Self::now();
        now.checked_add(time).unwrap_or_else(|| now + NEVER)
    }

    fn sleep_until(at: Instant) -> impl Future<Output = ()> + Send {
        async move {
            Self::Notify::default().wait(0, Some(at)).await;
        }
    }

    fn left(deadline: Instant) -> Duration {
        deadline.saturating_duration_since(Self::now())
    }
}

/// The connection of a driver, for roles. The methods are those of the public type of that name.
pub(crate) trait Connection: fmt::Debug + Send + Sized + 'static {
    fn peer_addr(&self) -> Option<SocketAddr>;
    /// Makes a call. With `half_close`, writing is shut down after the request.
    fn exchange(
        &mut self,
        request: &[u8],
        within: Duration,
        half_close: bool,
    ) -> impl Future<Output = Result<Message, CallError>> + Send;
    fn send_with_outcome(
        &mut self,
        payload: &[u8],
        limit: Duration,
    ) -> impl Future<Output = Result<(), CallError>> + Send;
    fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> + Send;
    /// Waits for the peer to close, for `within` at most. A message that arrives instead counts as unread.
    fn wait_for_end(&mut self, within: Duration) -> impl Future<Output = ()> + Send;
    fn close(self, within: Duration) -> impl Future<Output = Result<CloseReport, Error>> + Send;
    /// Returns whether the connection has ended since its last use. With `is_heard` false, messages are discarded.
    fn has_ended(&mut self, is_heard: bool) -> bool;
    /// Returns whether it has heartbeats, which are also sent between exchanges.
    fn is_watched(&self) -> bool;
    /// Does what is due between two exchanges of this kind, without waiting. Returns the time until more is due. If the
    /// kind is receive-only, a message stays for the next `recv`.
    fn maintain(&mut self, exchange: ExchangeKind) -> Result<Option<Duration>, Error>;
}

/// A notification of changes, for tasks or threads that wait. As a waker it notifies.
pub(crate) trait Notify: Default + Wake + fmt::Debug + Send + Sync + 'static {
    /// Wakes all that wait for a change.
    fn notify(&self);
    /// Returns the number of changes so far, for [`wait`](Self::wait).
    fn version(&self) -> u64;
    /// Waits for a change after this version, until `until` at most. Returns false if there was none.
    fn wait(&self, version: u64, until: Option<Instant>) -> impl Future<Output = bool> + Send;
}

pub(crate) trait Task: fmt::Debug + Send + Sync + 'static {
    /// Ends the task where it waits. A thread goes on until it checks whether to end.
    fn abort(&self);
    fn is_finished(&self) -> bool;
}
