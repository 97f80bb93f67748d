//! One of the connections of a link.

use std::sync::Arc;
use std::time::Duration;

use super::finishing::finish_all;
use crate::blocking::Caller;
use crate::profile::Sign;
use crate::upstream::{Seat, Tenancy};
use crate::{Profile, threads};

/// One of the connections of a link.
pub(super) struct Member {
    pub(super) caller: Caller,
    pub(super) tenancy: Tenancy,
    profile: Arc<Profile>,
}

/// A member, for one exchange: until this is dropped.
pub(super) struct Using {
    member: Arc<Member>,
    was_useful: bool,
}

impl Member {
    pub(super) fn new(caller: Caller, seat: Seat, profile: &Arc<Profile>) -> Arc<Self> {
        Arc::new(Self { caller, tenancy: Tenancy::new(Some(seat)), profile: Arc::clone(profile) })
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

    /// The message to sign off with, where the profile says so.
    pub(super) fn sign_off(&self) -> Option<&Sign> {
        self.profile.sign_off()
    }

    /// A peer that does not end its own side in time is left.
    fn close(self: &Arc<Self>) {
        let (member, within) = (Arc::clone(self), self.profile.timeouts().close);
        if threads::spawn("framelink-close", move || finish_all(&[member], within)).is_err() {
            // As far as that is possible without waiting.
            finish_all(&[Arc::clone(self)], Duration::ZERO);
        }
    }
}

impl Using {
    pub(super) fn caller(&self) -> &Caller {
        &self.member.caller
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
