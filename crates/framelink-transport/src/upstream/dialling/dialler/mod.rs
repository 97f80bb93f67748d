//! Dials the addresses of a peer, for callers that wait for a connection and in the background.

pub(crate) mod idle;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::drive::Clock as _;
use crate::driver::{Connection as _, Driver, Notify as _, TaskSlot};
use crate::error::ConnectError;
use crate::net::connector::Connector;
use crate::net::lock::Lock;
use crate::profile::{Profile, Timeouts};
use crate::proxy_protocol::ProxyInfo;
use crate::session::{OnUnread, Relayed};
use crate::tls::TlsSetup;
use crate::upstream::dialling::dialler::idle::IdleSlot;
use crate::upstream::dialling::watch::{Setter, Watch};
use crate::upstream::dialling::{
    AddressBook, AddressLease, Attempt, Dialling, Next, OnLoss, Probe, sign_off_and_close,
};
use framelink_profile::FramingPair;

pub(crate) type Dialled<D> = (<D as Driver>::Connection, AddressLease);

/// Dials one of the addresses of a peer. Clones share the dialler; the background work ends with the last clone.
#[derive(Clone)]
pub(crate) struct Dialler<D: Driver> {
    owner: Arc<Owner<D>>,
}

struct Owner<D: Driver>(Arc<Inner<D>>);

impl<D: Driver> Deref for Dialler<D> {
    type Target = Arc<Inner<D>>;

    fn deref(&self) -> &Arc<Inner<D>> {
        &self.owner.0
    }
}

pub(crate) struct Inner<D: Driver> {
    pub(crate) settings: Settings<D>,
    /// Connects to an address, and signs on.
    pub(crate) connector: Connector<FramingPair, D>,
    pub(crate) resolver: D::Resolver,
    pub(crate) address_book: Arc<AddressBook>,
    clock: D::Clock,
    /// Notified when something changes that a caller, or a task that keeps connections up, may wait for.
    pub(crate) watch: Arc<Watch<D::Notify>>,
    /// A connection that was made in the background, until a role takes it.
    spare: Lock<Option<IdleSlot<D>>>,
    is_spare_wanted: AtomicBool,
    /// The task that tries lost addresses. It starts at the first loss.
    background: TaskSlot<D>,
    is_closed: AtomicBool,
}

/// The settings that the dialler was made with.
#[derive(Clone)]
pub(crate) struct Settings<D: Driver> {
    pub(crate) profile: Arc<Profile>,
    pub(crate) names: Arc<[Arc<str>]>,
    pub(crate) lookup: Option<D::Lookup>,
    pub(crate) on_loss: Option<OnLoss>,
    pub(crate) on_unread: Option<OnUnread>,
    pub(crate) tls: Option<TlsSetup>,
}

impl<D: Driver> Dialler<D> {
    pub(crate) fn new(profile: &Arc<Profile>, names: Arc<[Arc<str>]>) -> Self {
        Self::with(Settings {
            profile: Arc::clone(profile),
            names,
            lookup: None,
            on_loss: None,
            on_unread: None,
            tls: None,
        })
    }

    pub(crate) fn with(settings: Settings<D>) -> Self {
        let (clock, (setter, watch)) = (D::clock(), Watch::new());
        let (names, on_loss) = (Arc::clone(&settings.names), settings.on_loss.clone());
        let set = Box::new(move |state| Setter::set(&setter, state));
        let address_book = AddressBook::new(settings.profile.reconnect(), names, on_loss, Box::new(clock), set);
        let mut connector = Connector::with_profile(&settings.profile);
        connector.setup = connector.setup.with_unread(settings.on_unread.clone()).with_tls(settings.tls.clone());
        if settings.profile.relayed_steps() > 0 {
            // A dial in the background has no client whose message could be relayed.
            connector.setup = connector.setup.relaying(Relayed::default());
        }
        let counting = Arc::clone(&address_book);
        let inner = Inner {
            connector,
            resolver: D::resolver(settings.lookup.clone(), move || counting.on_resolver_panic()),
            address_book,
            clock,
            watch,
            spare: Lock::new(None),
            is_spare_wanted: AtomicBool::new(false),
            background: TaskSlot::new(),
            is_closed: AtomicBool::new(false),
            settings,
        };
        Self { owner: Arc::new(Owner(Arc::new(inner))) }
    }

    pub(crate) fn profile(&self) -> &Arc<Profile> {
        &self.settings.profile
    }

