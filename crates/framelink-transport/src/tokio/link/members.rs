//! The connections of a link.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::Outlet;
use super::member::{Member, Using};
use super::pairing::{LOOK, Pairing};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{Leg, Sent};
use crate::tokio::{Caller, Connection, Receiver, Upstream, clock};
use crate::upstream::Seat;
use crate::{ConnectError, News, Profile};

/// The callers of all connections that are there, and how more of them are made.
pub(super) struct Members {
    all: Mutex<Vec<Arc<Member>>>,
    /// Held by whoever dials where there is no connection.
    dialling: tokio::sync::Mutex<()>,
    /// Whether another one is being dialled beside those that are there.
    is_growing: AtomicBool,
    /// Whether nobody is left who could use them.
    closed: watch::Sender<bool>,
    /// Told when a connection has ended.
    ended: Arc<Notify>,
    way: Way,
    profile: Arc<Profile>,
    outlet: Outlet,
}

/// How a connection comes about.
enum Way {
    Dial(Upstream),
    Pair(Box<Pairing>),
}

impl Members {
    pub(super) fn dialled(upstream: Upstream, outlet: Outlet) -> Arc<Self> {
        Arc::new(Self::new(Arc::clone(upstream.profile()), Way::Dial(upstream), outlet))
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
        let (all, dialling, is_growing, closed, ended) = Default::default();
        Self { all, dialling, is_growing, closed, ended, way, profile, outlet }
    }

    /// The least busy connection, or one that is dialled; true if it was there.
    pub(super) async fn member(self: &Arc<Self>, deadline: Instant) -> Result<(Using, bool), CallError> {
        self.move_one();
        if let Some(using) = self.least_busy() {
            if using.caller().in_flight() > 0 {
                self.grow();
            }
            return Ok((using, true));
        }
        let deadline = match &self.way {
            Way::Dial(_) => deadline,
            Way::Pair(_) => deadline.min(clock::within(self.profile.timeouts().connect)),
        };
        self.dial(deadline)
            .await
            .map_err(|error| CallError::new(Sent::Not, Error::new(Operation::Call, None, Cause::Connect(error))))
    }

    pub(super) fn upstream(&self) -> Option<&Upstream> {
        match &self.way {
            Way::Dial(upstream) => Some(upstream),
            Way::Pair(_) => None,
        }
    }

    pub(super) fn disconnect(&self) {
        let all = self.lock().clone();
        all.iter().for_each(|member| member.abort());
        self.lock().retain(|member| member.is_open());
    }

    /// Ends our side everywhere, side by side, and waits until the peer has ended its own, so long at most. A connection that has not
    /// ended by then is given up.
    pub(super) async fn finish(&self, within: Duration) {
        let deadline = clock::within(within);
        let all = self.lock().clone();
        let mut finishing = JoinSet::new();
        for member in &all {
            let member = Arc::clone(member);
            finishing.spawn(async move { member.finish().await });
        }
        let all_ended = async {
            loop {
                let ended = self.ended.notified();
                if all.iter().all(|member| member.caller.ended().is_some()) {
                    return;
                }
                ended.await;
            }
        };
        let _ = timeout_at(deadline, all_ended).await;
        finishing.shutdown().await;
        all.iter().for_each(|member| member.abort());
    }

    pub(super) fn open(&self) -> usize {
        self.lock().iter().filter(|member| member.is_open()).count()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lock().iter().map(|member| member.caller.in_flight()).sum()
    }

