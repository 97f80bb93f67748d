//! The thread that looks after what is idle in a pool, and those that dial and close for it.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::{Member, PoolDesk};
use crate::blocking::bell::Bell;
use crate::blocking::upstream::Upstream;
use crate::drive::Clock as _;
use crate::pool::{CloseReason, Closing, Job, Opening};
use crate::upstream::sign_off_and_close;
use crate::{ConnectError, Profile};

/// Of all threads of a pool, for whoever lists them.
const NAME: &str = "framelink-pool";

/// What its jobs need.
struct Keeper {
    desk: Arc<PoolDesk>,
    upstream: Upstream,
    profile: Arc<Profile>,
}

pub(super) fn start(desk: &Arc<PoolDesk>, bell: Arc<Bell>, upstream: Upstream, profile: &Arc<Profile>) {
    let keeper = Arc::new(Keeper { desk: Arc::clone(desk), upstream, profile: Arc::clone(profile) });
    let thread = thread::Builder::new().name(NAME.to_owned()).spawn(move || keep(&keeper, &bell));
    thread.expect("the system has a thread");
}

fn keep(keeper: &Arc<Keeper>, bell: &Bell) {
    while let Some((jobs, next)) = keeper.desk.look_after(false) {
        for job in jobs {
            Keeper::begin(keeper, job);
        }
        bell.wait(next.map(|at| at.saturating_sub(keeper.desk.clock().now())));
    }
}

impl Keeper {
    /// On a thread of its own, for it may take long.
    fn begin(self: &Arc<Self>, job: Job<Member>) {
        let keeper = Arc::clone(self);
        match job {
            Job::Dial => {
                let opening = Opening::begin(&self.desk);
                run(move || opening.end(keeper.dial()));
            }
            Job::Close(member, reason) => {
                let closing = Closing::begin(&self.desk);
                run(move || {
                    let _closing = closing;
                    keeper.close(member, reason);
                });
            }
        }
    }

    fn dial(&self) -> Result<Member, ConnectError> {
        let (connection, seat) = self.upstream.connect(Instant::now() + self.profile.timeouts().connect)?;
        Ok(Member::new(connection, seat, !self.profile.exchange().receives()))
    }

    /// In good order. Where the peer closes after each exchange it goes first, so that the system does not hold our port.
    fn close(&self, member: Member, reason: CloseReason) {
        // The seat is left already, and kept until the socket is closed.
        let Member { mut connection, seat: _seat, .. } = member;
        let within = self.profile.timeouts().close;
        if reason == CloseReason::Replaced {
            let _ = connection.recv_within(within);
        } else {
            let _ = sign_off_and_close(connection, &self.profile, within);
        }
    }
}

/// Where the system has no thread left the work is given up, and its place is free again.
fn run(work: impl FnOnce() + Send + 'static) {
    let _ = thread::Builder::new().name(NAME.to_owned()).spawn(work);
}
