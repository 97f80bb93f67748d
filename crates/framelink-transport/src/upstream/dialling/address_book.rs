//! The addresses of an upstream, with their names, statistics and state. Roles and background tasks share it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::hook::{Hook, OnLoss};
use super::{Addresses, Attempt, Choice, Counts, Failure, LeaseId, Loss, State};
use crate::drive;
use crate::error::ConnectError;
use crate::net::lock::Lock;
use crate::profile::{OnRefusal, Reconnect};
use crate::session::Unexpected;

/// The shared record of the addresses of a peer.
pub(crate) struct AddressBook {
    names: Arc<[Arc<str>]>,
    book: Lock<Book>,
    /// Whether any connection is to move, now or later. Read before each exchange, without the lock.
    has_moves: AtomicBool,
    hook: Option<Hook>,
    clock: Box<dyn drive::Clock + Send + Sync>,
    /// Notifies tasks that wait for another state, or for an address that can be dialled.
    tell: Box<dyn Fn(State) + Send + Sync>,
}

struct Book {
    addresses: Addresses,
    counts: Counts,
    state: State,
    dialling: usize,
    /// How many connections we are closing.
    leaving: usize,
    /// Why there is no connection. `None` if one was made since.
    last_failure: Option<Failure>,
    /// The refusal after which the last address was stopped.
    stopped: Option<(SocketAddr, Box<Unexpected>)>,
}

/// What a caller that wants a connection does next.
pub(crate) enum Next {
    Dial(Dialling),
    /// Wait until this time, or until something changes.
    Wait(Duration),
    /// There will be no connection in time.
    Fail(ConnectError),
}

/// A dial of an address that is under way. Dropping it gives the dial up.
#[derive(Debug)]
pub(crate) struct Dialling {
    address_book: Arc<AddressBook>,
    at: usize,
    left: u32,
    dialled_at: Duration,
    is_over: bool,
}

impl AddressBook {
    pub(crate) fn new(
        reconnect: Reconnect,
        names: Arc<[Arc<str>]>,
        on_loss: Option<OnLoss>,
        clock: Box<dyn drive::Clock + Send + Sync>,
        tell: Box<dyn Fn(State) + Send + Sync>,
    ) -> Arc<Self> {
        let seed = RandomState::new().hash_one(());
        let book = Book {
            addresses: Addresses::new(reconnect, names.len(), seed),
            counts: Counts::default(),
            state: State::Idle,
            dialling: 0,
            leaving: 0,
            last_failure: None,
            stopped: None,
        };
        let (book, has_moves) = (Lock::new(book), AtomicBool::new(false));
        Arc::new(Self { names, book, has_moves, hook: on_loss.map(Hook::new), clock, tell })
    }

    /// Returns what to do for a connection until `deadline`. `failed` is the failure of this attempt's last dial.
    pub(crate) fn next(
        self: &Arc<Self>,
        attempt: &mut Attempt,
        deadline: Duration,
        failed: &mut Option<ConnectError>,
    ) -> Next {
        let now = self.clock.now();
        let mut book = self.book.lock();
        if let Some(error) = book.stopped() {
            return Next::Fail(error);
        }
        match book.addresses.choose(attempt, now) {
            Choice::Dial { address, left } => Next::Dial(self.dialling(&mut book, address, left)),
            Choice::Wait { until } if until < deadline => Next::Wait(until),
            Choice::Wait { until } => Next::Fail(failed.take().unwrap_or_else(|| ConnectError::NotYet {
                last: book.last_failure.as_ref().map(|failure| failure.to_string().into()),
                next_try: until.saturating_sub(now),
            })),
            Choice::Exhausted => Next::Fail(failed.take().unwrap_or(ConnectError::NoAddress { source: None })),
        }
    }

    /// Returns the address that is to be dialled in the background, or when to ask again.
    pub(crate) fn probe(self: &Arc<Self>) -> Result<Dialling, super::Probe> {
        let mut book = self.book.lock();
        match book.addresses.probe(self.clock.now()) {
            super::Probe::Dial { address } => Ok(self.dialling(&mut book, address, 1)),
            later => Err(later),
        }
    }

    /// Returns whether an address is to be tried in the background, now or later.
    pub(crate) fn needs_maintenance(&self) -> bool {
        self.book.lock().addresses.misses_any()
    }

    fn dialling(self: &Arc<Self>, book: &mut Book, at: usize, left: u32) -> Dialling {
        book.counts.dials += 1;
        book.dialling += 1;
        self.restate(book);
        Dialling { address_book: Arc::clone(self), at, left, dialled_at: self.clock.now(), is_over: false }
    }

    pub(crate) fn begin(&self, lease: LeaseId) {
        self.book.lock().addresses.begin(lease);
    }

    /// Notes that the connection was useful. If its address is well again, callers that wait are woken.
    pub(crate) fn on_useful(&self, lease: LeaseId, note: impl FnOnce(&mut Addresses, LeaseId) -> bool) {
        let mut book = self.book.lock();
        if note(&mut book.addresses, lease) {
            (self.tell)(book.state.clone());
        }
    }

    pub(crate) fn is_to_move(&self, lease: LeaseId) -> bool {
        self.has_moves() && self.book.lock().addresses.is_to_move(lease, self.clock.now())
    }

    pub(crate) fn is_due(&self) -> bool {
        self.book.lock().addresses.next_try().is_some_and(|at| at <= self.clock.now())
    }

    pub(crate) fn has_moves(&self) -> bool {
        self.has_moves.load(Ordering::Relaxed)
    }

