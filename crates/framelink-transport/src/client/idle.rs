//! Where a client leaves its connection between exchanges, and what sends its heartbeats meanwhile.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use framelink_heartbeat::Verdict;

use super::rules::ENDED;
use crate::drive;
use crate::driver::{Connection, Driver, Notify as _, Task as _};
use crate::error::Cause;
use crate::profile::ExchangeKind;
use crate::upstream::Seat;
use framelink_profile::{DecodeError, EncodeError};

/// A peer that never stops sending is read from with such pauses, in which an exchange can take the connection.
pub(super) const PAUSE: Duration = Duration::from_millis(1);
/// How often a connection that is kept up is asked whether it has ended. With heartbeats it is asked when these are due, too.
const LOOK: Duration = Duration::from_secs(1);

/// A client's connection while no exchange uses it. A task or thread maintains a connection with heartbeats.
#[derive(Debug)]
pub(crate) struct IdleSlot<D: Driver> {
    /// A connection that is in use, or that needs no task, or has none.
    in_hand: Option<D::Connection>,
    task: Option<IdleTask<D>>,
    /// Why there was no task for the last connection that needs one.
    task_error: Option<io::Error>,
}

/// A task or thread, which ends when this is dropped.
#[derive(Debug)]
struct IdleTask<D: Driver> {
    idle: Arc<Idle<D>>,
    task: D::Task,
}

/// What the client shares with the task.
#[derive(Debug)]
struct Idle<D: Driver> {
    state: Mutex<IdleState<D>>,
    /// Notified when there is a connection again, or the task is to end.
    changed: D::Notify,
    is_over: AtomicBool,
    /// Whether messages that arrive meanwhile are dropped, and are no error.
    is_deaf: bool,
}

#[derive(Debug)]
struct IdleState<D: Driver> {
    connection: Option<D::Connection>,
    /// What a loss is told to.
    seat: Option<Arc<Seat>>,
    /// The task found no connection, and waits.
    is_waiting: bool,
    /// Why the last connection was given up while it was idle.
    verdict: Option<Verdict>,
}

impl<D: Driver> IdleSlot<D> {
    pub(crate) const fn new() -> Self {
        Self { in_hand: None, task: None, task_error: None }
    }

    /// Leaves a connection. `is_deaf` where nothing takes messages that arrive meanwhile; a loss is told to the seat. Without a task the
    /// connection stays, and has no heartbeats until it is put back.
    pub(crate) fn put(&mut self, connection: D::Connection, is_deaf: bool, seat: Option<Arc<Seat>>) {
        if !D::HAS_BACKGROUND || !connection.is_watched() {
            self.in_hand = Some(connection);
            return;
        }
        let idle = match self.task(is_deaf) {
            Ok(task) => &task.idle,
            Err(error) => {
                self.task_error = Some(error);
                self.in_hand = Some(connection);
                return;
            }
        };
        let mut state = idle.lock();
        (state.connection, state.seat) = (Some(connection), seat);
        state.verdict = None;
        // Otherwise the task goes on at the time that it knows of, and what happened since can only have made that later.
        if std::mem::take(&mut state.is_waiting) {
            idle.changed.notify();
        }
    }

    /// The task, which is begun if there is none yet.
    fn task(&mut self, is_deaf: bool) -> io::Result<&IdleTask<D>> {
        if self.task.is_none() {
            (self.task, self.task_error) = (Some(IdleTask::start(is_deaf)?), None);
        }
        self.task.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Why the connection has no heartbeats between exchanges, where it should have them.
    #[cfg(feature = "blocking")]
    pub(crate) const fn task_error(&self) -> Option<&io::Error> {
        self.task_error.as_ref()
    }

    /// Takes the connection, if it is there still.
    pub(crate) fn take(&mut self) -> Option<D::Connection> {
        self.in_hand.take().or_else(|| self.task.as_ref()?.idle.lock().take())
    }

    /// The connection, which stays. It has no heartbeats until it is put back.
    pub(crate) fn in_hand(&mut self) -> Option<&mut D::Connection> {
        self.in_hand = self.take();
        self.in_hand.as_mut()
    }

    /// Has this connection in use. It has no heartbeats until it is put back.
    pub(crate) fn hold(&mut self, connection: D::Connection) -> &mut D::Connection {
        self.in_hand.insert(connection)
    }

    /// Why the last connection was given up while it was idle, if that was because the peer was dead.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.task.as_ref()?.idle.lock().verdict
    }
}

impl<D: Driver> IdleTask<D> {
    fn start(is_deaf: bool) -> io::Result<Self> {
        let state = IdleState { connection: None, seat: None, is_waiting: false, verdict: None };
        let (changed, is_over) = (D::Notify::default(), AtomicBool::new(false));
        let idle = Arc::new(Idle { state: Mutex::new(state), changed, is_over, is_deaf });
        let task = D::spawn("framelink-beat", Idle::maintain_until_over(Arc::clone(&idle)))?;
        Ok(Self { idle, task })
    }
}

/// The connection is closed at once, however soon the task ends.
impl<D: Driver> Drop for IdleTask<D> {
    fn drop(&mut self) {
        self.idle.is_over.store(true, Ordering::Release);
        drop(self.idle.lock().take());
        self.idle.changed.notify();
        self.task.abort();
    }
}

impl<D: Driver> Idle<D> {
    async fn maintain_until_over(self: Arc<Self>) {
        while !self.is_over.load(Ordering::Acquire) {
            let version = self.changed.version();
            let until = self.maintain().map(D::within);
            self.changed.wait(version, until).await;
        }
    }

    /// Does what is due. How long until there is more to do; `None`: not before there is another connection.
    fn maintain(&self) -> Option<Duration> {
        let mut state = self.lock();
        match state.connection.as_mut().map(|connection| maintain(connection, self.is_deaf)) {
            Some(Ok(Some(time))) => return Some(time.max(PAUSE)),
            Some(Err(lost)) => {
                state.connection = None;
                state.verdict = lost.verdict.or(state.verdict);
                if let Some(seat) = state.seat.take() {
                    seat.lost(&lost.why);
                }
            }
            Some(Ok(None)) | None => {}
        }
        state.is_waiting = true;
        None
    }

    fn lock(&self) -> MutexGuard<'_, IdleState<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> IdleState<D> {
    fn take(&mut self) -> Option<D::Connection> {
        self.seat = None;
        self.connection.take()
    }
}

/// An idle connection is of no more use.
pub(super) struct LostIdle {
    pub(super) why: String,
    /// If the peer was dead.
    pub(super) verdict: Option<Verdict>,
}

/// Does what is due on an idle connection. How long until there is more to do; `None`: not before an exchange uses it.
pub(super) fn maintain<C: Connection>(connection: &mut C, is_deaf: bool) -> Result<Option<Duration>, LostIdle> {
    // A form of the application's own may panic, and then the connection is of no use.
    match drive::guarded::<_, DecodeError, EncodeError>(|| connection.maintain(is_deaf)) {
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

/// The same for a connection that is kept up; how long until there is more to do, or until it is asked again whether it has ended.
pub(super) fn maintain_kept<C: Connection>(connection: &mut C, exchange: ExchangeKind) -> Result<Duration, LostIdle> {
    let time = match exchange.sends() {
        true => maintain(connection, !exchange.receives())?,
        // A client that only receives gets the messages that arrive meanwhile from its next `recv`.
        false if connection.has_ended(true) => return Err(LostIdle { why: ENDED.to_owned(), verdict: None }),
        false => None,
    };
    Ok(time.map_or(LOOK, |time| time.min(LOOK)))
}
