//! What dials: for whoever waits for it, and in the background.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::told::Told;
use crate::blocking::keeper::Keeper;
use crate::blocking::{Connection, Connector};
use crate::resolver::Lookup;
use crate::session::OnUnread;
use crate::upstream::{Attempt, Dialling, Ledger, Next, OnLoss, Probe, Seat, Spare, sign_off_and_close, sign_on};
use crate::{ConnectError, Peer, Profile, threads};

/// What the clones of an upstream share.
pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) connector: Connector,
    pub(super) ledger: Arc<Ledger>,
    /// The newest state, and whom it is told.
    pub(super) told: Arc<Told>,
    pub(super) spare: Spare<Connection, Keeper>,
    pub(super) is_spare_wanted: AtomicBool,
    /// Whether there is a thread that tries lost addresses.
    pub(super) is_tended: Mutex<bool>,
    pub(super) is_closed: AtomicBool,
}

/// What it was made with.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) profile: Arc<Profile>,
    pub(super) names: Arc<[Arc<str>]>,
    pub(super) lookup: Option<Lookup>,
    pub(super) on_loss: Option<OnLoss>,
    pub(super) on_unread: Option<OnUnread>,
}

impl Inner {
    /// Waits for an address until then, and for its connection until the deadline.
    pub(super) fn connect(&self, until: Instant, deadline: Instant) -> Result<(Connection, Seat), ConnectError> {
        let until = self.ledger.now() + left(until);
        let (mut attempt, mut failed) = (Attempt::new(), None);
        loop {
            let told = self.told.version();
            match self.ledger.next(&mut attempt, until, &mut failed) {
                Next::Dial(dialling) => {
                    match self.dial(dialling, left(deadline).min(self.settings.profile.timeouts().connect)) {
                        Ok(connected) => return Ok(connected),
                        Err(error) => failed = Some(error),
                    }
                }
                Next::Wait(until) => self.told.wait(told, until.saturating_sub(self.ledger.now())),
                Next::Fail(error) => return Err(error),
            }
        }
    }

    /// Resolves, dials, signs on.
    fn dial(&self, dialling: Dialling, within: Duration) -> Result<(Connection, Seat), ConnectError> {
        let deadline = Instant::now() + dialling.share(within);
        let connected = || {
            let peer = Peer::Name(Arc::clone(dialling.name()));
            let mut connection = self.connector.clone().within(left(deadline)).connect(peer)?;
            sign_on(&mut connection, self.settings.profile.sign_on(), left(deadline))?;
            Ok(connection)
        };
        match connected() {
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
        if self.is_closed.load(Ordering::Acquire) {
            self.spare.clear();
        }
    }

    pub(super) fn retire(&self, connection: Connection, seat: Arc<Seat>) {
        seat.leave();
        let profile = Arc::clone(&self.settings.profile);
        let within = profile.timeouts().close;
        // As far as that is possible.
        let close = move |(connection, seat): (Connection, Arc<Seat>), within| {
            let _ = sign_off_and_close(connection, &profile, within);
            drop(seat);
        };
        let others = close.clone();
        let begun = threads::hand_over("framelink-close", (connection, seat), move |leaving| others(leaving, within));
        if let Err((_, leaving)) = begun {
            self.ledger.on_thread_refused();
            close(leaving, Duration::ZERO);
        }
    }

    /// Sees to what is to be done in the background, if there is anything.
    pub(super) fn tend_if_needed(self: &Arc<Self>) {
        if self.ledger.is_tending_needed() {
            self.tend();
            self.told.wake();
        }
    }

    pub(super) fn tend(self: &Arc<Self>) {
        let mut is_tended = self.is_tended.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut is_tended, true) {
            let inner = Arc::clone(self);
            if threads::spawn("framelink-tend", move || tend(&inner)).is_err() {
                // The next dial asks for it again.
                *is_tended = false;
                self.ledger.on_thread_refused();
            }
        }
    }

    /// An address that was lost is tried. If connections are to move there, the first one is there already.
    fn try_again(&self, dialling: Dialling) {
        // If that fails, it is tried again some time.
        let Ok((connection, seat)) = self.dial(dialling, self.settings.profile.timeouts().connect) else { return };
        match self.ledger.has_moves() {
            true => self.keep_spare((connection, seat)),
            false => self.retire(connection, seat.into()),
        }
    }

    fn make_spare(&self) {
        if let Next::Dial(dialling) = self.ledger.next(&mut Attempt::new(), Duration::ZERO, &mut None)
            && let Ok(connected) = self.dial(dialling, self.settings.profile.timeouts().connect)
        {
            self.keep_spare(connected);
        }
    }
}

/// What goes on in the background, until the upstream is gone.
fn tend(inner: &Inner) {
    loop {
        let told = inner.told.version();
        if inner.is_closed.load(Ordering::Acquire) {
            return;
        }
        if inner.is_spare_wanted.swap(false, Ordering::AcqRel) {
            inner.make_spare();
            continue;
        }
        match inner.ledger.probe() {
            Ok(dialling) => inner.try_again(dialling),
            Err(Probe::Wait { until }) => inner.told.wait(told, until.saturating_sub(inner.ledger.now())),
            Err(_) => inner.told.wait(told, Duration::MAX),
        }
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
