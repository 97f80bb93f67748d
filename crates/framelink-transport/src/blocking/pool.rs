//! A pool of connections.

mod keeper;
mod lent;
mod member;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use self::keeper::Keeper;
pub use self::lent::Lent;
use self::member::Member;
use super::bell::Bell;
use super::upstream::Upstream;
use crate::client_rules::{Next, after_call, pause_before};
use crate::clock::Clock;
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
/// the most there may be, and whoever waits has whichever comes first, in the order in which they came. A thread of the pool sends
/// heartbeats on the connections that are idle, and looks once a second whether one of them has ended or something came on it that
/// nobody asked for; each is looked at again before it is lent. It dials, and closes, on other threads, one for each that is
/// under way. Only a clean connection is lent, and lent again.
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
    owner: Arc<Owner>,
    profile: Arc<Profile>,
}

type PoolDesk = Desk<Member, Clock>;

/// The last of the clones takes the connections with it.
struct Owner {
    desk: Arc<PoolDesk>,
    keeper: Arc<Keeper>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.desk.with(|lending, now| lending.cut(now));
    }
}

impl Pool {
    /// A pool of connections with the peer at these addresses, each `HOST:PORT`. As many as the profile says are dialled in advance.
    ///
    /// Where the system has no thread left the pool goes on without [its own](Self::keeper_error).
    ///
    /// # Errors
    /// When the connection of the profile is not pooled.
    pub fn new(profile: Profile, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Result<Self, ProfileError> {
        Self::over(Upstream::new(&Arc::new(profile), peers))
    }

    /// A pool of connections that something of one's own is to know of: a resolver, a hook for each loss, or others that share what is
    /// known of the addresses.
    ///
    /// # Errors
    /// When the connection of the profile is not pooled.
    pub fn over(upstream: Upstream) -> Result<Self, ProfileError> {
        /// Nobody tells a thread that sleeps what has come.
        const LOOK_EVERY: Option<Duration> = Some(Duration::from_secs(1));
        let profile = Arc::clone(upstream.profile());
        let (rules, clock, bell) = (profile.check_pool()?, Clock::start(), Bell::new());
        let seed = u64::from(session::jitter());
        let lending = Lending::new(rules, LOOK_EVERY, seed, clock.now());
        let desk = Arc::new(Desk::new(lending, clock, bell.waker()));
        let keeper = Keeper::new(&desk, bell, upstream, &profile);
        keeper.start();
        Ok(Self { owner: Arc::new(Owner { desk, keeper }), profile })
    }

    /// Sends a request and receives its reply, over a connection that nobody else has meanwhile.
    ///
    /// One deadline, the profile's `timeouts.reply`, covers all of it: waiting for a connection, which may be dialled, writing, and the
    /// reply. Where the peer has ended the connection so that nothing of the request was sent, it goes over another one.
    ///
    /// If it fails the connection is closed, for a late reply must not answer another request.
    ///
    /// # Errors
    /// When there is no connection to be had, when the request could not be sent, and when no reply came in time. The error says what the
    /// peer may have seen.
    pub fn call(&self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.within();
        let deadline = Instant::now() + within;
        let mut tries = 0;
        loop {
            let lent = self.lend_within(left(deadline));
            let mut lent = lent.map_err(|why| not_lent(Operation::Call, why))?;
            let was_there = lent.was_there() || tries > 0;
            let error = match lent.call(request, left(deadline)) {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            drop(lent);
            if after_call(was_there, &error) != Next::DialAgain || left(deadline).is_zero() {
                return Err(error.within(within));
            }
            thread::sleep(pause_before(tries).min(left(deadline)));
            tries += 1;
        }
    }

    /// Sends a message that has no reply, and returns when the socket has taken all of it. Where replies are received, as the profile
    /// says, one might come nevertheless: the connection is not lent again.
    ///
    /// # Errors
    /// When there is no connection to be had, and when the message could not be sent in time.
    pub fn send(&self, message: &[u8]) -> Result<(), CallError> {
        let deadline = Instant::now() + self.within();
        let mut lent = self.lend_within(left(deadline)).map_err(|why| not_lent(Operation::Send, why))?;
        let within = left(deadline).min(self.profile.timeouts().write);
        lent.send_with_outcome(message, within)
    }

    /// Lends a connection for whatever is to be done on it, until the guard is dropped: waits for it as long as the profile says, as
    /// `connection.wait`.
    ///
    /// # Errors
    /// When none is to be had in time, and when the pool is closed.
    pub fn lend(&self) -> Result<Lent, NotLent> {
        self.lend_within(Duration::MAX)
    }

    /// What it holds, and what it has done.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        self.owner.desk.with(|lending, _| lending.status())
    }

    /// Why the pool has no thread of its own: the system had none left. Meanwhile no heartbeats are sent on idle connections, they are
    /// looked at only before they are lent, and a thread that asks for a connection dials it itself. Each time, the pool tries again to
    /// begin its thread. `None` if the pool has its thread.
    #[must_use]
    pub fn keeper_error(&self) -> Option<Arc<io::Error>> {
        self.owner.keeper.error()
    }

    /// Closes it in good order: whoever waits for a connection has an error at once, those that are idle are closed, and those that are
    /// lent when they come back. Waits for them so long, and then shuts their sockets down, so that whoever waits on one has an error.
    pub fn close(&self, within: Duration) -> PoolReport {
        let (desk, bell) = (&self.owner.desk, Bell::new());
        let until = desk.clock().within(within);
        desk.with(|lending, now| lending.close(now));
        let waker = bell.waker();
        while !desk.with(|lending, _| lending.poll_drained(&waker)) {
            let left = until.saturating_sub(desk.clock().now());
            if left.is_zero() {
                break;
            }
            let next = self.owner.keeper.stand_in(None);
            bell.wait(Some(next.map_or(left, |at| left.min(at.saturating_sub(desk.clock().now())))));
        }
        let (report, lent) = desk.with(|lending, now| lending.cut(now));
        lent.iter().for_each(member::cut);
        report
    }

    /// What it was made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    fn lend_within(&self, within: Duration) -> Result<Lent, NotLent> {
        let (desk, bell) = (&self.owner.desk, Bell::new());
        let waker = bell.waker();
        self.owner.keeper.start();
        let mut lend = desk.lend(within);
        loop {
            if let Poll::Ready(lent) = Pin::new(&mut lend).poll(&mut Context::from_waker(&waker)) {
                return Ok(Lent::new(lent?, desk));
            }
            let until = lend.until();
            let next = self.owner.keeper.stand_in(until);
            bell.wait(until.into_iter().chain(next).min().map(|at| at.saturating_sub(desk.clock().now())));
        }
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
