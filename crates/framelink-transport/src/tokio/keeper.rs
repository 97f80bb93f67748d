//! A connection that rests between exchanges, while a task beats for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use framelink_heartbeat::Verdict;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::Connection;
use crate::error::Cause;
use crate::{DecodeError, EncodeError, drive};

/// Where a client leaves its connection between exchanges. One with heartbeats is looked after by a task meanwhile.
#[derive(Debug, Default)]
pub(super) struct Resting {
    /// One that needs nobody, or is in use.
    in_hand: Option<Connection>,
    slot: Option<Arc<Slot>>,
    task: Option<AbortHandle>,
}

#[derive(Debug)]
struct Slot {
    state: Mutex<State>,
    /// Told when there is something to look after again.
    is_back: Notify,
    /// Whether messages that come by themselves are dropped, and not an error.
    is_deaf: bool,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<Connection>,
    /// The task found nothing to look after and waits.
    is_waiting: bool,
    /// Why the last one was given up while it rested.
    verdict: Option<Verdict>,
}

impl Resting {
    /// Leaves a connection. `is_deaf` where nobody takes what comes.
    pub(super) fn put(&mut self, connection: Connection, is_deaf: bool) {
        if connection.pulse().is_none() {
            self.in_hand = Some(connection);
            return;
        }
        let slot = self.slot.get_or_insert_with(|| {
            let slot = Arc::new(Slot { state: Mutex::default(), is_back: Notify::new(), is_deaf });
            self.task = Some(tokio::spawn(keep(Arc::clone(&slot))).abort_handle());
            slot
        });
        let mut state = slot.lock();
        state.connection = Some(connection);
        state.verdict = None;
        // The task wakes by itself at the time that it knows of, and what happened since can only have moved that away.
        if std::mem::take(&mut state.is_waiting) {
            slot.is_back.notify_one();
        }
    }

    /// The connection, if it is there still.
    pub(super) fn take(&mut self) -> Option<Connection> {
        self.in_hand.take().or_else(|| self.slot.as_ref()?.lock().connection.take())
    }

    /// The same, which stays; nobody beats for it until it is put back.
    pub(super) fn in_hand(&mut self) -> Option<&mut Connection> {
        self.in_hand = self.take();
        self.in_hand.as_mut()
    }

    /// Has this one in use; nobody beats for it until it is put back.
    pub(super) fn hold(&mut self, connection: Connection) -> &mut Connection {
        self.in_hand.insert(connection)
    }

    /// Why the last connection was given up while it rested, if that was because the peer was dead.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.slot.as_ref()?.lock().verdict
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Looks after what is in the slot, as long as there is a client.
async fn keep(slot: Arc<Slot>) {
    loop {
        match slot.tend() {
            Some(time) => sleep(time).await,
            None => slot.is_back.notified().await,
        }
    }
}

/// Where nothing is due ever, a look now and then.
const LOOK: Duration = Duration::from_secs(60);

impl Slot {
    /// Does what is due. How long until there is more to do; `None` while there is no connection.
    fn tend(&self) -> Option<Duration> {
        let mut state = self.lock();
        let Some(connection) = &mut state.connection else {
            state.is_waiting = true;
            return None;
        };
        // A form of the application's own may panic, and then the connection is of no use.
        match drive::guarded::<_, DecodeError, EncodeError>(|| connection.tend(self.is_deaf)) {
            Ok(Ok(time)) => Some(time.unwrap_or(LOOK)),
            ended => {
                if let Ok(Err(error)) = ended
                    && let Cause::Dead(verdict) = error.cause()
                {
                    state.verdict = Some(*verdict);
                }
                state.connection = None;
                state.is_waiting = true;
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
