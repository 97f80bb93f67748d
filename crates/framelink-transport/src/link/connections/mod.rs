//! The connections of a link, and the rules for making more.

mod keep_up;
mod receiving;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::keep_up::KeepUp;
use self::receiving::ReceiveTask;
use crate::driver::{Notify as _, TaskSlot};
use crate::error::{CallError, Cause, ConnectError, Error, Operation};
use crate::link::connection::ConnectionUse;
use crate::link::inbox::Outlet;
use crate::link::pairing::{LOOK, Pairing};
use crate::link::{DialLock as _, LinkCaller as _, LinkConnection, LinkDriver, LinkStatus};
use crate::net::lock::Lock;
use crate::profile::Profile;
use crate::session::{Leg, Matching, Numbers, Sent};
use crate::upstream::{AddressLease, Dialler};

/// The connections of a link, and what is needed to make more of them.
pub(crate) struct LinkConnections<D: LinkDriver> {
    all: Lock<Vec<Arc<LinkConnection<D>>>>,
    /// Held while a connection is dialled because none exists.
    pub(super) dialling: D::DialLock,
    /// The task that dials an additional connection.
    growth: TaskSlot<D>,
    /// Whether the link was dropped.
    is_closed: AtomicBool,
    source: Source<D>,
    /// Present for a link with `keep-up`.
    pub(super) keep_up: Option<KeepUp<D>>,
    pub(crate) profile: Arc<Profile>,
    outlet: Outlet<D>,
}

/// How a connection is made.
enum Source<D: LinkDriver> {
    Dial(Dialler<D>),
    Pair(Box<Pairing<D>>),
}

impl<D: LinkDriver> LinkConnections<D> {
    pub(super) fn dialled(dialler: Dialler<D>, outlet: Outlet<D>) -> Arc<Self> {
        let (profile, keep_up) = (Arc::clone(dialler.profile()), KeepUp::of(&dialler));
        let connections = Self::new(profile, Source::Dial(dialler), keep_up, outlet);
        connections.begin_keeping_up();
        connections
    }

    pub(super) fn paired(profile: Arc<Profile>, pairing: Pairing<D>, outlet: Outlet<D>) -> Arc<Self> {
        Self::new(profile, Source::Pair(Box::new(pairing)), None, outlet)
    }

    fn new(profile: Arc<Profile>, source: Source<D>, keep_up: Option<KeepUp<D>>, outlet: Outlet<D>) -> Arc<Self> {
        let (all, growth, is_closed) = (Lock::default(), TaskSlot::new(), AtomicBool::new(false));
        Arc::new(Self { all, dialling: D::dial_lock(), growth, is_closed, source, keep_up, profile, outlet })
    }

    /// Starts accepting the connections that the peer dials. They are joined when both of a pair exist.
    pub(super) fn accept(self: &Arc<Self>, listeners: Vec<(Leg, D::Listener)>) -> io::Result<()> {
        let Source::Pair(pairing) = &self.source else { return Ok(()) };
        for (leg, listener) in listeners {
            let weak = Arc::downgrade(self);
            pairing.accept(listener, move |connection| {
                weak.upgrade().inspect(|connections| connections.on_leg(leg, connection)).is_some()
            })?;
        }
        Ok(())
    }

    /// Starts the task of `keep-up`, if the profile has `keep-up` and the task is not running.
    fn begin_keeping_up(self: &Arc<Self>) {
        if let Some(keep_up) = &self.keep_up {
            keep_up.begin(self);
        }
    }

    /// Returns the least busy connection and true, or a newly dialled one and false.
    pub(super) async fn acquire(self: &Arc<Self>, deadline: Instant) -> Result<(ConnectionUse<D>, bool), CallError> {
        self.begin_keeping_up();
        self.move_to_preferred();
        if let Some(using) = self.least_busy() {
            if using.connection.caller.in_flight() > 0 {
                self.grow();
            }
            return Ok((using, true));
        }
        let deadline = match &self.source {
            Source::Dial(_) => deadline,
            Source::Pair(_) => deadline.min(D::within(self.profile.timeouts().connect)),
        };
        let failed = |error| CallError::new(Sent::Not, Error::new(Operation::Call, None, Cause::Connect(error)));
        self.dial(deadline).await.map_err(failed)
    }

    /// Closes all connections at once.
    pub(crate) fn disconnect(&self) {
        let all = self.all.lock().clone();
        all.iter().for_each(|connection| connection.abort());
        self.all.lock().retain(|connection| connection.is_open());
    }

