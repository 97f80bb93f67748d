//! The thread that looks after what is idle in a pool, and those that dial and close for it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Member, PoolDesk};
use crate::blocking::bell::Bell;
use crate::blocking::connector::Blocking;
use crate::blocking::upstream::Upstream;
use crate::drive::Clock as _;
use crate::driver::at_once;
use crate::pool::{CloseReason, Closing, Job, Opening};
use crate::upstream::sign_off_and_close;
use crate::{ConnectError, Profile, threads};

/// Of all threads of a pool, for whoever lists them.
const NAME: &str = "framelink-pool";

/// What its jobs need.
pub(super) struct Keeper {
    desk: Arc<PoolDesk>,
    upstream: Upstream,
    profile: Arc<Profile>,
    /// What wakes the thread.
    bell: Arc<Bell>,
    state: Mutex<State>,
    /// Connections that are to be dialled, and were left to the next that stands in for the thread.
    to_dial: Mutex<Vec<Job<Member>>>,
}

enum State {
    /// The thread has begun.
    Keeps,
    /// There is no thread yet, or there was none when the pool asked for one last.
    Missing(Option<Arc<io::Error>>),
}

impl Keeper {
    pub(super) fn new(desk: &Arc<PoolDesk>, bell: Arc<Bell>, upstream: Upstream, profile: &Arc<Profile>) -> Arc<Self> {
        let (desk, profile) = (Arc::clone(desk), Arc::clone(profile));
        let state = Mutex::new(State::Missing(None));
        Arc::new(Self { desk, upstream, profile, bell, state, to_dial: Mutex::default() })
    }

    /// Begins the thread, if there is none. True if there is one then.
    pub(super) fn start(self: &Arc<Self>) -> bool {
        let mut state = self.state();
        if matches!(*state, State::Keeps) {
            return true;
        }
        let keeper = Arc::clone(self);
        *state = match threads::spawn(NAME, move || keep(&keeper)) {
            Ok(_) => State::Keeps,
            Err(error) => State::Missing(Some(Arc::new(error))),
        };
        matches!(*state, State::Keeps)
    }

    /// Why there is no thread.
    pub(super) fn error(&self) -> Option<Arc<io::Error>> {
        match &*self.state() {
            State::Keeps => None,
            State::Missing(error) => error.clone(),
        }
    }

    /// Where there is no thread: does in this one what is to be done, and says when there is more. One connection is dialled, until then;
    /// none where no time is given.
    pub(super) fn stand_in(self: &Arc<Self>, until: Option<Duration>) -> Option<Duration> {
        if self.start() {
            return None;
        }
        let (jobs, next) = self.desk.look_after(false)?;
        for job in jobs {
            match job {
                Job::Dial => self.to_dial().push(job),
                Job::Close(member, reason) => self.close_now(member, reason),
            }
        }
        let Some(until) = until else { return next };
        let now = || self.desk.clock().now();
        if self.to_dial().pop().is_some() {
            let left = until.saturating_sub(now());
            Opening::begin(&self.desk).end(self.dial(left.min(self.profile.timeouts().connect)));
        }
        // The one that was dialled may be ours, and otherwise there is more to dial.
        if self.to_dial().is_empty() { next } else { Some(now()) }
    }

    /// On a thread of its own, for it may take long. Where the system has none a connection is dialled on this one.
    fn begin(self: &Arc<Self>, job: Job<Member>) {
        let keeper = Arc::clone(self);
        match job {
            Job::Dial => {
                let work = move |opening: Opening<_, _, _>| opening.end(keeper.dial(keeper.profile.timeouts().connect));
                let opening = Opening::begin(&self.desk);
                if let Err((_, opening)) = threads::hand_over(NAME, opening, work.clone()) {
                    work(opening);
                }
            }
            Job::Close(member, reason) => {
                let closing = (Closing::begin(&self.desk), member);
                let work = move |(closing, member)| {
                    let _closing: Closing<_, _, _> = closing;
                    keeper.close(member, reason, keeper.profile.timeouts().close);
                };
                if let Err((_, (_closing, member))) = threads::hand_over(NAME, closing, work) {
                    self.close(member, reason, Duration::ZERO);
                }
            }
        }
    }

    fn dial(&self, within: Duration) -> Result<Member, ConnectError> {
        let (connection, seat) = at_once(self.upstream.dialler.connect(Instant::now() + within))?;
        Ok(Member::new(connection, seat, !self.profile.exchange().receives()))
    }

    /// As far as that is possible without waiting.
    fn close_now(&self, member: Member, reason: CloseReason) {
        let _closing = Closing::begin(&self.desk);
        self.close(member, reason, Duration::ZERO);
    }

    /// In good order. Where the peer closes after each exchange it goes first, so that the system does not hold our port.
    fn close(&self, member: Member, reason: CloseReason, within: Duration) {
        // The seat is left already, and kept until the socket is closed.
        let Member { mut connection, seat: _seat, .. } = member;
        if reason == CloseReason::Replaced {
            let received = connection.recv_within(within);
            connection.on_unread(received);
        } else {
            let _ = at_once(sign_off_and_close::<Blocking>(connection, &self.profile, within));
        }
    }

    fn to_dial(&self) -> MutexGuard<'_, Vec<Job<Member>>> {
        self.to_dial.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(keeper: &Arc<Keeper>) {
    while let Some((jobs, next)) = keeper.desk.look_after(false) {
        let left = std::mem::take(&mut *keeper.to_dial());
        for job in left.into_iter().chain(jobs) {
            keeper.begin(job);
        }
        keeper.bell.wait(next.map(|at| at.saturating_sub(keeper.desk.clock().now())));
    }
}
