//! The connection of a client between exchanges, and the task that maintains it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_heartbeat::Verdict;

use super::Dialler;
use crate::drive;
use crate::driver::{Connection, Driver, Notify as _, TaskSlot};
use crate::error::{Cause, ConnectError};
use crate::net::lock::Lock;
use crate::profile::{ExchangeKind, Profile};
use crate::upstream::dialling::{AddressLease, Pace};
use framelink_profile::{DecodeError, EncodeError};

/// The reason for the loss of a connection that ended between two exchanges.
pub(crate) const ENDED: &str = "the peer ended the connection between two exchanges";
/// The pause between two reads from a peer that never stops sending. In it an exchange can take the connection.
const PAUSE: Duration = Duration::from_millis(1);
/// How often a kept-up connection is checked for its end. With heartbeats, also when they are due.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// A connection, with the lease to which a loss is reported. Without a lease, the application has given the connection.
pub(crate) type WithLease<D> = (<D as Driver>::Connection, Option<Arc<AddressLease>>);

/// A client's connection while no exchange uses it. A task or thread sends its heartbeats. With `keep-up` the task also
/// dials again when the connection is lost.
#[derive(Debug)]
pub(crate) struct IdleSlot<D: Driver> {
    profile: Arc<Profile>,
    /// Set with `keep-up`.
    dialler: Option<Dialler<D>>,
    /// A connection that is in use, needs no task, or has no task.
    in_hand: Option<WithLease<D>>,
    /// The state that the task maintains. `None` before the first task.
    idle: Option<Arc<Idle<D>>>,
    task: TaskSlot<D>,
    /// Why the last connection that needed a task got none.
    pub(crate) task_error: Option<io::Error>,
}

/// The use of the connection by one method, with `keep-up`. Dropping it makes the connection idle, or reports it
/// missing.
pub(crate) struct IdleUse<D: Driver> {
    idle: Arc<Idle<D>>,
    /// Boxed, because most methods hold none.
    held: Option<Box<WithLease<D>>>,
}

#[derive(Debug)]
struct Idle<D: Driver> {
    state: Lock<IdleState<D>>,
    profile: Arc<Profile>,
    /// Set with `keep-up`. The task then waits for changes of the dialler, because these say when an address is due.
    dialler: Option<Dialler<D>>,
    /// Notified when the task is to go on or, with `keep-up`, when the task has dialled.
    changed: D::Notify,
}

#[derive(Debug)]
struct IdleState<D: Driver> {
    /// The connection while nothing uses it, with the lease to which a loss is reported.
    connection: Option<WithLease<D>>,
    user: User,
    /// Whether the task waits until the client releases the connection.
    is_waiting: bool,
    /// Why the last connection was given up while it was idle.
    verdict: Option<Verdict>,
    is_over: bool,
}

/// Who has the connection, or makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    /// The connection is idle or missing.
    Nothing,
    Client,
    /// The task, which dials.
    Task,
}

enum NextStep<'i, D: Driver> {
    Wait(Duration),
    WaitForChange,
    Dial(&'i Dialler<D>),
    End,
}

impl<D: Driver> IdleSlot<D> {
    /// With a dialler, the connection is kept up.
    pub(crate) fn new(profile: &Arc<Profile>, dialler: Option<Dialler<D>>) -> Self {
        let (profile, task) = (Arc::clone(profile), TaskSlot::new());
        Self { profile, dialler, in_hand: None, idle: None, task, task_error: None }
    }

    /// Begins the use by one method, with `keep-up`. Starts the task if there is none; without a thread, the next
    /// method tries again.
    pub(crate) fn begin_use(&mut self) -> Option<IdleUse<D>> {
        let dialler = self.dialler.clone()?;
        match self.begin() {
            Ok(idle) => Some(IdleUse { idle: Arc::clone(idle), held: None }),
            Err(_) => {
                dialler.address_book.on_thread_refused();
                None
            }
        }
    }

    /// Makes a connection idle. A loss is reported to its lease. Without a task it sends no heartbeats while idle.
    pub(crate) fn put(&mut self, connection: D::Connection, lease: Option<Arc<AddressLease>>) {
        // A client that only receives takes the messages that arrive meanwhile, so the task must not read them.
        let has_beats = connection.is_watched() && self.profile.exchange().sends();
        if !D::HAS_BACKGROUND || !(has_beats || self.dialler.is_some()) {
            self.in_hand = Some((connection, lease));
            return;
        }
        match self.begin() {
            Ok(idle) => {
                idle.put((connection, lease));
                self.task_error = None;
            }
            Err(error) => (self.in_hand, self.task_error) = (Some((connection, lease)), Some(error)),
        }
    }

