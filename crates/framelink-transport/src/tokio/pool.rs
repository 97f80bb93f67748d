//! A pool of connections.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use framelink_session::Message;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::connector::Tokio as Driver;
use super::driver::TaskNotify;
use super::{Connection, Upstream};
use crate::connection::Traffic;
use crate::driver::{Notify as _, awaited};
use crate::error::PoolError;
use crate::error::{CallError, Cause, Error, Operation};
use crate::pool::{self, PoolDriver, PoolReport, PoolStatus, lent_by_pool, pool_methods};
use crate::profile::{Profile, ProfileError};
use crate::session::Sent;

/// A pool of long connections to one peer, for one exchange at a time on each, as a profile with
/// [`Pooled`](crate::profile::Pooled) says.
///
/// Clones share the pool. A caller gets the connection that was released last. If none is idle, a new one is dialled,
/// up to the maximum; callers that wait are served in order.
///
/// A task of the pool dials, sends heartbeats on idle connections, and notices at once when an idle connection ends or
/// receives an unsolicited message. Only a clean connection is handed out.
///
/// Every future can be dropped at any time. A caller that waits leaves the queue, and a connection that was already
/// assigned to it goes to the next caller. A connection on which a request was sent is closed.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, profile::Pooled, tokio::Pool};
///
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?).connection(Pooled::new(4)).build()?;
/// let pool = Pool::new(profile, ["switch.example:7000"])?;
/// let (one, other) = tokio::join!(pool.call(b"0800...1"), pool.call(b"0800...2")); // over two connections
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool {
    role: pool::Pool<Driver>,
}

lent_by_pool! {
    /// ```no_run
    /// # async fn example(pool: framelink_transport::tokio::Pool) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// // Makes two exchanges that belong together on one connection.
    /// let mut lent = pool.get().await?;
    /// lent.call(b"begin", Duration::from_secs(1)).await?;
    /// lent.call(b"commit", Duration::from_secs(1)).await?;
    /// # Ok(())
    /// # }
    /// ```
}

impl Pool {
    pool_methods!(awaited async);
}

impl PoolDriver for Driver {
    const WAKES_ON_ARRIVAL: bool = true;
    type Jobs = JoinSet<()>;
    type Cutter = Notify;

    fn cutter(_: &Connection) -> Notify {
        Notify::new()
    }

    fn cut(cutter: &Notify) {
        cutter.notify_one();
    }

    fn traffic(connection: &Connection) -> Traffic {
        connection.traffic()
    }

    fn inspect(
        connection: &mut Connection,
        waker: &Waker,
        discard_unsolicited: bool,
    ) -> Result<Option<Duration>, Cause> {
        connection.inspect(waker, discard_unsolicited)
    }

    async fn exchange(
        connection: &mut Connection,
        cutter: &Notify,
        request: &[u8],
        within: Duration,
    ) -> Result<Message, CallError> {
        let (peer, before) = (connection.peer_addr(), connection.sender.sending.accepted());
        let done = {
            let (mut exchange, mut cut) = (pin!(connection.call(request, within)), pin!(cutter.notified()));
            poll_fn(|context| match exchange.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending => cut.as_mut().poll(context).map(|()| None),
            })
            .await
        };
        done.unwrap_or_else(|| {
            // An accepted request may still be written while the connection is closed.
            let sent = if connection.sender.sending.accepted() == before { Sent::Not } else { Sent::Perhaps };
            Err(CallError::new(sent, Error::new(Operation::Call, peer, Cause::Closed)))
        })
    }

    fn begin<F: Future<Output = ()> + Send>(
        jobs: &mut JoinSet<()>,
        within: Duration,
        work: impl FnOnce(Duration) -> F + Send + 'static,
    ) {
        jobs.spawn(async move { work(within).await });
    }

    async fn wait(jobs: &mut JoinSet<()>, changed: &TaskNotify, version: u64, until: Option<Instant>) {
        let mut has_changed = pin!(changed.wait(version, until));
        poll_fn(|context| {
            while let Poll::Ready(Some(_)) = jobs.poll_join_next(context) {}
            has_changed.as_mut().poll(context).map(drop)
        })
        .await;
    }
}
