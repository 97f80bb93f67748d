//! One connection of a link.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{LinkCaller as _, LinkDriver};
use crate::connection::setup::ConnectionSetup;
use crate::driver::Notify as _;
use crate::error::CallError;
use crate::net::lock::Lock;
use crate::profile::Profile;
use crate::session::Incoming;
use crate::upstream::AddressLease;

/// A connection of a link, or a pair. It counts its exchanges, so that it can be closed when a replacement exists.
pub(crate) struct LinkConnection<D: LinkDriver> {
    pub(crate) caller: D::Caller,
    /// The lease of the address. A pair of connections has none.
    pub(super) lease: Option<AddressLease>,
    pub(crate) profile: Arc<Profile>,
    /// What the connection was made with. A pair, which does not sign off, has none.
    setup: Option<ConnectionSetup>,
    users: AtomicUsize,
    /// Whether new exchanges must use another connection.
    is_leaving: AtomicBool,
    /// Whether something is closing the connection already.
    is_vacated: AtomicBool,
    /// Whether nothing more is received.
    has_ended: AtomicBool,
    /// The sign-off message, until its reply has arrived.
    signed_off: Lock<Option<Vec<u8>>>,
    /// Notified when the connection has ended, and when the reply to the sign-off has arrived.
    changed: D::Notify,
}

/// The use of a connection by one exchange, until this is dropped.
pub(crate) struct ConnectionUse<D: LinkDriver> {
    pub(super) connection: Arc<LinkConnection<D>>,
    /// Whether the peer has answered.
    pub(super) was_useful: bool,
}

impl<D: LinkDriver> LinkConnection<D> {
    pub(super) fn new(
        caller: D::Caller,
        lease: Option<AddressLease>,
        profile: &Arc<Profile>,
        setup: Option<ConnectionSetup>,
    ) -> Arc<Self> {
        let (users, is_leaving, is_vacated, has_ended) = Default::default();
        let (profile, signed_off, changed) = (Arc::clone(profile), Lock::new(None), D::Notify::default());
        Arc::new(Self { caller, lease, profile, setup, users, is_leaving, is_vacated, has_ended, signed_off, changed })
    }

    /// Returns the sign-off message, if there is one. If a reply is expected, it does not go to the inbox.
    pub(crate) fn sign_off(&self) -> Option<Vec<u8>> {
        let (message, has_reply) = self.setup.as_ref()?.sign_off()?;
        *self.signed_off.lock() = has_reply.then(|| message.clone());
        Some(message)
    }

    /// Returns whether this is the reply to the sign-off.
    pub(super) fn ends_sign_off(&self, incoming: &Incoming) -> bool {
        let (Incoming::Message(message), mut signed_off) = (incoming, self.signed_off.lock()) else { return false };
        let (Some(sent), Some(sign)) = (signed_off.as_ref(), self.profile.sign_off()) else { return false };
        let is_reply = sign.can_be_reply(message, sent, self.profile.reply_rule())
            && sign.expected().is_some_and(|expected| expected.holds(message, Some(sent)));
        if is_reply {
            *signed_off = None;
            self.changed.notify();
        }
        is_reply
    }

    /// Waits until the reply to the sign-off has arrived, or no longer can, or until `until`. Returns false if it still can.
    pub(crate) async fn wait_until_signed_off(&self, until: Option<Instant>) -> bool {
        self.wait_until(until, || self.signed_off.lock().is_none() || self.has_ended()).await
    }

    pub(super) fn begin_use(self: &Arc<Self>) -> ConnectionUse<D> {
        self.users.fetch_add(1, Ordering::SeqCst);
        if let Some(lease) = &self.lease {
            lease.begin();
        }
        ConnectionUse { connection: Arc::clone(self), was_useful: false }
    }

    /// Returns whether an exchange can use the connection. Reports the loss of a connection that has ended.
    pub(super) fn is_open(&self) -> bool {
        match self.caller.ended() {
            Some(cause) => self.lost(&cause),
            None => return !self.is_leaving.load(Ordering::SeqCst),
        }
        false
    }

    /// Closes the connection at once.
    pub(crate) fn abort(&self) {
        self.vacate();
        self.caller.abort();
    }

    /// Marks the connection as being closed, so that nothing else closes it.
    pub(crate) fn vacate(&self) {
        self.is_vacated.store(true, Ordering::SeqCst);
        self.begin_leaving();
    }

    /// Stops new exchanges.
    pub(super) fn begin_leaving(&self) {
        self.is_leaving.store(true, Ordering::SeqCst);
        if let Some(lease) = &self.lease {
            lease.leave();
        }
    }

    /// Closes the connection in an orderly way, in the background, if no exchange uses it and nothing closes it yet. If
    /// the peer does not close its side in time, the connection is closed anyway.
    pub(super) fn close_if_vacant(self: &Arc<Self>) {
        if self.users.load(Ordering::SeqCst) > 0 || self.is_vacated.swap(true, Ordering::SeqCst) {
            return;
        }
        let connection = Arc::clone(self);
        let close = move |within| async move { D::finish_all(&[connection], within).await };
        if D::detach("framelink-close", self.profile.timeouts().close, close).is_err() {
            self.abort();
        }
    }

    /// Notes that an unsolicited message arrived, which shows that the peer is well.
    pub(super) fn proved(&self) {
        if let Some(lease) = &self.lease {
            lease.proved();
        }
    }

    /// Reports that the connection was lost, and why.
    pub(super) fn lost(&self, why: &impl Display) {
        if let Some(lease) = &self.lease {
            lease.lost(&why.to_string());
        }
    }

    /// Notes that nothing more is received.
    pub(super) fn on_end(&self) {
        self.has_ended.store(true, Ordering::Release);
        self.changed.notify();
    }

    /// Waits until the connection has ended, or until `until`.
    pub(crate) async fn wait_until_ended(&self, until: Instant) {
        self.wait_until(Some(until), || self.has_ended()).await;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire) || self.caller.ended().is_some()
    }

    /// Waits until this is so, or until `until`. Returns whether it is so.
    async fn wait_until(&self, until: Option<Instant>, is_so: impl Fn() -> bool) -> bool {
        loop {
            let version = self.changed.version();
            if is_so() {
                return true;
            }
            if until.is_some_and(|until| D::left(until).is_zero()) {
                return false;
            }
            self.changed.wait(version, until).await;
        }
    }
}

impl<D: LinkDriver> ConnectionUse<D> {
    /// Sends a message that is not a request.
    pub(super) async fn send(mut self, message: &[u8], within: Duration) -> Result<(), CallError> {
        self.connection.caller.send_with_outcome(message, within).await?;
        self.was_useful = true;
        Ok(())
    }
}

impl<D: LinkDriver> Drop for ConnectionUse<D> {
    fn drop(&mut self) {
        let connection = &self.connection;
        if let Some(lease) = &connection.lease {
            lease.end(self.was_useful);
        }
        connection.users.fetch_sub(1, Ordering::SeqCst);
        if connection.is_leaving.load(Ordering::SeqCst) {
            connection.close_if_vacant();
        }
    }
}