    /// Closes all connections in an orderly way, concurrently. After that time they are closed anyway.
    pub(crate) async fn finish(&self, within: Duration) {
        if let Some(keep_up) = &self.keep_up {
            keep_up.is_paused.store(true, Ordering::Release);
        }
        let all = self.all.lock().clone();
        D::finish_all(&all, within).await;
    }

    /// Closes everything when the link is dropped.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        if let Some(keep_up) = &self.keep_up {
            keep_up.task.abort();
            keep_up.dialler.watch.changed.notify();
        }
        self.outlet.close();
        if let Source::Pair(pairing) = &self.source {
            pairing.close();
        }
        self.disconnect();
    }

    pub(crate) fn status(&self) -> LinkStatus {
        let all = self.all.lock();
        LinkStatus {
            connections: all.iter().filter(|connection| connection.is_open()).count(),
            connections_max: self.most(),
            in_flight: all.iter().map(|connection| connection.caller.in_flight()).sum(),
            state: self.dialler().map(|dialler| dialler.address_book.state()),
        }
    }

    /// Notes that a connection has ended, and lets go of it. A link with `keep-up` may lose many without any request.
    pub(super) fn on_end(&self) {
        self.all.lock().retain(|connection| connection.caller.ended().is_none());
        if let Source::Pair(pairing) = &self.source {
            pairing.on_lost();
        }
        if let Some(keep_up) = &self.keep_up {
            keep_up.dialler.watch.changed.notify();
        }
    }

    /// Adds a connection of a pair that the peer has dialled, and dials the other one if that is up to this side.
    fn on_leg(self: &Arc<Self>, leg: Leg, connection: D::Connection) {
        let Source::Pair(pairing) = &self.source else { return };
        if pairing.on_leg(leg, connection) {
            self.disconnect();
        }
        let (connections, within) = (Arc::clone(self), self.profile.timeouts().connect);
        // If this fails, the next request reports the error.
        let completing = D::spawn("framelink-dial", async move { drop(connections.dial(D::within(within)).await) });
        if let Ok(task) = completing {
            pairing.until_closed(task);
        }
    }

    /// Waits for its turn to dial. By then another task or thread may have dialled a connection.
    async fn dial(self: &Arc<Self>, deadline: Instant) -> Result<(ConnectionUse<D>, bool), ConnectError> {
        let within = D::left(deadline);
        let Some(_turn) = self.dialling.take(Some(deadline)).await else { return Err(self.none_in_time(within)) };
        if let Some(using) = self.least_busy() {
            return Ok((using, true));
        }
        let task = self.begin_receiving().map_err(ConnectError::NoThread)?;
        let using = match &self.source {
            // The dialler gets the deadline, so that its error names the address that did not answer in time.
            Source::Dial(dialler) => {
                let (connection, lease) = dialler.connect(deadline).await?;
                self.add_dialled(task, connection, lease)
            }
            Source::Pair(pairing) => match self.pair(pairing, task, deadline).await? {
                Some(using) => using,
                None => return Err(self.none_in_time(within)),
            },
        };
        Ok((using, false))
    }

    /// Makes a pair. Returns `None` if the deadline passes first.
    async fn pair(
        self: &Arc<Self>,
        pairing: &Pairing<D>,
        task: ReceiveTask<D>,
        deadline: Instant,
    ) -> Result<Option<ConnectionUse<D>>, ConnectError> {
        loop {
            let version = pairing.changed.version();
            pairing.settle(deadline).await;
            if D::left(deadline).is_zero() || self.is_closed() {
                return Ok(None);
            }
            pairing.dial_missing(deadline).await?;
            if let Some((caller, receiver)) = pairing.join() {
                return Ok(Some(self.add(task, caller, receiver, None)));
            }
            if let Some(using) = self.least_busy() {
                return Ok(Some(using));
            }
            pairing.changed.wait(version, Some(deadline.min(D::within(LOOK)))).await;
        }
    }

    /// Dials another connection in the background when all are busy, up to the maximum.
    fn grow(self: &Arc<Self>) {
        if !self.is_due() || !self.has_room() {
            return;
        }
        let connections = Arc::downgrade(self);
        // If this fails, the existing connections are used, and the next request on a busy link tries again.
        let _ = self.growth.begin("framelink-dial", || async move {
            let Some(connections) = connections.upgrade() else { return };
            let _turn = connections.dialling.take(None).await;
            if connections.is_due() {
                let _ = connections.dial_one_more().await;
            }
        });
    }

    /// Dials another connection if an address is due. Returns `None` if the maximum is reached.
    pub(super) async fn dial_one_more(self: &Arc<Self>) -> Result<Option<ConnectionUse<D>>, ConnectError> {
        let Some(dialler) = self.dialler().filter(|_| self.has_room()) else { return Ok(None) };
        let task = self.begin_receiving().map_err(ConnectError::NoThread)?;
        let (connection, lease) = dialler.connect_if_due().await?;
        Ok(Some(self.add_dialled(task, connection, lease)))
    }

    fn is_due(&self) -> bool {
        self.dialler().is_none_or(|dialler| dialler.address_book.is_due())
    }

    /// Returns whether the number of connections is below the maximum.
    fn has_room(&self) -> bool {
        !self.is_closed() && self.open() < self.most()
    }

    /// Replaces connections by ready replacements at a preferred address.
    pub(super) fn move_to_preferred(self: &Arc<Self>) {
        let Some(dialler) = self.dialler().filter(|dialler| dialler.address_book.has_moves()) else { return };
        let all = self.all.lock().clone();
        for before in all.iter().filter(|connection| connection.is_open()) {
            let replacement = before.lease.as_ref().and_then(|lease| dialler.replacement(lease));
            let Some((connection, lease)) = replacement else { continue };
            match self.begin_receiving() {
                Ok(task) => {
                    drop(self.add_dialled(task, connection, lease));
                    self.leave(before);
                }
                Err(_) => dialler.retire(connection, lease),
            }
        }
    }

    /// Stops new exchanges on a connection. The connection is closed in an orderly way after the last exchange on it.
    fn leave(&self, connection: &Arc<LinkConnection<D>>) {
        // Otherwise a request could take the connection after its exchanges were counted.
        let all = self.all.lock();
        connection.begin_leaving();
        drop(all);
        connection.close_if_vacant();
    }

    fn least_busy(&self) -> Option<ConnectionUse<D>> {
        let mut all = self.all.lock();
        all.retain(|connection| connection.is_open());
        all.iter().min_by_key(|connection| connection.caller.in_flight()).map(LinkConnection::begin_use)
    }

    fn begin_receiving(self: &Arc<Self>) -> io::Result<ReceiveTask<D>> {
        receiving::begin(self.outlet.clone(), Arc::downgrade(self))
    }

    fn add_dialled(
        self: &Arc<Self>,
        task: ReceiveTask<D>,
        connection: D::Connection,
        lease: AddressLease,
    ) -> ConnectionUse<D> {
        // The connection has the numbers of its dialler.
        let matching = self.profile.matching().unwrap_or(Matching::in_order());
        let (caller, receiver) = D::duplex(connection, matching);
        self.add(task, caller, receiver, Some(lease))
    }

    fn add(
        &self,
        task: ReceiveTask<D>,
        caller: D::Caller,
        receiver: D::Receiver,
        lease: Option<AddressLease>,
    ) -> ConnectionUse<D> {
        let setup = self.dialler().map(|dialler| dialler.connector.setup.clone());
        let connection = LinkConnection::new(caller, lease, &self.profile, setup);
        let using = connection.begin_use();
        self.all.lock().push(Arc::clone(&connection));
        if self.is_closed() {
            connection.abort();
        }
        task.give((receiver, connection));
        using
    }

    fn none_in_time(&self, after: Duration) -> ConnectError {
        let not_dialled = match &self.source {
            Source::Pair(pairing) => pairing.not_dialled(),
            Source::Dial(_) => None,
        };
        not_dialled.map_or(ConnectError::NoneInTime { after }, |leg| ConnectError::NotDialled { leg, after })
    }

    pub(crate) fn numbers(&self) -> Option<Numbers> {
        let setup = match &self.source {
            Source::Dial(dialler) => &dialler.connector.setup,
            Source::Pair(pairing) => pairing.setup(),
        };
        setup.numbers().map(|numbers| numbers.numbers().clone())
    }

    const fn dialler(&self) -> Option<&Dialler<D>> {
        match &self.source {
            Source::Dial(dialler) => Some(dialler),
            Source::Pair(_) => None,
        }
    }

    fn open(&self) -> usize {
        self.all.lock().iter().filter(|connection| connection.is_open()).count()
    }

    fn most(&self) -> usize {
        usize::try_from(self.profile.connection().count()).unwrap_or(usize::MAX)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}
