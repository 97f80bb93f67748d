//! A pool of connections, for threads.

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use framelink_session::Message;

use super::connector::Blocking as Driver;
use super::{Closer, Connection, Upstream};
use crate::connection::Traffic;
use crate::driver::{Driver as _, Notify as _, ThreadNotify, ready};
use crate::error::PoolError;
use crate::error::{CallError, Cause};
use crate::pool::{self, PoolDriver, PoolReport, PoolStatus, THREAD_NAME, lent_by_pool, pool_methods};
use crate::profile::{Profile, ProfileError};

/// A pool of long connections to one peer, for a profile with [`Pooled`](crate::profile::Pooled). A connection carries
/// one exchange at a time.
///
/// - A caller gets the connection that was released last. If none is idle, the pool dials one, up to its maximum.
/// - Waiting callers are served in order. Each gets the first connection that is released or dialled.
/// - Only clean connections are handed out. A connection is checked again each time before it is handed out.
/// - A thread of the pool sends heartbeats on idle connections, and checks once a second whether one of them has ended
///   or has received an unsolicited message.
/// - The pool dials and closes in other threads, one for each dial or close that is under way.
///
/// Clones share the pool.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, blocking::Pool, profile::Pooled};
///
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?).connection(Pooled::new(4)).build()?;
/// let pool = Pool::new(profile, ["switch.example:7000"])?;
/// let other = pool.clone();
/// let other = std::thread::spawn(move || other.call(b"0800...1")); // over another connection
/// let reply = pool.call(b"0800...2")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool {
    role: pool::Pool<Driver>,
}

lent_by_pool! {
    /// ```no_run
    /// # fn example(pool: framelink_transport::blocking::Pool) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// // Two exchanges that belong together, on one connection.
    /// let mut connection = pool.get()?;
    /// connection.call(b"begin", Duration::from_secs(1))?;
    /// connection.call(b"commit", Duration::from_secs(1))?;
    /// # Ok(())
    /// # }
    /// ```
}

impl Pool {
    pool_methods!(ready);

    /// Returns why the pool has no thread of its own: the system had none left. Until the pool has its thread:
    ///
    /// - No heartbeats are sent on idle connections.
    /// - Idle connections are checked only before they are handed out.
    /// - A thread that asks for a connection dials it itself, and the pool tries again to start its thread.
    ///
    /// Returns `None` if the pool has its thread.
    #[must_use]
    pub fn idle_task_error(&self) -> Option<Arc<io::Error>> {
        self.role.task_error()
    }
}

impl PoolDriver for Driver {
    const WAKES_ON_ARRIVAL: bool = false;
    type Jobs = ();
    /// `None` for a stream that cannot be closed from another thread.
    type Cutter = Option<Closer>;

    fn cutter(connection: &Connection) -> Option<Closer> {
        connection.closer()
    }

    fn cut(cutter: &Option<Closer>) {
        if let Some(close) = cutter {
            close();
        }
    }

    fn traffic(connection: &Connection) -> Traffic {
        connection.traffic()
    }

    fn inspect(connection: &mut Connection, _: &Waker, discard_unsolicited: bool) -> Result<Option<Duration>, Cause> {
        connection.inspect(discard_unsolicited)
    }

    /// The cutter shuts the socket down, so the call ends by itself.
    async fn exchange(
        connection: &mut Connection,
        _: &Option<Closer>,
        request: &[u8],
        within: Duration,
    ) -> Result<Message, CallError> {
        connection.call(request, within)
    }

    fn begin<F: Future<Output = ()> + Send>(
        (): &mut (),
        within: Duration,
        work: impl FnOnce(Duration) -> F + Send + 'static,
    ) {
        // If the system has no thread left, `detach` has done the work in this thread.
        let _ = Self::detach(THREAD_NAME, within, work);
    }

    async fn wait((): &mut (), changed: &ThreadNotify, version: u64, until: Option<Instant>) {
        changed.wait(version, until).await;
    }
}