    fn begin(&mut self) -> io::Result<&Arc<Idle<D>>> {
        let (profile, dialler) = (&self.profile, &self.dialler);
        let idle = self.idle.get_or_insert_with(|| Arc::new(Idle::new(profile, dialler.clone())));
        let name = if dialler.is_some() { "framelink-keep-up" } else { "framelink-beat" };
        self.task.begin(name, || Arc::clone(idle).maintain_until_over())?;
        Ok(idle)
    }

    /// Takes the connection, if it is still there.
    pub(crate) fn take(&mut self) -> Option<WithLease<D>> {
        if let Some(taken) = self.in_hand.take() {
            return Some(taken);
        }
        let mut state = self.idle.as_ref()?.state.lock();
        let taken = state.connection.take()?;
        state.user = User::Client;
        Some(taken)
    }

    /// Takes the connection, if there is one. While the task dials, this waits for the task until `deadline`.
    pub(crate) async fn take_until(&mut self, deadline: Instant) -> Result<Option<WithLease<D>>, ConnectError> {
        if let Some(taken) = self.in_hand.take() {
            return Ok(Some(taken));
        }
        let Some(idle) = &self.idle else { return Ok(None) };
        let after = D::left(deadline);
        loop {
            let version = idle.changed.version();
            if let Some(taken) = idle.state.lock().take_unless_dialled() {
                return Ok(taken);
            }
            if D::left(deadline).is_zero() {
                return Err(ConnectError::NoneInTime { after });
            }
            idle.changed.wait(version, Some(deadline)).await;
        }
    }

    /// Returns the connection in use. It has no heartbeats until it is put back.
    pub(crate) fn in_hand(&mut self) -> Option<&mut D::Connection> {
        self.in_hand.as_mut().map(|(connection, _)| connection)
    }

    /// Takes this connection into use. It has no heartbeats until it is put back.
    pub(crate) fn hold(&mut self, connection: D::Connection) -> &mut D::Connection {
        &mut self.in_hand.insert((connection, None)).0
    }

    /// Returns the verdict if the last connection was given up while it was idle because the peer was dead.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.idle.as_ref()?.state.lock().verdict
    }
}

/// Closes the connection at once, even if the task ends later.
impl<D: Driver> Drop for IdleSlot<D> {
    fn drop(&mut self) {
        if let Some(idle) = &self.idle {
            idle.state.lock().is_over = true;
            idle.wake_task();
        }
        let idle = self.take();
        if let Some((_, Some(lease))) = &idle {
            lease.leave();
        }
    }
}

impl<D: Driver> IdleUse<D> {
    /// Holds this connection until the guard is dropped.
    pub(crate) fn hold(&mut self, connection: D::Connection, lease: Arc<AddressLease>) -> &mut D::Connection {
        &mut self.held.insert(Box::new((connection, Some(lease)))).0
    }

    /// Drops the connection, which can no longer be used.
    pub(crate) fn discard(&mut self) {
        self.held = None;
    }
}

impl<D: Driver> Drop for IdleUse<D> {
    fn drop(&mut self) {
        match self.held.take() {
            Some(held) => self.idle.put(*held),
            None if self.idle.state.lock().release(User::Client) => self.idle.wake_task(),
            None => {}
        }
    }
}

impl<D: Driver> Idle<D> {
    fn new(profile: &Arc<Profile>, dialler: Option<Dialler<D>>) -> Self {
        let state =
            IdleState { connection: None, user: User::Client, is_waiting: false, verdict: None, is_over: false };
        Self { state: Lock::new(state), profile: Arc::clone(profile), dialler, changed: D::Notify::default() }
    }

    async fn maintain_until_over(self: Arc<Self>) {
        let mut pace = Pace::default();
        loop {
            let version = self.wakes().version();
            let pause = match self.next_step() {
                NextStep::End => return,
                NextStep::Wait(time) => Some(time),
                NextStep::WaitForChange => None,
                // Boxed, because most tasks never dial.
                NextStep::Dial(dialler) => Some(Box::pin(self.dial(dialler, &mut pace)).await),
            };
            self.wakes().wait(version, pause.map(D::within)).await;
        }
    }

