//! The trait of a driver for pools.

use std::task::Waker;
use std::time::{Duration, Instant};

use framelink_session::Message;

use crate::connection::Traffic;
use crate::driver::Driver;
use crate::error::{CallError, Cause};

/// The name of all threads of a pool.
pub(crate) const THREAD_NAME: &str = "framelink-pool";

/// What a pool needs of its driver, in addition to what every role needs.
pub(crate) trait PoolDriver: Driver {
    /// Whether an arrival on an idle connection wakes the pool's task. If not, the task looks from time to time.
    const WAKES_ON_ARRIVAL: bool;
    /// The dials and closes that are under way. Dropping this ends them, if the driver can end them.
    type Jobs: Default + Send;
    /// Ends an exchange on a connection from another task or thread.
    type Cutter: Send + Sync + 'static;

    fn cutter(connection: &Self::Connection) -> Self::Cutter;

    /// Ends the exchange that is under way on the cutter's connection.
    fn cut(cutter: &Self::Cutter);

    fn traffic(connection: &Self::Connection) -> Traffic;

    /// As [`inspect`](super::inspect). If arrivals wake, the next arrival wakes `waker`.
    fn inspect(
        connection: &mut Self::Connection,
        waker: &Waker,
        discard_unsolicited: bool,
    ) -> Result<Option<Duration>, Cause>;

    /// Sends a request and receives its reply, unless the exchange is cut.
    fn exchange(
        connection: &mut Self::Connection,
        cutter: &Self::Cutter,
        request: &[u8],
        within: Duration,
    ) -> impl Future<Output = Result<Message, CallError>> + Send;

    /// Runs `work` beside the pool's task. Otherwise like [`Driver::detach`].
    fn begin<F: Future<Output = ()> + Send>(
        jobs: &mut Self::Jobs,
        within: Duration,
        work: impl FnOnce(Duration) -> F + Send + 'static,
    );

    /// Waits until `changed` has another version, or until this time. Removes jobs that have ended.
    fn wait(
        jobs: &mut Self::Jobs,
        changed: &Self::Notify,
        version: u64,
        until: Option<Instant>,
    ) -> impl Future<Output = ()> + Send;
}
