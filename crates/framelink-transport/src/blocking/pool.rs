//! A pool of connections.

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

/// Lends long connections with one peer, each for one exchange at a time, as a profile with
/// [`Pooled`](crate::profile::Pooled) says.
///
/// Clones are the same pool. A caller gets the connection that was returned last. If there is none, one is dialled, up to the most there
/// may be, and callers that wait get whichever comes first, in the order in which they came. A thread of the pool sends heartbeats on idle
/// connections, and looks once a second whether one of them has ended or has received something that no request asked for; each is
/// looked at again before it is lent. It dials, and closes, on other threads, one for each that is under way. Only a clean connection is
/// lent, and lent again.
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
    /// let mut lent = pool.get()?;
    /// lent.call(b"begin", Duration::from_secs(1))?;
    /// lent.call(b"commit", Duration::from_secs(1))?;
    /// # Ok(())
    /// # }
    /// ```
}

impl Pool {
    pool_methods!(ready);

    /// Why the pool has no thread of its own: the system had none left. Meanwhile no heartbeats are sent on idle connections, they are
    /// looked at only before they are lent, and a thread that asks for a connection dials it itself. Each time, the pool tries again to
    /// begin its thread. `None` if the pool has its thread.
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

    /// Whatever cuts it shuts the socket down, so that the call ends by itself.
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
        // Where there is no thread for it, the work is done now.
        let _ = Self::detach(THREAD_NAME, within, work);
    }

    async fn wait((): &mut (), changed: &ThreadNotify, version: u64, until: Option<Instant>) {
        changed.wait(version, until).await;
    }
}
