//! What a role that is written once needs of its driver.
//!
//! A role (a client, a link, a pool) is async code over [`Driver`]. On tokio its futures are awaited. On blocking and nonblocking every
//! operation of the driver waits by itself, so that a future of a role is ready when it is polled for the first time: `at_once` polls
//! it. Role code awaits one thing after the other. What waits for several things at once is an operation of the driver.

#[cfg(any(feature = "blocking", feature = "nonblocking"))]
mod condvar;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
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

#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use condvar::ThreadNotify;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use ready::Suspended;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use ready::at_once;
pub(crate) use task::TaskSlot;
#[cfg(feature = "tokio")]
pub(crate) use waits::awaited;
pub(crate) use waits::role_connection;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use waits::{plain, ready, waiting_driver};

/// A kind of sockets, with its clock and its tasks or threads. The marker types of the drivers implement it.
pub(crate) trait Driver: Clone + fmt::Debug + Send + Sync + 'static {
    type Connection: Connection;
    /// Time, as sessions and machines take it. Deadlines of roles are [`Instant`]s.
    type Clock: drive::Clock + Copy + fmt::Debug + Send + Sync + 'static;
    /// What a role waits for when it waits for a change.
    type Notify: Notify;
    /// A task or a thread that was spawned.
    type Task: Task;
    /// How an application looks names up.
    type Lookup: Clone + Send + Sync + 'static;
    /// What looks names up: the application's lookup, or the system's.
    type Resolver: Send + Sync + 'static;
    /// Whether anything goes on while no method of a role is called: idle connections that move, states, heartbeats between exchanges.
    const HAS_BACKGROUND: bool;

    /// A clock that counts from now on.
    fn clock() -> Self::Clock;

    /// What time it is.
    fn now() -> Instant;

    /// `on_panic` is called when the lookup of the application panics.
    fn resolver(lookup: Option<Self::Lookup>, on_panic: impl Fn() + Send + Sync + 'static) -> Self::Resolver;

    /// Connects to the peer of that name, for `connector.within` at most.
    fn dial(
        connector: &Connector<FramingPair, Self>,
        resolver: &Self::Resolver,
        name: &Arc<str>,
    ) -> impl Future<Output = Result<Self::Connection, ConnectError>> + Send;

    /// Begins a task, or a thread of that name.
    ///
    /// # Errors
    /// When the system has no thread left, or there is no runtime.
    fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<Self::Task>;

    /// Has `work` done within that time, beside what goes on here. Where the system has no thread left, `work` is done here before this
    /// returns, with no time to wait, and the error says why. Where there is no runtime, `work` is dropped.
    fn detach<F: Future<Output = ()> + Send>(
        name: &'static str,
        within: Duration,
        work: impl FnOnce(Duration) -> F + Send + 'static,
    ) -> io::Result<()>;

    /// So long from now. A time that no clock can count to is as good as never.
    fn within(time: Duration) -> Instant {
        const NEVER: Duration = Duration::from_secs(100 * 365 * 86400);
        let now = Self::now();
        now.checked_add(time).unwrap_or_else(|| now + NEVER)
    }

    /// Waits until then.
    #[cfg(any(feature = "blocking", feature = "tokio"))]
    fn sleep_until(at: Instant) -> impl Future<Output = ()> + Send {
        async move {
            Self::Notify::default().wait(0, Some(at)).await;
        }
    }

    /// The time that is left until then.
    fn left(deadline: Instant) -> Duration {
        deadline.saturating_duration_since(Self::now())
    }
}

/// A connection of a driver, as roles use it. The methods are those of the public type of the same name.
pub(crate) trait Connection: fmt::Debug + Send + Sized + 'static {
    fn peer_addr(&self) -> Option<SocketAddr>;
    /// With `half_close` our side ends behind the request.
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
    /// Waits for the peer to end the connection, for `within` at most. A message that arrives instead is unread.
    fn wait_for_end(&mut self, within: Duration) -> impl Future<Output = ()> + Send;
    fn close(self, within: Duration) -> impl Future<Output = Result<CloseReport, Error>> + Send;
    /// Whether the connection has ended while nothing read from it. Where nothing takes messages, those that arrived are dropped.
    fn has_ended(&mut self, is_heard: bool) -> bool;
    /// Whether it has heartbeats, which are to be sent also while no exchange uses it.
    fn is_watched(&self) -> bool;
    /// Does what is due between two exchanges of that kind, without waiting; how long until there is more to do. If the kind is receive-only, a
    /// message that arrives stays for the next `recv`.
    fn maintain(&mut self, exchange: ExchangeKind) -> Result<Option<Duration>, Error>;
}

/// Something that has changed, for the tasks or threads that wait for a change. As a waker it notifies.
pub(crate) trait Notify: Default + Wake + fmt::Debug + Send + Sync + 'static {
    /// Something has changed.
    fn notify(&self);
    /// How often something has changed, for [`wait`](Self::wait).
    fn version(&self) -> u64;
    /// Waits until something has changed since that version, or until then at most. False when nothing has changed.
    fn wait(&self, version: u64, until: Option<Instant>) -> impl Future<Output = bool> + Send;
}

pub(crate) trait Task: fmt::Debug + Send + Sync + 'static {
    /// Ends the task where it waits. A thread goes on until it looks whether it is to end.
    fn abort(&self);
    fn is_finished(&self) -> bool;
}
