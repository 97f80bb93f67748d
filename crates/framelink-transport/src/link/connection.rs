//! One of the connections of a link.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::use_count::UseCount;
use super::{LinkCaller as _, LinkDriver};
use crate::driver::Notify as _;
use crate::profile::{Profile, Sign};
use crate::upstream::Seat;

/// One of the connections of a link, or a pair.
pub(crate) struct LinkConnection<D: LinkDriver> {
    pub(crate) caller: D::Caller,
    pub(super) use_count: UseCount,
    profile: Arc<Profile>,
    /// Nothing is received any more.
    has_ended: AtomicBool,
    ended: D::Notify,
}

/// A connection in use by one exchange, until this is dropped.
pub(super) struct ConnectionUse<D: LinkDriver> {
    connection: Arc<LinkConnection<D>>,
    was_useful: bool,
}

impl<D: LinkDriver> LinkConnection<D> {
    pub(super) fn new(caller: D::Caller, seat: Option<Seat>, profile: &Arc<Profile>) -> Arc<Self> {
        let (use_count, profile) = (UseCount::new(seat), Arc::clone(profile));
        Arc::new(Self { caller, use_count, profile, has_ended: AtomicBool::new(false), ended: D::Notify::default() })
    }

    pub(super) fn begin_use(self: &Arc<Self>) -> ConnectionUse<D> {
        self.use_count.enter();
        ConnectionUse { connection: Arc::clone(self), was_useful: false }
    }

    /// Whether an exchange can use the connection. If it has ended, its loss is reported here at the latest.
    pub(super) fn is_open(&self) -> bool {
        match self.caller.ended() {
            Some(cause) => self.use_count.lost(&cause),
            None => return !self.use_count.is_leaving(),
        }
        false
    }

    /// Gives the connection up.
    pub(crate) fn abort(&self) {
        self.vacate();
        self.caller.abort();
    }

    /// Takes no new exchange. The connection is closed in good order when the last exchange on it is over.
    pub(super) fn leave(self: &Arc<Self>) {
        if self.use_count.leave() {
            self.close();
        }
    }

    /// The connection is being closed: nothing else closes it.
    pub(crate) fn vacate(&self) {
        self.use_count.vacate();
    }

    /// The message to sign off with, where the profile says so.
    pub(crate) fn sign_off(&self) -> Option<&Sign> {
        self.profile.sign_off()
    }

    /// Nothing is received any more.
    pub(super) fn on_end(&self) {
        self.has_ended.store(true, Ordering::Release);
        self.ended.notify();
    }

    /// Waits until the connection has ended, until then at most.
    pub(crate) async fn wait_until_ended(&self, until: Instant) {
        loop {
            let version = self.ended.version();
            if self.has_ended.load(Ordering::Acquire) || self.caller.ended().is_some() || D::left(until).is_zero() {
                return;
            }
            self.ended.wait(version, Some(until)).await;
        }
    }

    /// Closes the connection in good order, in the background. A peer that does not end its own side in time is given up.
    fn close(self: &Arc<Self>) {
        let within = self.profile.timeouts().close;
        let close = |connection, within| async move { D::finish_all(&[connection], within).await };
        if D::detach("framelink-close", Arc::clone(self), within, close).is_err() {
            self.abort();
        }
    }
}

impl<D: LinkDriver> ConnectionUse<D> {
    pub(super) fn caller(&self) -> &D::Caller {
        &self.connection.caller
    }

    /// Whether nothing else keeps the connection from being made again in haste.
    pub(super) fn is_of_pair(&self) -> bool {
        self.connection.use_count.seat().is_none()
    }

    /// No other exchange begins on the connection. It is closed in good order when the exchanges on it are over.
    pub(super) fn leave(self) {
        self.connection.leave();
    }

    /// The peer has answered.
    pub(super) const fn was_useful(&mut self) {
        self.was_useful = true;
    }
}

impl<D: LinkDriver> Drop for ConnectionUse<D> {
    fn drop(&mut self) {
        if self.connection.use_count.exit(self.was_useful) {
            self.connection.close();
        }
    }
}