    /// Returns a connection within `timeouts.connect`.
    pub(crate) async fn dial(&self) -> Result<Dialled<D>, ConnectError> {
        self.dial_for(None, Relayed::default()).await
    }

    /// Like `dial`, on behalf of a client of this program, with its messages for the relayed first steps of the profile.
    pub(crate) async fn dial_for(
        &self,
        client: Option<&ProxyInfo>,
        relayed: Relayed,
    ) -> Result<Dialled<D>, ConnectError> {
        let deadline = D::within(self.profile().timeouts().connect);
        self.profile().check_relayed(relayed.len()).map_err(ConnectError::Profile)?;
        if client.is_none() && relayed.is_empty() {
            return self.connect(deadline).await;
        }
        // A spare connection is for no client.
        let mut connector = self.connector.clone();
        if !relayed.is_empty() {
            connector.setup = connector.setup.relaying(relayed);
        }
        if let Some(client) = client {
            connector = connector.on_behalf_of(client.clone());
        }
        let connected = self.connect_after(&connector, D::left(deadline) / 2, deadline).await;
        self.maintain_if_needed();
        connected
    }

    /// Returns a connection that is ready for exchanges: dialled, with sign-on.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Dialled<D>, ConnectError> {
        if let Some(spare) = self.take_spare() {
            return Ok(spare);
        }
        // With very little time left even a healthy address would fail, and its back-off would grow each time.
        let connected = self.connect_after(&self.connector, D::left(deadline) / 2, deadline).await;
        self.maintain_if_needed();
        connected
    }

    /// Returns how long a background dial may take: not longer than a call, because a call may wait for it.
    pub(crate) fn patience_in_background(&self) -> Duration {
        let timeouts = self.profile().timeouts();
        timeouts.connect.min(timeouts.reply.unwrap_or(Timeouts::REPLY))
    }

    /// Returns a connection that is ready for exchanges, for a background task. Does not wait if no address is due yet.
    pub(crate) async fn connect_if_due(&self) -> Result<Dialled<D>, ConnectError> {
        let connected =
            self.connect_after(&self.connector, Duration::ZERO, D::within(self.patience_in_background())).await;
        // After `NotYet` nothing has changed. A notification would make a task that tries again on each change spin.
        if !matches!(connected, Err(ConnectError::NotYet { .. })) {
            self.maintain_if_needed();
        }
        connected
    }

    /// Returns the next address of this attempt, if it is to be dialled now.
    #[cfg(all(unix, feature = "nonblocking"))]
    pub(crate) fn next_if_due(
        &self,
        attempt: &mut Attempt,
        failed: &mut Option<ConnectError>,
    ) -> Result<Dialling, ConnectError> {
        let now = self.clock.now();
        match self.address_book.next(attempt, now, failed) {
            Next::Dial(dialling) => Ok(dialling),
            Next::Wait(until) => Err(ConnectError::NotYet { last: None, next_try: until.saturating_sub(now) }),
            Next::Fail(error) => Err(error),
        }
    }

    /// Returns a replacement for a connection that is to move. If there is none, begins one in the background.
    pub(crate) fn replacement(&self, lease: &AddressLease) -> Option<Dialled<D>> {
        if !D::HAS_BACKGROUND || !lease.is_to_move() {
            return None;
        }
        let spare = self.take_spare();
        if spare.is_none() {
            self.is_spare_wanted.store(true, Ordering::Release);
            self.maintain();
            self.watch.changed.notify();
        }
        spare
    }
}

impl<D: Driver> Inner<D> {
    /// Waits for an address that is due, until `patience` is over, and for its connection until the deadline.
    async fn connect_after(
        &self,
        connector: &Connector<FramingPair, D>,
        patience: Duration,
        deadline: Instant,
    ) -> Result<Dialled<D>, ConnectError> {
        let until = self.clock.now().saturating_add(patience);
        let (mut attempt, mut failed) = (Attempt::new(), None);
        loop {
            let version = self.watch.changed.version();
            match self.address_book.next(&mut attempt, until, &mut failed) {
                Next::Dial(dialling) => {
                    let within = D::left(deadline).min(self.settings.profile.timeouts().connect);
                    match self.dial_at(connector, dialling, within).await {
                        Ok(connected) => return Ok(connected),
                        Err(error) => failed = Some(error),
                    }
                }
                Next::Wait(until) => drop(self.watch.changed.wait(version, Some(self.at(until))).await),
                Next::Fail(error) => return Err(error),
            }
        }
    }

