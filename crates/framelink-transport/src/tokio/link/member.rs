//! One of the connections of a link.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout_at;

use crate::Profile;
use crate::tokio::{Caller, clock};
use crate::upstream::{Seat, Tenancy};

/// One of the connections of a link, or a pair.
pub(super) struct Member {
    pub(super) caller: Caller,
    pub(super) tenancy: Tenancy,
    profile: Arc<Profile>,
    /// Told when a connection has ended.
    ended: Arc<Notify>,
}

/// A member, for one exchange: until this is dropped.
pub(super) struct Using {
    member: Arc<Member>,
    was_useful: bool,
}

impl Member {
    pub(super) fn new(caller: Caller, seat: Option<Seat>, profile: &Arc<Profile>, ended: &Arc<Notify>) -> Arc<Self> {
        let (tenancy, profile, ended) = (Tenancy::new(seat), Arc::clone(profile), Arc::clone(ended));
        Arc::new(Self { caller, tenancy, profile, ended })
    }

    pub(super) fn use_it(self: &Arc<Self>) -> Using {
        self.tenancy.enter();
        Using { member: Arc::clone(self), was_useful: false }
    }

    /// Whether it can be used. One that has ended is lost by then.
    pub(super) fn is_open(&self) -> bool {
        match self.caller.ended() {
            Some(cause) => self.tenancy.lost(&cause),
            None => return !self.tenancy.is_leaving(),
        }
        false
    }

    /// Given up by us.
    pub(super) fn abort(&self) {
        self.tenancy.vacate();
        self.caller.abort();
    }

    /// Takes nothing new, and is closed in good order when the last exchange on it is over.
    pub(super) fn leave(self: &Arc<Self>) {
        if self.tenancy.leave() {
            self.close();
        }
    }

    /// Signs off and ends our side. One that has failed has ended.
    pub(super) async fn finish(&self) {
        self.tenancy.vacate();
        if let Some(sign) = self.profile.sign_off() {
            let _ = self.caller.send(sign.send()).await;
        }
        let _ = self.caller.finish().await;
    }

    fn close(self: &Arc<Self>) {
        // Whoever drops a call may do so when its runtime is gone.
        let Ok(runtime) = Handle::try_current() else { return self.caller.abort() };
        let member = Arc::clone(self);
        runtime.spawn(async move {
            let deadline = clock::within(member.profile.timeouts().close);
            let _ = timeout_at(deadline, member.finish()).await;
            loop {
                let ended = member.ended.notified();
                if member.caller.ended().is_some() || timeout_at(deadline, ended).await.is_err() {
                    break;
                }
            }
            member.caller.abort();
        });
    }
}

impl Using {
    pub(super) fn caller(&self) -> &Caller {
        &self.member.caller
    }

    /// Whether nothing else keeps it from being made again in haste.
    pub(super) fn is_of_pair(&self) -> bool {
        self.member.tenancy.seat().is_none()
    }

    /// The peer is well.
    pub(super) const fn was_useful(&mut self) {
        self.was_useful = true;
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        if self.member.tenancy.exit(self.was_useful) {
            self.member.close();
        }
    }
}
