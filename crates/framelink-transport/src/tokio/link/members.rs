//! The connections of a link.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use super::Outlet;
use super::pairing::{LOOK, Pairing};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{Leg, Sent};
use crate::tokio::{Caller, Connection, Connector, Receiver};
use crate::{ConnectError, News, Profile};

/// The callers of all connections that are there, and how more of them are made.
pub(super) struct Members {
    callers: Mutex<Vec<Caller>>,
    /// Held by whoever dials where there is no connection.
    dialling: tokio::sync::Mutex<()>,
    /// Whether another one is being dialled beside those that are there.
    is_growing: AtomicBool,
    /// Whether nobody is left who could use them.
    closed: watch::Sender<bool>,
    /// Told when a connection has ended.
    ended: Notify,
    way: Way,
    profile: Arc<Profile>,
    outlet: Outlet,
}

/// How a connection comes about.
enum Way {
    Dial(Box<Connector>, String),
    Pair(Box<Pairing>),
}

impl Members {
    pub(super) fn dialled(profile: Arc<Profile>, peer: String, outlet: Outlet) -> Arc<Self> {
        let connector = Connector::with_profile(&profile);
        Arc::new(Self::new(profile, Way::Dial(Box::new(connector), peer), outlet))
    }

    /// What the peer dials is accepted from now on, and joined when both are there.
    pub(super) fn paired(profile: Arc<Profile>, pairing: Pairing, outlet: Outlet) -> Arc<Self> {
        let members = Arc::new(Self::new(profile, Way::Pair(Box::new(pairing)), outlet));
        if let Way::Pair(pairing) = &members.way {
            pairing.accept_for(&Arc::downgrade(&members));
        }
        members
    }

    fn new(profile: Arc<Profile>, way: Way, outlet: Outlet) -> Self {
        let (callers, dialling, is_growing, closed, ended) = Default::default();
        Self { callers, dialling, is_growing, closed, ended, way, profile, outlet }
    }

    /// The least busy connection, or one that is dialled; true if it was there.
    pub(super) async fn caller(self: &Arc<Self>, deadline: Instant) -> Result<(Caller, bool), CallError> {
        if let Some(caller) = self.least_busy() {
            if caller.in_flight() > 0 {
                self.grow();
            }
            return Ok((caller, true));
        }
        let within = deadline.saturating_duration_since(Instant::now()).min(self.profile.timeouts().connect);
        let dialled = timeout_at(Instant::now() + within, self.dial(within)).await;
        dialled
            .unwrap_or_else(|_| Err(self.none_in_time(within)))
            .map_err(|error| CallError::new(Sent::Not, Error::new(Operation::Call, None, Cause::Connect(error))))
    }

    pub(super) fn disconnect(&self) {
        self.lock().iter().for_each(Caller::abort);
    }

    /// Ends our side everywhere, and waits until the peer has ended its own.
    pub(super) async fn finish(&self) {
        let callers = self.lock().clone();
        for caller in callers {
            // One that has failed has ended.
            let _ = caller.finish().await;
        }
        loop {
            let ended = self.ended.notified();
            if self.open() == 0 {
                return;
            }
            ended.await;
        }
    }

    pub(super) fn open(&self) -> usize {
        self.lock().iter().filter(|caller| caller.is_open()).count()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lock().iter().map(Caller::in_flight).sum()
    }

    /// The peer has dialled one of a pair: the other one is made too, where that is ours to do.
    pub(super) fn on_leg(self: &Arc<Self>, leg: Leg, connection: Connection) {
        let Way::Pair(pairing) = &self.way else { return };
        if pairing.on_leg(leg, connection) {
            self.disconnect();
        }
        let members = Arc::clone(self);
        let completing = tokio::spawn(async move {
            let within = members.profile.timeouts().connect;
            // If that fails, the next request says so.
            let _ = timeout_at(Instant::now() + within, members.dial(within)).await;
        });
        pairing.until_closed(completing.abort_handle());
    }

