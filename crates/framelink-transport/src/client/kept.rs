//! The connection of a client with `keep-up`, while no exchange uses it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use framelink_heartbeat::Verdict;

use super::idle::{PAUSE, maintain_kept};
use crate::connector::ConnectError;
use crate::driver::{Driver, Notify as _, Task as _};
use crate::upstream::{Dialler, Pace, Seat};

/// A connection, and what is told of its end.
type WithSeat<D> = (<D as Driver>::Connection, Arc<Seat>);

/// A connection that a task or thread maintains while no exchange uses it, and dials again when it is lost. The task ends when this is
/// dropped.
#[derive(Debug)]
pub(super) struct KeptConnection<D: Driver> {
    kept: Arc<Kept<D>>,
    task: D::Task,
}

/// One method of the client. When this is dropped, the connection is idle again, or is missing.
pub(super) struct KeptUse<D: Driver> {
    kept: Arc<Kept<D>>,
    /// Boxed, because most methods hold none.
    held: Option<Box<WithSeat<D>>>,
}

/// What the client shares with the task.
#[derive(Debug)]
struct Kept<D: Driver> {
    state: Mutex<KeptState<D>>,
    /// Notified when the task has dialled.
    dialled: D::Notify,
    dialler: Dialler<D>,
    is_over: AtomicBool,
}

#[derive(Debug)]
struct KeptState<D: Driver> {
    /// The connection, while nothing uses it.
    connection: Option<WithSeat<D>>,
    user: User,
    /// The task waits until the client has no use for the connection.
    is_waiting: bool,
    /// Why the last connection was given up while it was idle.
    verdict: Option<Verdict>,
}

/// What has the connection, or makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    /// Nothing: the connection is idle, or is missing.
    Nothing,
    Client,
    /// The task, which dials.
    Task,
}

/// What the task does next.
enum NextStep {
    Wait(Duration),
    WaitForChange,
    Dial,
}

impl<D: Driver> KeptConnection<D> {
    /// The client has the connection, or there is none: until its [`KeptUse`] is dropped.
    pub(super) fn start(dialler: &Dialler<D>) -> io::Result<Self> {
        let state = KeptState { connection: None, user: User::Client, is_waiting: false, verdict: None };
        let (dialled, is_over) = (D::Notify::default(), AtomicBool::new(false));
        let kept = Arc::new(Kept { state: Mutex::new(state), dialled, dialler: dialler.clone(), is_over });
        let task = D::spawn("framelink-keep-up", Arc::clone(&kept).keep_up())?;
        Ok(Self { kept, task })
    }

    pub(super) fn begin_use(&self) -> KeptUse<D> {
        KeptUse { kept: Arc::clone(&self.kept), held: None }
    }

    /// Takes the connection, if there is one. While the task dials, this waits until then at most. Without a connection the client dials.
    pub(super) async fn take(&self, deadline: Instant) -> Result<Option<WithSeat<D>>, ConnectError> {
        let after = D::left(deadline);
        loop {
            let version = self.kept.dialled.version();
            // It may have ended with its runtime.
            if self.task.is_finished() {
                return Ok(self.take_now());
            }
            if let Some(taken) = self.kept.lock().take_unless_dialled() {
                return Ok(taken);
            }
            if D::left(deadline).is_zero() {
                return Err(ConnectError::NoneInTime { after });
            }
            self.kept.dialled.wait(version, Some(deadline)).await;
        }
    }

    /// Takes the connection, if it is there.
    pub(super) fn take_now(&self) -> Option<WithSeat<D>> {
        let mut state = self.kept.lock();
        let taken = state.connection.take()?;
        state.user = User::Client;
        Some(taken)
    }

    /// No exchange uses the connection any more.
    pub(super) fn put(&self, connection: D::Connection, seat: Arc<Seat>) {
        self.kept.put(connection, seat);
    }

