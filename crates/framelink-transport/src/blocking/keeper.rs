//! A connection that rests between exchanges, while a thread beats for it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use framelink_heartbeat::Verdict;

use super::Connection;
use crate::error::Cause;
use crate::{DecodeError, EncodeError, drive};

/// Where a client leaves its connection between exchanges. One with heartbeats is looked after by a thread meanwhile.
#[derive(Debug, Default)]
pub(super) struct Resting {
    /// One that needs nobody, or is in use.
    in_hand: Option<Connection>,
    slot: Option<Arc<Slot>>,
}

#[derive(Debug)]
struct Slot {
    state: Mutex<State>,
    /// Told when there is something to look after again, and when there never will be.
    is_changed: Condvar,
    /// Whether messages that come by themselves are dropped, and not an error.
    is_deaf: bool,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<Connection>,
    /// The client is gone.
    is_over: bool,
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
            let slot = Arc::new(Slot { state: Mutex::default(), is_changed: Condvar::new(), is_deaf });
            let kept = Arc::clone(&slot);
            thread::spawn(move || kept.keep());
            slot
        });
        let mut state = slot.lock();
        state.verdict = None;
        // The thread wakes by itself at the time that it knows of, and what happened since can only have moved that away.
        if state.connection.replace(connection).is_none() {
            slot.is_changed.notify_one();
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
        if let Some(slot) = &self.slot {
            let mut state = slot.lock();
            state.is_over = true;
            state.connection = None;
            slot.is_changed.notify_one();
        }
    }
}

impl Slot {
    /// Looks after what is in the slot, as long as there is a client.
    fn keep(&self) {
        let mut state = self.lock();
        while !state.is_over {
            // A form of the application's own may panic, and then the connection is of no use.
            let tend = |connection: &mut Connection| {
                drive::guarded::<_, DecodeError, EncodeError>(|| connection.tend(self.is_deaf))
            };
            let time = match state.connection.as_mut().map(tend) {
                Some(Ok(Ok(time))) => time,
                Some(ended) => {
                    if let Ok(Err(error)) = ended
                        && let Cause::Dead(verdict) = error.cause()
                    {
                        state.verdict = Some(*verdict);
                    }
                    state.connection = None;
                    continue;
                }
                None => None,
            };
            state = match time {
                Some(time) => self.is_changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
                None => self.is_changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