    /// The peer has dialled one of a pair: the other one is made too, where that is ours to do.
    pub(super) fn on_leg(self: &Arc<Self>, leg: Leg, connection: Connection) {
        let Way::Pair(pairing) = &self.way else { return };
        if pairing.on_leg(leg, connection) {
            self.disconnect();
        }
        let members = Arc::clone(self);
        let completing = tokio::spawn(async move {
            // If that fails, the next request says so.
            let _ = members.dial(clock::within(members.profile.timeouts().connect)).await;
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
    async fn dial(self: &Arc<Self>, deadline: Instant) -> Result<(Using, bool), ConnectError> {
        let within = deadline.saturating_duration_since(Instant::now());
        let Ok(_turn) = timeout_at(deadline, self.dialling.lock()).await else { return Err(self.none_in_time(within)) };
        if let Some(using) = self.least_busy() {
            return Ok((using, true));
        }
        let dialled = match &self.way {
            // It has its own eye on the time, and so knows which address did not answer in it.
            Way::Dial(upstream) => upstream
                .dialler
                .connect(deadline.into_std())
                .await
                .map(|(connection, seat)| self.add_dialled(connection, seat)),
            Way::Pair(pairing) => {
                let paired = timeout_at(deadline, self.pair(pairing)).await;
                paired.unwrap_or_else(|_| Err(self.none_in_time(within)))
            }
        };
        dialled.map(|using| (using, false))
    }

    async fn pair(self: &Arc<Self>, pairing: &Pairing) -> Result<Using, ConnectError> {
        loop {
            let told = pairing.told.notified();
            pairing.settle().await;
            pairing.dial_missing().await?;
            match self.join().or_else(|| self.least_busy()) {
                Some(using) => return Ok(using),
                None => drop(tokio::time::timeout(LOOK, told).await),
            }
        }
    }

    fn join(self: &Arc<Self>) -> Option<Using> {
        match &self.way {
            Way::Pair(pairing) => pairing.join().map(|pair| self.add(pair, None)),
            Way::Dial(_) => None,
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
            if members.has_room()
                && let Way::Dial(upstream) = &members.way
                // If that fails, those that are there go on; the next busy moment tries again.
                && let Ok((connection, seat)) = upstream.dialler.connect_if_due().await
            {
                drop(members.add_dialled(connection, seat));
            }
            drop(turn);
            members.is_growing.store(false, Ordering::Release);
        });
    }

    /// Whether there may be another connection beside those that are there.
    fn has_room(&self) -> bool {
        let most = usize::try_from(self.profile.connection().count()).unwrap_or(usize::MAX);
        let is_due = self.upstream().is_none_or(|upstream| upstream.dialler.ledger().is_due());
        is_due && !*self.closed.borrow() && self.open() < most
    }

    /// A connection that is wanted at another address makes room for the one there, when there is one.
    fn move_one(self: &Arc<Self>) {
        let Way::Dial(upstream) = &self.way else { return };
        if !upstream.dialler.ledger().has_moves() {
            return;
        }
        let all = self.lock().clone();
        for member in all.iter().filter(|member| member.is_open()) {
            if let Some((connection, seat)) = member.tenancy.seat().and_then(|seat| upstream.dialler.replacement(seat))
            {
                drop(self.add_dialled(connection, seat));
                member.leave();
            }
        }
    }

    fn least_busy(&self) -> Option<Using> {
        let mut all = self.lock();
        all.retain(|member| member.is_open());
        all.iter().min_by_key(|member| member.caller.in_flight()).map(Member::use_it)
    }

    fn add_dialled(self: &Arc<Self>, connection: Connection, seat: Seat) -> Using {
        let calls = self.profile.exchange().duplex().unwrap_or_default();
        self.add(connection.duplex(calls.matching()), Some(seat))
    }

    fn add(self: &Arc<Self>, (caller, receiver): (Caller, Receiver), seat: Option<Seat>) -> Using {
        let member = Member::new(caller, seat, &self.profile, &self.ended);
        let using = member.use_it();
        self.lock().push(Arc::clone(&member));
        if *self.closed.borrow() {
            member.abort();
        }
        tokio::spawn(receive(receiver, member, self.outlet.clone(), self.closed.subscribe(), Arc::downgrade(self)));
        using
    }

    fn none_in_time(&self, after: Duration) -> ConnectError {
        let not_dialled = match &self.way {
            Way::Pair(pairing) => pairing.not_dialled(),
            Way::Dial(_) => None,
        };
        not_dialled.map_or(ConnectError::NoneInTime { after }, |leg| ConnectError::NotDialled { leg, after })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replies go to their calls, the rest to whoever has the inbox.
async fn receive(
    mut receiver: Receiver,
    member: Arc<Member>,
    outlet: Outlet,
    mut closed: watch::Receiver<bool>,
    members: Weak<Members>,
) {
    outlet.tell(News::Up, &mut closed).await;
    let end = loop {
        match receiver.recv().await {
            Ok(Some(incoming)) => {
                member.tenancy.proved();
                outlet.tell(News::Incoming(incoming), &mut closed).await;
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    drop(receiver);
    match &end {
        Some(error) => member.tenancy.lost(error),
        None => member.tenancy.lost(&"the peer closed the connection"),
    }
    drop(member);
    if let Some(members) = members.upgrade() {
        if let Way::Pair(pairing) = &members.way {
            pairing.on_lost();
        }
        members.ended.notify_waiters();
    }
    outlet.tell(News::Lost(end), &mut closed).await;
}