    async fn dial_at(
        &self,
        connector: &Connector<FramingPair, D>,
        dialling: Dialling,
        within: Duration,
    ) -> Result<Dialled<D>, ConnectError> {
        let connector = connector.clone().within(dialling.share(within)).for_host(dialling.name());
        match D::dial(&connector, &self.resolver, dialling.name()).await {
            Ok(connection) => Ok((connection, dialling.connected())),
            Err(error) => Err(dialling.failed(error)),
        }
    }

    /// Takes the spare connection, if there is one and it has not ended.
    fn take_spare(&self) -> Option<Dialled<D>> {
        let mut spare = self.spare.lock().take()?;
        let (mut connection, lease) = spare.take()?;
        let lease = lease?;
        if connection.has_ended(self.settings.profile.exchange().receives()) {
            lease.lost("the connection ended before it was used");
            return None;
        }
        // The slot has given up the connection, so the lease has no other owner.
        Some((connection, Arc::into_inner(lease)?))
    }

    fn keep_spare(&self, (connection, lease): Dialled<D>) {
        let mut spare = IdleSlot::new(&self.settings.profile, None);
        spare.put(connection, Some(Arc::new(lease)));
        let before = self.spare.lock().replace(spare);
        drop(before);
        if self.is_closed.load(Ordering::Acquire) {
            drop(self.spare.lock().take());
        }
    }

    /// Closes a connection in good order, in the background.
    pub(crate) fn retire(&self, connection: D::Connection, lease: impl Into<Arc<AddressLease>>) {
        let lease = lease.into();
        lease.leave();
        let (setup, within) = (self.connector.setup.clone(), self.settings.profile.timeouts().close);
        let closed = D::detach("framelink-close", within, move |within| async move {
            // A failure to sign off changes nothing: the connection is over.
            let _ = sign_off_and_close::<D>(connection, &setup, within).await;
            drop(lease);
        });
        if closed.is_err() {
            self.address_book.on_thread_refused();
        }
    }

    /// Starts the background work, if there is any.
    fn maintain_if_needed(self: &Arc<Self>) {
        if D::HAS_BACKGROUND && self.address_book.needs_maintenance() {
            self.maintain();
            self.watch.changed.notify();
        }
    }

    fn maintain(self: &Arc<Self>) {
        // If the system has no thread, the next dial tries again.
        if self.background.begin("framelink-maintain", || maintain(Arc::clone(self))).is_err() {
            self.address_book.on_thread_refused();
        }
    }

    /// Tries an address that was lost. If connections are to move there, this connection is the first of them.
    async fn try_again(&self, dialling: Dialling) {
        // If this fails, the address is tried again later.
        let Ok((connection, lease)) =
            self.dial_at(&self.connector, dialling, self.settings.profile.timeouts().connect).await
        else {
            return;
        };
        match self.address_book.has_moves() && !self.connector.setup.only_opens() {
            true => self.keep_spare((connection, lease)),
            false => self.retire(connection, lease),
        }
    }

    async fn make_spare(&self) {
        if let Next::Dial(dialling) = self.address_book.next(&mut Attempt::new(), Duration::ZERO, &mut None)
            && let Ok(connected) =
                self.dial_at(&self.connector, dialling, self.settings.profile.timeouts().connect).await
        {
            self.keep_spare(connected);
        }
    }

    fn at(&self, time: Duration) -> Instant {
        D::within(time.saturating_sub(self.clock.now()))
    }
}

/// The background work, until the dialler is gone.
async fn maintain<D: Driver>(inner: Arc<Inner<D>>) {
    loop {
        let version = inner.watch.changed.version();
        if inner.is_closed.load(Ordering::Acquire) {
            return;
        }
        if inner.is_spare_wanted.swap(false, Ordering::AcqRel) {
            inner.make_spare().await;
            continue;
        }
        match inner.address_book.probe() {
            Ok(dialling) => inner.try_again(dialling).await,
            Err(Probe::Wait { until }) => drop(inner.watch.changed.wait(version, Some(inner.at(until))).await),
            Err(_) => drop(inner.watch.changed.wait(version, None).await),
        }
    }
}

impl<D: Driver> Drop for Owner<D> {
    fn drop(&mut self) {
        self.0.is_closed.store(true, Ordering::Release);
        self.0.watch.changed.notify();
        self.0.background.abort();
        drop(self.0.spare.lock().take());
    }
}

/// Shows states only.
impl<D: Driver> fmt::Debug for Dialler<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address_book.fmt(f)
    }
}
