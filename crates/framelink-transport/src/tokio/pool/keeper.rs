//! The task that dials for a pool, closes, and looks after what is idle.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use super::{Member, PoolDesk};
use crate::Profile;
use crate::pool::{CloseReason, Closing, Job, Opening};
use crate::tokio::alarm::Alarm;
use crate::tokio::clock;
use crate::tokio::connector::Tokio;
use crate::tokio::upstream::Upstream;
use crate::upstream::sign_off_and_close;

/// What wakes the task.
pub(super) struct Signal {
    notify: Notify,
    /// Something came on a connection that is idle.
    has_stirred: AtomicBool,
}

impl Signal {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { notify: Notify::new(), has_stirred: AtomicBool::new(false) })
    }

    /// There is something to do, or to look at sooner.
    pub(super) fn of_desk(self: &Arc<Self>) -> Waker {
        Arc::new(Asked(Arc::clone(self))).into()
    }

    /// Something came on a connection.
    fn of_members(self: Arc<Self>) -> Waker {
        self.into()
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_stirred.store(true, Ordering::Release);
        self.notify.notify_one();
    }
}

struct Asked(Arc<Signal>);

impl Wake for Asked {
    fn wake(self: Arc<Self>) {
        self.0.notify.notify_one();
    }
}

/// What its jobs need.
struct Keeper {
    desk: Arc<PoolDesk>,
    upstream: Upstream,
    profile: Arc<Profile>,
    of_members: Waker,
}

pub(super) fn start(
    desk: &Arc<PoolDesk>,
    signal: Arc<Signal>,
    upstream: Upstream,
    profile: &Arc<Profile>,
) -> AbortHandle {
    let (desk, profile) = (Arc::clone(desk), Arc::clone(profile));
    let keeper = Keeper { desk, upstream, profile, of_members: Arc::clone(&signal).of_members() };
    tokio::spawn(keep(Arc::new(keeper), signal)).abort_handle()
}

/// Jobs that are under way end with it.
async fn keep(keeper: Arc<Keeper>, signal: Arc<Signal>) {
    let (mut jobs, mut alarm) = (JoinSet::new(), Alarm::unset());
    while let Some((begun, next)) = keeper.desk.look_after(signal.has_stirred.swap(false, Ordering::AcqRel)) {
        for job in begun {
            jobs.spawn(Arc::clone(&keeper).work(job));
        }
        let next = next.map(|at| keeper.desk.clock().at(at));
        let mut called = pin!(signal.notify.notified());
        poll_fn(|context| {
            reap(&mut jobs, context);
            match called.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => alarm.poll(context, next),
            }
        })
        .await;
    }
}

/// Forgets those that are done.
fn reap(jobs: &mut JoinSet<()>, context: &mut Context<'_>) {
    while let Poll::Ready(Some(_)) = jobs.poll_join_next(context) {}
}

impl Keeper {
    async fn work(self: Arc<Self>, job: Job<Member>) {
        match job {
            Job::Dial => {
                let opening = Opening::begin(&self.desk);
                let within = self.profile.timeouts().connect;
                let dialled = self.upstream.dialler.connect(clock::within(within).into_std()).await;
                let is_deaf = !self.profile.exchange().receives();
                opening.end(
                    dialled.map(|(connection, seat)| Member::new(connection, seat, self.of_members.clone(), is_deaf)),
                );
            }
            Job::Close(member, reason) => {
                let _closing = Closing::begin(&self.desk);
                self.close(member, reason).await;
            }
        }
    }

    /// In good order. Where the peer closes after each exchange it goes first, so that the system does not hold our port.
    async fn close(&self, member: Member, reason: CloseReason) {
        // The seat is left already, and kept until the socket is closed.
        let Member { mut connection, seat: _seat, .. } = member;
        let within = self.profile.timeouts().close;
        if reason == CloseReason::Replaced {
            let received = connection.recv_within(within).await;
            connection.on_unread(received);
        } else {
            let _ = sign_off_and_close::<Tokio>(connection, &self.profile, within).await;
        }
    }
}