    /// Nobody is left who could use them.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
        if let Way::Pair(pairing) = &self.way {
            pairing.close();
        }
        self.disconnect();
    }

    /// Waits for its turn to dial; somebody before may have.
    async fn dial(self: &Arc<Self>, within: Duration) -> Result<(Caller, bool), ConnectError> {
        let _turn = self.dialling.lock().await;
        match self.least_busy() {
            Some(caller) => Ok((caller, true)),
            None => self.dial_now(within).await.map(|caller| (caller, false)),
        }
    }

    async fn dial_now(self: &Arc<Self>, within: Duration) -> Result<Caller, ConnectError> {
        match &self.way {
            Way::Dial(connector, peer) => {
                let connected = connector.clone().within(within).connect(&**peer).await;
                let connected = connected.map_err(|error| error.of_peer(peer))?;
                let calls = self.profile.exchange().duplex().unwrap_or_default();
                Ok(self.add(connected.duplex(calls.matching())))
            }
            Way::Pair(pairing) => loop {
                let told = pairing.told.notified();
                pairing.settle().await;
                pairing.dial_missing().await?;
                match self.join().or_else(|| self.least_busy()) {
                    Some(caller) => return Ok(caller),
                    None => drop(tokio::time::timeout(LOOK, told).await),
                }
            },
        }
    }

    fn join(self: &Arc<Self>) -> Option<Caller> {
        match &self.way {
            Way::Pair(pairing) => pairing.join().map(|pair| self.add(pair)),
            Way::Dial(..) => None,
        }
    }

    /// Dials another one beside those that are busy, if there may be more.
    fn grow(self: &Arc<Self>) {
        if !self.has_room() || self.is_growing.swap(true, Ordering::AcqRel) {
            return;
        }
        let members = Arc::downgrade(self);
        tokio::spawn(async move {
            let Some(members) = members.upgrade() else { return };
            let turn = members.dialling.lock().await;
            if members.has_room() {
                // Those that are there go on; the next busy moment tries again.
                let _ = members.dial_now(members.profile.timeouts().connect).await;
            }
            drop(turn);
            members.is_growing.store(false, Ordering::Release);
        });
    }

    /// Whether there may be another connection beside those that are there.
    fn has_room(&self) -> bool {
        let most = usize::try_from(self.profile.connection().count()).unwrap_or(usize::MAX);
        !*self.closed.borrow() && self.open() < most
    }

    fn least_busy(&self) -> Option<Caller> {
        let mut callers = self.lock();
        callers.retain(Caller::is_open);
        callers.iter().min_by_key(|caller| caller.in_flight()).cloned()
    }

    fn add(self: &Arc<Self>, (caller, receiver): (Caller, Receiver)) -> Caller {
        self.lock().push(caller.clone());
        if *self.closed.borrow() {
            caller.abort();
        }
        tokio::spawn(receive(receiver, self.outlet.clone(), self.closed.subscribe(), Arc::downgrade(self)));
        caller
    }

    fn none_in_time(&self, after: Duration) -> ConnectError {
        let not_dialled = match &self.way {
            Way::Pair(pairing) => pairing.not_dialled(),
            Way::Dial(..) => None,
        };
        not_dialled.map_or(ConnectError::NoneInTime { after }, |leg| ConnectError::NotDialled { leg, after })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Caller>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replies go to their calls, the rest to whoever has the inbox.
async fn receive(mut receiver: Receiver, outlet: Outlet, mut closed: watch::Receiver<bool>, members: Weak<Members>) {
    outlet.tell(News::Up, &mut closed).await;
    let end = loop {
        match receiver.recv().await {
            Ok(Some(incoming)) => outlet.tell(News::Incoming(incoming), &mut closed).await,
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    drop(receiver);
    if let Some(members) = members.upgrade() {
        if let Way::Pair(pairing) = &members.way {
            pairing.on_lost();
        }
        members.ended.notify_waiters();
    }
    outlet.tell(News::Lost(end), &mut closed).await;
}