    /// Why the last connection was given up while it was idle, if that was because the peer was dead.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.kept.lock().verdict
    }
}

/// The connection is closed at once, however soon the task ends.
impl<D: Driver> Drop for KeptConnection<D> {
    fn drop(&mut self) {
        self.kept.is_over.store(true, Ordering::Release);
        let idle = self.kept.lock().connection.take();
        if let Some((connection, seat)) = idle {
            seat.leave();
            drop(connection);
        }
        self.task.abort();
        self.kept.dialler.changed().notify();
    }
}

impl<D: Driver> KeptUse<D> {
    /// Has this connection until this is dropped.
    pub(super) fn hold(&mut self, connection: D::Connection, seat: Arc<Seat>) -> &mut D::Connection {
        &mut self.held.insert(Box::new((connection, seat))).0
    }

    /// The connection that this had is of no more use.
    pub(super) fn discard(&mut self) {
        self.held = None;
    }
}

impl<D: Driver> Drop for KeptUse<D> {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let (connection, seat) = *held;
            return self.kept.put(connection, seat);
        }
        let mut state = self.kept.lock();
        if state.user == User::Client {
            state.user = User::Nothing;
            drop(state);
            self.kept.dialler.changed().notify();
        }
    }
}

impl<D: Driver> Kept<D> {
    async fn keep_up(self: Arc<Self>) {
        let mut pace = Pace::default();
        loop {
            let version = self.dialler.changed().version();
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let until = match self.next_step() {
                NextStep::Wait(time) => Some(D::within(time)),
                NextStep::WaitForChange => None,
                NextStep::Dial => Some(D::within(self.dial(&mut pace).await)),
            };
            self.dialler.changed().wait(version, until).await;
        }
    }

    fn next_step(&self) -> NextStep {
        let mut state = self.lock();
        if state.user != User::Nothing {
            state.is_waiting = true;
            return NextStep::WaitForChange;
        }
        if let Some((connection, seat)) = &mut state.connection {
            match maintain_kept(connection, self.dialler.profile().exchange()) {
                Ok(time) => return NextStep::Wait(time.max(PAUSE)),
                Err(lost) => {
                    seat.lost(&lost.why);
                    (state.connection, state.verdict) = (None, lost.verdict);
                }
            }
        }
        state.user = User::Task;
        NextStep::Dial
    }

    /// Dials, if an address is to be dialled now. How long until the task goes on.
    async fn dial(&self, pace: &mut Pace) -> Duration {
        let dialled = self.dialler.connect_if_due(D::within(self.dialler.patience_in_background())).await;
        let (connection, pause) = match dialled {
            Ok((connection, seat)) if self.is_over.load(Ordering::Acquire) => {
                self.dialler.retire(connection, seat);
                (None, Duration::ZERO)
            }
            Ok((connection, seat)) => {
                pace.reset();
                (Some((connection, Arc::new(seat))), Duration::ZERO)
            }
            Err(error) => (None, pace.after(&error)),
        };
        let mut state = self.lock();
        (state.connection, state.user) = (connection, User::Nothing);
        drop(state);
        self.dialled.notify();
        pause
    }

    fn put(&self, connection: D::Connection, seat: Arc<Seat>) {
        let mut state = self.lock();
        (state.connection, state.user, state.verdict) = (Some((connection, seat)), User::Nothing, None);
        // Otherwise the task goes on at the time that it knows of, and what happened since can only have made that later.
        let is_waiting = std::mem::take(&mut state.is_waiting);
        drop(state);
        if is_waiting {
            self.dialler.changed().notify();
        }
    }

    fn lock(&self) -> MutexGuard<'_, KeptState<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> KeptState<D> {
    /// For the client; `None` while the task dials.
    fn take_unless_dialled(&mut self) -> Option<Option<WithSeat<D>>> {
        if self.user == User::Task {
            return None;
        }
        self.user = User::Client;
        Some(self.connection.take())
    }
}
