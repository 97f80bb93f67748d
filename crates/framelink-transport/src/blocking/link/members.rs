//! The connections of a link.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::blocking::turn::Turn;
use crate::blocking::{Caller, Connector, Receiver};
use crate::clock::Clock;
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::Sent;
use crate::{ConnectError, News, Profile};

/// The callers of all connections that are there, and how more of them are made.
pub(super) struct Members {
    callers: Mutex<Vec<Caller>>,
    /// Held by whoever dials where there is no connection.
    dialling: Turn<()>,
    /// Whether another one is being dialled beside those that are there.
    is_growing: AtomicBool,
    /// Nobody is left who could use them.
    is_closed: AtomicBool,
    connector: Connector,
    peer: String,
    profile: Arc<Profile>,
    inbox: SyncSender<News>,
    clock: Clock,
}

impl Members {
    pub(super) fn new(profile: Arc<Profile>, peer: String, inbox: SyncSender<News>) -> Arc<Self> {
        let (clock, connector) = (Clock::start(), Connector::with_profile(&profile));
        let (callers, is_growing, is_closed) = Default::default();
        let dialling = Turn::new((), clock);
        Arc::new(Self { callers, dialling, is_growing, is_closed, connector, peer, profile, inbox, clock })
    }

    /// The least busy connection, or one that is dialled; true if it was there.
    pub(super) fn caller(self: &Arc<Self>, deadline: Instant) -> Result<(Caller, bool), CallError> {
        if let Some(caller) = self.least_busy() {
            if caller.in_flight() > 0 {
                self.grow();
            }
            return Ok((caller, true));
        }
        let within = deadline.saturating_duration_since(Instant::now()).min(self.profile.timeouts().connect);
        self.dial(within).map_err(|error| {
            let cause = Cause::Connect(error.of_peer(&self.peer));
            CallError::new(Sent::Not, Error::new(Operation::Call, None, cause))
        })
    }

    pub(super) fn disconnect(&self) {
        self.lock().iter().for_each(Caller::abort);
    }

    /// Nobody is left who could use them.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.disconnect();
    }

    pub(super) fn open(&self) -> usize {
        self.lock().iter().filter(|caller| caller.is_open()).count()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lock().iter().map(Caller::in_flight).sum()
    }

    /// Waits for its turn to dial; somebody before may have.
    fn dial(self: &Arc<Self>, within: Duration) -> Result<(Caller, bool), ConnectError> {
        let began = Instant::now();
        let Some(_turn) = self.dialling.take(Some(self.clock.within(within))) else {
            return Err(ConnectError::NoneInTime { after: within });
        };
        match self.least_busy() {
            Some(caller) => Ok((caller, true)),
            None => self.dial_now(within.saturating_sub(began.elapsed())).map(|caller| (caller, false)),
        }
    }

    fn dial_now(self: &Arc<Self>, within: Duration) -> Result<Caller, ConnectError> {
        let connected = self.connector.clone().within(within).connect(&*self.peer)?;
        let calls = self.profile.exchange().duplex().unwrap_or_default();
        let (caller, receiver) = connected.duplex(calls.matching());
        self.lock().push(caller.clone());
        if self.is_closed.load(Ordering::Acquire) {
            caller.abort();
        }
        let inbox = self.inbox.clone();
        thread::spawn(move || receive(receiver, &inbox));
        Ok(caller)
    }

    /// Dials another one beside those that are busy, if there may be more.
    fn grow(self: &Arc<Self>) {
        if !self.has_room() || self.is_growing.swap(true, Ordering::AcqRel) {
            return;
        }
        let members = Arc::downgrade(self);
        thread::spawn(move || {
            let Some(members) = members.upgrade() else { return };
            let turn = members.dialling.take(None);
            if members.has_room() {
                // Those that are there go on; the next busy moment tries again.
                let _ = members.dial_now(members.profile.timeouts().connect);
            }
            drop(turn);
            members.is_growing.store(false, Ordering::Release);
        });
    }

    /// Whether there may be another connection beside those that are there.
    fn has_room(&self) -> bool {
        let most = usize::try_from(self.profile.connection().count()).unwrap_or(usize::MAX);
        !self.is_closed.load(Ordering::Acquire) && self.open() < most
    }

    fn least_busy(&self) -> Option<Caller> {
        let mut callers = self.lock();
        callers.retain(Caller::is_open);
        callers.iter().min_by_key(|caller| caller.in_flight()).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Caller>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replies go to their calls, the rest to whoever has the inbox, and who has dropped it does not want to know.
fn receive(mut receiver: Receiver, inbox: &SyncSender<News>) {
    let _ = inbox.send(News::Up);
    let end = loop {
        match receiver.recv() {
            Ok(Some(incoming)) => drop(inbox.send(News::Incoming(incoming))),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    drop(receiver);
    let _ = inbox.send(News::Lost(end));
}