    fn next_step(&self) -> NextStep<'_, D> {
        let mut state = self.state.lock();
        if state.is_over {
            return NextStep::End;
        }
        if let Some((connection, lease)) = &mut state.connection {
            let look = self.dialler.as_ref().map(|_| LOOK);
            match maintain(connection, self.profile.exchange()).map(|time| time.into_iter().chain(look).min()) {
                Ok(Some(time)) => return NextStep::Wait(time.max(PAUSE)),
                Ok(None) => {}
                Err(lost) => {
                    if let Some(lease) = lease {
                        lease.lost(&lost.why);
                    }
                    (state.connection, state.verdict) = (None, lost.verdict);
                }
            }
        }
        match &self.dialler {
            Some(dialler) if state.user == User::Nothing => {
                state.user = User::Task;
                NextStep::Dial(dialler)
            }
            _ => {
                state.is_waiting = true;
                NextStep::WaitForChange
            }
        }
    }

    /// Dials, if an address is to be dialled now. Returns how long until the task goes on.
    async fn dial(&self, dialler: &Dialler<D>, pace: &mut Pace) -> Duration {
        let _dialling = DialTurn(self);
        match dialler.connect_if_due().await {
            Ok((connection, lease)) => {
                pace.reset();
                let mut state = self.state.lock();
                if state.is_over {
                    drop(state);
                    dialler.retire(connection, lease);
                } else {
                    (state.connection, state.user) = (Some((connection, Some(Arc::new(lease)))), User::Nothing);
                }
                Duration::ZERO
            }
            Err(error) => pace.after(&error),
        }
    }

    fn put(&self, connection: WithLease<D>) {
        let mut state = self.state.lock();
        (state.connection, state.user, state.verdict) = (Some(connection), User::Nothing, None);
        // A task that is not waiting wakes up by itself, and an exchange can only have made its next step later.
        let is_waiting = std::mem::take(&mut state.is_waiting);
        drop(state);
        if is_waiting {
            self.wake_task();
        }
    }

    fn wakes(&self) -> &D::Notify {
        self.dialler.as_ref().map_or(&self.changed, |dialler| &dialler.watch.changed)
    }

    fn wake_task(&self) {
        self.wakes().notify();
    }
}

/// Marks that the task dials. Dropping it lets a waiting client go on, even if the task ends with its runtime.
struct DialTurn<'i, D: Driver>(&'i Idle<D>);

impl<D: Driver> Drop for DialTurn<'_, D> {
    fn drop(&mut self) {
        self.0.state.lock().release(User::Task);
        self.0.changed.notify();
    }
}

impl<D: Driver> IdleState<D> {
    /// Takes the connection for the client. Returns `None` while the task dials.
    fn take_unless_dialled(&mut self) -> Option<Option<WithLease<D>>> {
        if self.user == User::Task {
            return None;
        }
        self.user = User::Client;
        Some(self.connection.take())
    }

    /// Ends the use by `user`, without a connection. Returns false if it was not the user.
    fn release(&mut self, user: User) -> bool {
        let was_user = self.user == user;
        if was_user {
            self.user = User::Nothing;
        }
        was_user
    }
}

/// An idle connection that can no longer be used.
pub(crate) struct LostIdle {
    pub(crate) why: String,
    pub(crate) verdict: Option<Verdict>,
}

/// Does what is due on an idle connection, for this kind of exchange. Returns how long until there is more to do.
/// `None` means: not before an exchange uses it.
pub(crate) fn maintain<C: Connection>(
    connection: &mut C,
    exchange: ExchangeKind,
) -> Result<Option<Duration>, LostIdle> {
    // A heartbeat form of the application may panic. The connection cannot be used after that.
    match drive::guarded::<_, DecodeError, EncodeError>(|| connection.maintain(exchange)) {
        Ok(Ok(time)) => Ok(time),
        Ok(Err(error)) => {
            let verdict = match error.cause() {
                Cause::Dead(verdict) => Some(*verdict),
                _ => None,
            };
            Err(LostIdle { why: error.to_string(), verdict })
        }
        Err(cause) => Err(LostIdle { why: cause.to_string(), verdict: None }),
    }
}
