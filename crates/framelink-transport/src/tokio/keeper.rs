//! A connection that rests between exchanges, while a task beats for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use framelink_heartbeat::Verdict;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::Connection;
use crate::error::Cause;

/// Where a client leaves its connection between exchanges. One with heartbeats is looked after by a task meanwhile.
#[derive(Debug, Default)]
pub(super) struct Resting {
    /// One that needs nobody, or is in use.
    in_hand: Option<Connection>,
    slot: Option<Arc<Slot>>,
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
            tokio::spawn(keep(Arc::downgrade(&slot)));
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

/// Looks after what is in the slot, as long as there is a client.
async fn keep(slot: Weak<Slot>) {
    loop {
        let Some(held) = slot.upgrade() else { return };
        match held.tend() {
            Some(time) => {
                drop(held);
                sleep(time).await;
            }
            None => {
                // The client may go meanwhile, and tells nobody: a look now and then.
                let back = held.is_back.notified();
                let _ = tokio::time::timeout_at(Instant::now() + LOOK, back).await;
            }
        }
    }
}

/// How long a task outlives its client at the most, where that has no connection.
const LOOK: Duration = Duration::from_secs(1);

impl Slot {
    /// Does what is due. How long until there is more to do; `None` while there is no connection.
    fn tend(&self) -> Option<Duration> {
        let mut state = self.lock();
        let tended = match &mut state.connection {
            Some(connection) => connection.tend(self.is_deaf),
            None => {
                state.is_waiting = true;
                return None;
            }
        };
        match tended {
            Ok(time) => Some(time.unwrap_or(LOOK)),
            Err(error) => {
                if let Cause::Dead(verdict) = error.cause() {
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
