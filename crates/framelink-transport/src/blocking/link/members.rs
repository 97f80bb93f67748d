//! The connections of a link.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::finishing::finish_all;
use super::inbox::Outlet;
use super::member::{Member, Using};
use crate::blocking::turn::Turn;
use crate::blocking::{Connection, Receiver, Upstream};
use crate::clock::Clock;
use crate::driver::at_once;
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::Sent;
use crate::upstream::Seat;
use crate::{ConnectError, News, Profile, threads};

/// A thread that waits for the connection that it is to receive on; it ends where there is none.
type Waiting = mpsc::Sender<(Receiver, Arc<Member>)>;

/// The callers of all connections that are there, and how more of them are made.
pub(super) struct Members {
    all: Mutex<Vec<Arc<Member>>>,
    /// Held by whoever dials where there is no connection.
    dialling: Turn<()>,
    /// Whether another one is being dialled beside those that are there.
    is_growing: AtomicBool,
    /// Nobody is left who could use them.
    is_closed: AtomicBool,
    upstream: Upstream,
    profile: Arc<Profile>,
    outlet: Outlet,
    clock: Clock,
}

impl Members {
    pub(super) fn new(upstream: Upstream, outlet: Outlet) -> Arc<Self> {
        let (clock, profile) = (Clock::start(), Arc::clone(upstream.profile()));
        let (all, is_growing, is_closed) = Default::default();
        let dialling = Turn::new((), clock);
        Arc::new(Self { all, dialling, is_growing, is_closed, upstream, profile, outlet, clock })
    }

    /// The least busy connection, or one that is dialled; true if it was there.
    pub(super) fn member(self: &Arc<Self>, deadline: Instant) -> Result<(Using, bool), CallError> {
        self.move_one();
        if let Some(using) = self.least_busy() {
            if using.caller().in_flight() > 0 {
                self.grow();
            }
            return Ok((using, true));
        }
        self.dial(deadline)
            .map_err(|error| CallError::new(Sent::Not, Error::new(Operation::Call, None, Cause::Connect(error))))
    }

    pub(super) const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(super) fn disconnect(&self) {
        let all = self.lock().clone();
        all.iter().for_each(|member| member.abort());
        self.lock().retain(|member| member.is_open());
    }

    /// Ends our side everywhere, and waits until the peer has ended its own, so long at most.
    pub(super) fn finish(&self, within: Duration) {
        let all = self.lock().clone();
        finish_all(&all, within);
    }

    /// Nobody is left who could use them.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.outlet.close();
        self.disconnect();
    }

    pub(super) fn open(&self) -> usize {
        self.lock().iter().filter(|member| member.is_open()).count()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lock().iter().map(|member| member.caller.in_flight()).sum()
    }

    /// Waits for its turn to dial; somebody before may have.
    fn dial(self: &Arc<Self>, deadline: Instant) -> Result<(Using, bool), ConnectError> {
        let within = deadline.saturating_duration_since(Instant::now());
        let Some(_turn) = self.dialling.take(Some(self.clock.within(within))) else {
            return Err(ConnectError::NoneInTime { after: within });
        };
        match self.least_busy() {
            Some(using) => Ok((using, true)),
            None => {
                let thread = self.begin_thread().map_err(ConnectError::NoThread)?;
                at_once(self.upstream.dialler.connect(deadline))
                    .map(|(connection, seat)| (self.add(thread, connection, seat), false))
            }
        }
    }

    /// The thread of a connection begins before that is dialled: without one nothing is dialled, and nothing can be lost.
    fn begin_thread(&self) -> io::Result<Waiting> {
        let (hand, handed) = mpsc::channel::<(Receiver, Arc<Member>)>();
        let outlet = self.outlet.clone();
        threads::spawn("framelink-link", move || {
            if let Ok((receiver, member)) = handed.recv() {
                receive(receiver, &member, &outlet);
            }
        })?;
        Ok(hand)
    }

    fn add(self: &Arc<Self>, thread: Waiting, connection: Connection, seat: Seat) -> Using {
        let calls = self.profile.exchange().duplex().unwrap_or_default();
        let (caller, receiver) = connection.duplex(calls.matching());
        let member = Member::new(caller, seat, &self.profile);
        let using = member.use_it();
        self.lock().push(Arc::clone(&member));
        if self.is_closed.load(Ordering::Acquire) {
            member.abort();
        }
        // It waits for this.
        let _ = thread.send((receiver, member));
        using
    }

    /// A connection that is wanted at another address makes room for the one there, when there is one.
    fn move_one(self: &Arc<Self>) {
        if !self.upstream.dialler.ledger().has_moves() {
            return;
        }
        let all = self.lock().clone();
        for member in all.iter().filter(|member| member.is_open()) {
            let Some((connection, seat)) =
                member.tenancy.seat().and_then(|seat| self.upstream.dialler.replacement(seat))
            else {
                continue;
            };
            match self.begin_thread() {
                Ok(thread) => {
                    drop(self.add(thread, connection, seat));
                    member.leave();
                }
                Err(_) => self.upstream.dialler.retire(connection, seat),
            }
        }
    }

    /// Dials another one beside those that are busy, if there may be more.
    fn grow(self: &Arc<Self>) {
        if !self.has_room() || self.is_growing.swap(true, Ordering::AcqRel) {
            return;
        }
        let members = Arc::downgrade(self);
        let begun = threads::spawn("framelink-dial", move || {
            let Some(members) = members.upgrade() else { return };
            let turn = members.dialling.take(None);
            // If that fails, those that are there go on; the next busy moment tries again.
            if members.has_room()
                && let Ok(thread) = members.begin_thread()
                && let Ok((connection, seat)) = at_once(members.upstream.dialler.connect_if_due())
            {
                drop(members.add(thread, connection, seat));
            }
            drop(turn);
            members.is_growing.store(false, Ordering::Release);
        });
        if begun.is_err() {
            self.is_growing.store(false, Ordering::Release);
        }
    }

    /// Whether there may be another connection beside those that are there.
    fn has_room(&self) -> bool {
        let most = usize::try_from(self.profile.connection().count()).unwrap_or(usize::MAX);
        self.upstream.dialler.ledger().is_due() && !self.is_closed.load(Ordering::Acquire) && self.open() < most
    }

    fn least_busy(&self) -> Option<Using> {
        let mut all = self.lock();
        all.retain(|member| member.is_open());
        all.iter().min_by_key(|member| member.caller.in_flight()).map(Member::use_it)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replies go to their calls, the rest to whoever has the inbox, and who has dropped it does not want to know.
fn receive(mut receiver: Receiver, member: &Member, outlet: &Outlet) {
    outlet.tell(News::Up);
    let end = loop {
        match receiver.recv() {
            Ok(Some(incoming)) => {
                member.tenancy.proved();
                outlet.tell(News::Incoming(incoming));
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
    member.tenancy.end();
    outlet.tell(News::Lost(end));
}
