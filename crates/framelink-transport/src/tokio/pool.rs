//! A pool of connections.

mod keeper;
mod lent;
mod member;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use self::keeper::Signal;
pub use self::lent::Lent;
use self::member::Member;
use super::alarm::Alarm;
use super::clock::{self, Clock};
use super::upstream::Upstream;
use crate::client_rules::{Next, after_call, pause_before};
use crate::drive::Clock as _;
use crate::error::{CallError, Cause, Error, Operation};
use crate::pool::{Desk, Lending};
use crate::profile::Timeouts;
use crate::session::{self, Sent};
use crate::{Message, NotLent, PoolReport, PoolStatus, Profile, ProfileError};

/// Lends long connections with one peer, each for one exchange at a time, as a profile with
/// [`Pooled`](crate::profile::Pooled) says.
///
/// Clones are the same pool. Whoever wants a connection has the one that was returned last; where there is none, one is dialled, up to
/// the most there may be, and whoever waits has whichever comes first, in the order in which they came. A task of the pool dials, sends
/// heartbeats on the connections that are idle, and notices at once when one of them ends or something comes on it that nobody asked
/// for. Only a clean connection is lent, and lent again.
///
/// Every future can be dropped at any time. Whoever waits gives its place up, and a connection that it was given already goes to the next;
/// one that a call was sent on is closed.
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
    owner: Arc<Owner>,
    profile: Arc<Profile>,
}

type PoolDesk = Desk<Member, Clock>;

/// The last of the clones takes the connections with it.
struct Owner {
    desk: Arc<PoolDesk>,
    keeper: AbortHandle,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.desk.with(|lending, now| lending.cut(now));
        self.keeper.abort();
    }
}

impl Pool {
    /// A pool of connections with the peer at these addresses, each `HOST:PORT`. As many as the profile says are dialled in advance.
    ///
    /// # Errors
    /// When the connection of the profile is not pooled.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new(profile: Profile, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Result<Self, ProfileError> {
        Self::over(Upstream::new(&Arc::new(profile), peers))
    }

    /// A pool of connections that something of one's own is to know of: a resolver, a hook for each loss, or others that share what is
    /// known of the addresses.
    ///
    /// # Errors
    /// When the connection of the profile is not pooled.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn over(upstream: Upstream) -> Result<Self, ProfileError> {
        let profile = Arc::clone(upstream.profile());
        let (rules, clock) = (profile.check_pool()?, Clock::start());
        // Where there is only one address none has to move, and what else there is to notice wakes the keeper.
        let look_every = (upstream.addresses().len() > 1).then_some(Duration::from_secs(1));
        let seed = u64::from(session::jitter());
        let signal = Signal::new();
        let lending = Lending::new(rules, look_every, seed, clock.now());
        let desk = Arc::new(Desk::new(lending, clock, signal.of_desk()));
        let keeper = keeper::start(&desk, signal, upstream, &profile);
        Ok(Self { owner: Arc::new(Owner { desk, keeper }), profile })
    }

    /// Sends a request and receives its reply, over a connection that nobody else has meanwhile.
    ///
    /// One deadline, the profile's `timeouts.reply`, covers all of it: waiting for a connection, which may be dialled, writing, and the
    /// reply. Where the peer has ended the connection so that nothing of the request was sent, it goes over another one.
    ///
    /// If it fails, or its future is dropped, the connection is closed, for a late reply must not answer another request.
    ///
    /// # Errors
    /// When there is no connection to be had, when the request could not be sent, and when no reply came in time. The error says what the
    /// peer may have seen.
    pub async fn call(&self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.within();
        let deadline = clock::within(within);
        let mut tries = 0;
        loop {
            let mut lent = self.lend_until(deadline).await.map_err(|why| not_lent(Operation::Call, why))?;
            let was_there = lent.was_there() || tries > 0;
            let error = match lent.exchange(request, left(deadline)).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            drop(lent);
            if after_call(was_there, &error) != Next::DialAgain || left(deadline).is_zero() {
                return Err(error.within(within));
            }
            tokio::time::sleep(pause_before(tries).min(left(deadline))).await;
            tries += 1;
        }
    }

    /// Sends a message that has no reply, and returns when the socket has taken all of it. Where replies are received, as the profile
    /// says, one might come nevertheless: the connection is not lent again.
    ///
    /// # Errors
    /// When there is no connection to be had, and when the message could not be sent in time.
    pub async fn send(&self, message: &[u8]) -> Result<(), CallError> {
        let deadline = clock::within(self.within());
        let mut lent = self.lend_until(deadline).await.map_err(|why| not_lent(Operation::Send, why))?;
        let within = left(deadline).min(self.profile.timeouts().write);
        lent.send_with_outcome(message, within).await
    }

    /// Lends a connection for whatever is to be done on it, until the guard is dropped: waits for it as long as the profile says, as
    /// `connection.wait`.
    ///
    /// # Errors
    /// When none is to be had in time, and when the pool is closed.
    pub async fn lend(&self) -> Result<Lent, NotLent> {
        self.lend_until(clock::within(Duration::MAX)).await
    }

    /// What it holds, and what it has done.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        self.owner.desk.with(|lending, _| lending.status())
    }

    /// Closes it in good order: whoever waits for a connection has an error at once, those that are idle are closed, and those that are
    /// lent when they come back. Waits for them so long, and cuts calls that take longer; a [`Lent`] that is held longer can be used,
    /// and its connection is closed when it is dropped.
    pub async fn close(&self, within: Duration) -> PoolReport {
        let desk = &self.owner.desk;
        let until = clock::within(within);
        desk.with(|lending, now| lending.close(now));
        let drained = poll_fn(|context| match desk.with(|lending, _| lending.poll_drained(context.waker())) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        });
        let _ = tokio::time::timeout_at(until, drained).await;
        let (report, lent) = desk.with(|lending, now| lending.cut(now));
        lent.iter().for_each(|cut| cut.notify_one());
        report
    }

    /// What it was made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn lend_until(&self, deadline: Instant) -> Result<Lent, NotLent> {
        let desk = &self.owner.desk;
        let (mut lend, mut alarm) = (pin!(desk.lend(left(deadline))), Alarm::unset());
        let lent = poll_fn(|context| {
            loop {
                if let Poll::Ready(lent) = lend.as_mut().poll(context) {
                    return Poll::Ready(lent);
                }
                let until = lend.until().map(|until| desk.clock().at(until));
                if alarm.poll(context, until).is_pending() {
                    return Poll::Pending;
                }
            }
        });
        Ok(Lent::new(lent.await?, desk))
    }

    fn within(&self) -> Duration {
        self.profile.timeouts().reply.unwrap_or(Timeouts::REPLY)
    }
}

fn not_lent(operation: Operation, why: NotLent) -> CallError {
    CallError::new(Sent::Not, Error::new(operation, None, Cause::NotLent(Box::new(why))))
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// Numbers only.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        f.debug_struct("Pool")
            .field("idle", &status.idle)
            .field("lent", &status.lent)
            .field("waiting", &status.waiting)
            .finish_non_exhaustive()
    }
}
