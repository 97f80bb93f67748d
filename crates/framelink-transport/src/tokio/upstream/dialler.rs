//! What dials: for whoever waits for it, and in the background.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::resolver::Resolver;
use super::signing::{self, close};
use crate::session::OnUnread;
use crate::tokio::clock::{self, Clock};
use crate::tokio::keeper::Keeper;
use crate::tokio::{Connection, Connector};
use crate::upstream::{Attempt, Dialling, Ledger, Next, OnLoss, Probe, Seat, Spare, State};
use crate::{ConnectError, Profile};

/// What the clones of an upstream share.
pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) connector: Connector,
    pub(super) ledger: Arc<Ledger>,
    pub(super) clock: Clock,
    /// Told when something has changed that others may wait for.
    pub(super) changed: Arc<Notify>,
    pub(super) states: watch::Receiver<State>,
    pub(super) spare: Spare<Connection, Keeper>,
    pub(super) is_spare_wanted: AtomicBool,
    /// Tries lost addresses, once there has been one.
    pub(super) background: Mutex<Option<AbortHandle>>,
}

/// What it was made with.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) profile: Arc<Profile>,
    pub(super) names: Arc<[Arc<str>]>,
    pub(super) resolver: Option<Arc<Resolver>>,
    pub(super) on_loss: Option<OnLoss>,
    pub(super) on_unread: Option<OnUnread>,
}

impl Inner {
    /// Waits for an address until then, and for its connection until the deadline.
    pub(super) async fn connect(&self, until: Instant, deadline: Instant) -> Result<(Connection, Seat), ConnectError> {
        let until = self.clock.time_of(until);
        let (mut attempt, mut failed) = (Attempt::new(), None);
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            match self.ledger.next(&mut attempt, until, &mut failed) {
                Next::Dial(dialling) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    match self.dial(dialling, left.min(self.settings.profile.timeouts().connect)).await {
                        Ok(connected) => return Ok(connected),
                        Err(error) => failed = Some(error),
                    }
                }
                Next::Wait(until) => drop(timeout_at(self.clock.at(until), changed).await),
                Next::Fail(error) => return Err(error),
            }
        }
    }

    /// Resolves, dials, signs on.
    async fn dial(&self, dialling: Dialling, within: Duration) -> Result<(Connection, Seat), ConnectError> {
        let deadline = clock::within(dialling.share(within));
        let left = || deadline.saturating_duration_since(Instant::now());
        let name = dialling.name();
        let connected = async {
            let mut connection = match &self.settings.resolver {
                None => self.connector.clone().within(left()).connect_to(name).await?,
                Some(resolver) => {
                    let found = resolver.look_up(name, deadline, &self.ledger).await?;
                    self.connector.clone().within(left()).connect(&found[..]).await?
                }
            };
            signing::sign_on(&mut connection, self.settings.profile.sign_on(), left()).await?;
            Ok(connection)
        };
        match connected.await {
            Ok(connection) => Ok((connection, dialling.connected())),
            Err(error) => Err(dialling.failed(error)),
        }
    }

    pub(super) fn take_spare(&self) -> Option<(Connection, Seat)> {
        let is_heard = self.settings.profile.exchange().receives();
        self.spare.take(|connection| connection.has_ended(is_heard))
    }

    fn keep_spare(&self, (connection, seat): (Connection, Seat)) {
        self.spare.put(connection, seat, !self.settings.profile.exchange().receives());
    }

    pub(super) fn retire(&self, connection: Connection, seat: Arc<Seat>) {
        seat.leave();
        let profile = Arc::clone(&self.settings.profile);
        tokio::spawn(async move {
            // As far as that is possible.
            let _ = close(connection, &profile, profile.timeouts().close).await;
            drop(seat);
        });
    }

    /// Sees to what is to be done in the background, if there is anything.
    pub(super) fn tend_if_needed(self: &Arc<Self>) {
        if self.ledger.is_tending_needed() {
            self.tend();
            self.changed.notify_waiters();
        }
    }

    pub(super) fn tend(self: &Arc<Self>) {
        let mut background = self.background.lock().unwrap_or_else(PoisonError::into_inner);
        background.get_or_insert_with(|| tokio::spawn(tend(Arc::clone(self))).abort_handle());
    }

    /// An address that was lost is tried. If connections are to move there, the first one is there already.
    async fn try_again(&self, dialling: Dialling) {
        // If that fails, it is tried again some time.
        let Ok((connection, seat)) = self.dial(dialling, self.settings.profile.timeouts().connect).await else {
            return;
        };
        match self.ledger.has_moves() {
            true => self.keep_spare((connection, seat)),
            false => self.retire(connection, seat.into()),
        }
    }

    async fn make_spare(&self) {
        if let Next::Dial(dialling) = self.ledger.next(&mut Attempt::new(), Duration::ZERO, &mut None)
            && let Ok(connected) = self.dial(dialling, self.settings.profile.timeouts().connect).await
        {
            self.keep_spare(connected);
        }
    }
}

/// What goes on in the background, until the upstream is gone.
async fn tend(inner: Arc<Inner>) {
    loop {
        let mut changed = pin!(inner.changed.notified());
        changed.as_mut().enable();
        if inner.is_spare_wanted.swap(false, Ordering::AcqRel) {
            inner.make_spare().await;
            continue;
        }
        match inner.ledger.probe() {
            Ok(dialling) => inner.try_again(dialling).await,
            Err(Probe::Wait { until }) => drop(timeout_at(inner.clock.at(until), changed).await),
            Err(_) => changed.await,
        }
    }
}
