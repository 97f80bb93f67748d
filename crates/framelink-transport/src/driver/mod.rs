//! What a role that is written once needs of its driver.
//!
//! A role (a client, a link, a pool) is async code over [`Driver`]. On tokio its futures are awaited. On blocking and nonblocking every
//! operation of the driver waits by itself, so that a future of a role is ready when it is polled for the first time: `at_once` polls
//! it. Role code awaits one thing after the other. What waits for several things at once is an operation of the driver.

#[cfg(any(feature = "blocking", feature = "nonblocking"))]
mod condvar;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
mod ready;
mod waits;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::connector::{ConnectError, Connector};
use crate::error::{CallError, Error};
use crate::tries::TryRecv;
use crate::{CloseReport, drive};
use framelink_profile::Directions;
use framelink_session::Message;

#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use condvar::ThreadNotify;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use ready::Suspended;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use ready::at_once;
#[cfg(feature = "tokio")]
pub(crate) use waits::awaited;
pub(crate) use waits::role_connection;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use waits::{plain, ready};

/// A kind of sockets, with its clock and its tasks or threads. The marker types of the drivers implement it.
pub(crate) trait Driver: Sized + fmt::Debug + Send + Sync + 'static {
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
        connector: &Connector<Directions, Self>,
        resolver: &Self::Resolver,
        name: &Arc<str>,
    ) -> impl Future<Output = Result<Self::Connection, ConnectError>> + Send;

    /// Begins a task, or a thread of that name.
    ///
    /// # Errors
    /// When the system has no thread left, or there is no runtime.
    fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<Self::Task>;

    /// Has `work` done with `value` and the time `within`, beside what goes on here. Where the system has no thread left, `work` is done
    /// here before this returns, with no time to wait, and the error says why. Where there is no runtime, `value` is dropped.
    fn detach<T, F>(
        name: &'static str,
        value: T,
        within: Duration,
        work: impl Fn(T, Duration) -> F + Clone + Send + 'static,
    ) -> io::Result<()>
    where
        T: Send + 'static,
        F: Future<Output = ()> + Send;

    /// So long from now. A time that no clock can count to is as good as never.
    fn within(time: Duration) -> Instant {
        const NEVER: Duration = Duration::from_secs(100 * 365 * 86400);
        let now = Self::now();
        now.checked_add(time).unwrap_or_else(|| now + NEVER)
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
    fn send_within(&mut self, payload: &[u8], limit: Duration) -> impl Future<Output = Result<(), Error>> + Send;
    fn send_with_outcome(
        &mut self,
        payload: &[u8],
        limit: Duration,
    ) -> impl Future<Output = Result<(), CallError>> + Send;
    fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> + Send;
    fn recv_within(&mut self, limit: Duration) -> impl Future<Output = Result<TryRecv, Error>> + Send;
    fn close(self, within: Duration) -> impl Future<Output = Result<CloseReport, Error>> + Send;
    /// Whether the connection has ended while nothing read from it. Where nothing takes messages, those that arrived are dropped.
    fn has_ended(&mut self, is_heard: bool) -> bool;
    /// Whether it has heartbeats, which are to be sent also while no exchange uses it.
    fn is_watched(&self) -> bool;
    /// Does what is due between two exchanges, without waiting; how long until there is more to do.
    fn maintain(&mut self, is_deaf: bool) -> Result<Option<Duration>, Error>;
    /// A message was received that no caller gets.
    fn on_unread(&self, received: Result<TryRecv, Error>);
}

/// Something that has changed, for the tasks or threads that wait for a change.
pub(crate) trait Notify: Default + fmt::Debug + Send + Sync + 'static {
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