    /// Notes that we begin to close a connection. Call `on_left` when it is closed.
    pub(crate) fn on_leaving(&self, lease: LeaseId) {
        let mut book = self.book.lock();
        if book.addresses.is_to_move(lease, self.clock.now()) {
            book.counts.moves += 1;
        }
        book.addresses.on_closed(lease);
        book.leaving += 1;
        self.restate(&mut book);
    }

    pub(crate) fn on_left(&self) {
        let mut book = self.book.lock();
        book.leaving -= 1;
        self.restate(&mut book);
    }

    /// Notes that a connection has ended. Calls the hook if the reason is known.
    pub(crate) fn on_lost(&self, lease: LeaseId, address: &Arc<str>, why: Option<&str>) {
        let failure = Failure::of_loss(address, why.unwrap_or("the connection was given up"));
        let mut book = self.book.lock();
        let was_early = book.addresses.on_lost(lease, self.clock.now());
        book.counts.losses += u64::from(why.is_some());
        book.counts.lost_unused += u64::from(was_early);
        if why.is_some() || was_early {
            book.last_failure = Some(failure.clone());
        }
        self.restate(&mut book);
        drop(book);
        if let (Some(hook), Some(_)) = (&self.hook, why) {
            hook.tell(Loss(failure));
        }
    }

    pub(crate) fn on_resolver_panic(&self) {
        self.book.lock().counts.resolver_panics += 1;
    }

    pub(crate) fn on_thread_refused(&self) {
        self.book.lock().counts.threads_refused += 1;
    }

    pub(crate) fn state(&self) -> State {
        self.book.lock().state.clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.book.lock().counts;
        if let Some(hook) = &self.hook {
            hook.add_to(&mut counts);
        }
        counts
    }

    pub(crate) fn in_flight(&self) -> usize {
        let book = self.book.lock();
        (0..self.names.len()).map(|at| book.addresses.in_flight(at)).sum()
    }

    fn restate(&self, book: &mut Book) {
        self.has_moves.store(book.addresses.has_moves(), Ordering::Relaxed);
        let state = book.state_now(&self.names, self.clock.now());
        if state != book.state {
            book.state = state.clone();
            (self.tell)(state);
        }
    }
}

impl Book {
    /// Returns the refusal of the last address, if none may be dialled again.
    fn stopped(&self) -> Option<ConnectError> {
        let (address, unexpected) = self.stopped.as_ref().filter(|_| self.addresses.are_stopped())?;
        Some(ConnectError::NotWanted { address: *address, unexpected: unexpected.clone(), is_final: true })
    }

    fn state_now(&self, names: &[Arc<str>], now: Duration) -> State {
        let count = self.addresses.count();
        if (0..count).any(|at| self.addresses.connections(at) > 0) {
            return match self.addresses.is_degraded() {
                true => {
                    let down = (0..count).filter(|at| self.addresses.is_down(*at));
                    State::Degraded { down: down.map(|at| Arc::clone(&names[at])).collect() }
                }
                false => State::Up,
            };
        }
        match &self.last_failure {
            Some(why) if self.addresses.are_stopped() => State::Stopped { why: why.clone() },
            _ if self.dialling > 0 => State::Connecting,
            _ if self.leaving > 0 => State::Draining,
            None => State::Idle,
            Some(why) => {
                let next_try = self.addresses.next_try().unwrap_or_default().saturating_sub(now);
                State::Down { why: why.clone(), next_try }
            }
        }
    }
}

impl Dialling {
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.address_book.names[self.at]
    }

    /// Returns the part of `time` that this dial may use, so that the other addresses can be tried too.
    pub(crate) fn share(&self, time: Duration) -> Duration {
        time / self.left.max(1)
    }

    /// Notes that the dial succeeded, with sign-on.
    pub(super) fn on_connected(mut self) -> (LeaseId, Arc<AddressBook>) {
        let at = self.at;
        let lease = self.end(|book, now| {
            book.counts.connected += 1;
            book.last_failure = None;
            book.addresses.on_connected(at, now)
        });
        (lease, Arc::clone(&self.address_book))
    }

    pub(crate) fn failed(mut self, error: ConnectError) -> ConnectError {
        let error = error.of_peer(self.name());
        let (failure, at, dialled_at) = (Failure::of_dial(self.name(), &error), self.at, self.dialled_at);
        let refused = match &error {
            ConnectError::NotWanted { address, unexpected, .. } if unexpected.then == OnRefusal::Stop => {
                Some((*address, unexpected.clone()))
            }
            _ => None,
        };
        let stopped = self.end(|book, now| {
            book.counts.failures.add(failure.reason());
            book.addresses.on_failed(at, dialled_at, now);
            book.last_failure = Some(failure);
            if refused.is_some() {
                book.addresses.stop(at);
                book.stopped = refused;
            }
            book.stopped()
        });
        stopped.unwrap_or(error)
    }

    fn end<T>(&mut self, note: impl FnOnce(&mut Book, Duration) -> T) -> T {
        self.is_over = true;
        let mut book = self.address_book.book.lock();
        book.dialling -= 1;
        let noted = note(&mut book, self.address_book.clock.now());
        self.address_book.restate(&mut book);
        noted
    }
}

impl Drop for Dialling {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(|_, _| ());
        }
    }
}

impl fmt::Debug for AddressBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = self.book.lock();
        f.debug_struct("AddressBook")
            .field("addresses", &self.names)
            .field("state", &book.state)
            .finish_non_exhaustive()
    }
}
