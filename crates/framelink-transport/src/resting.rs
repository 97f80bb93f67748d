//! Where a client leaves its connection between exchanges, and what is done for one with heartbeats meanwhile.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use framelink_heartbeat::Verdict;

use crate::error::Cause;
use crate::upstream::Seat;
use crate::{DecodeError, EncodeError, Error, drive};

/// A peer that never stops sending is listened to with such pauses, in which an exchange can take the connection.
const PAUSE: Duration = Duration::from_millis(1);

/// What can be left so: a driver's connection.
pub(crate) trait Rests {
    /// Whether it has heartbeats, and needs somebody.
    fn is_watched(&self) -> bool;
    /// Does what is due, without waiting; how long until there is more to do.
    fn tend(&mut self, is_deaf: bool) -> Result<Option<Duration>, Error>;
}

/// Whoever looks after a slot until it is dropped: a driver's task or thread.
pub(crate) trait Keeper<C>: Sized + fmt::Debug {
    /// Begins: asks the slot to [tend](Slot::tend), and again after what that says, or when it is woken.
    fn start(slot: Arc<Slot<C>>) -> io::Result<Self>;
    /// There is something to look after again.
    fn wake(&self);
}

/// A client's connection while no exchange has it. One with heartbeats is looked after.
#[derive(Debug)]
pub(crate) struct Resting<C, K> {
    /// A connection that needs no keeper, is in use, or has no keeper.
    in_hand: Option<C>,
    kept: Option<(Arc<Slot<C>>, K)>,
    /// Why there was no keeper for the last one that needs a keeper.
    keeper_error: Option<io::Error>,
}

/// Where it lies, for its keeper to look after.
#[derive(Debug)]
pub(crate) struct Slot<C> {
    state: Mutex<State<C>>,
    /// Whether messages that come by themselves are dropped, and not an error.
    is_deaf: bool,
}

#[derive(Debug)]
struct State<C> {
    connection: Option<C>,
    /// Who is told when it is lost.
    seat: Option<Arc<Seat>>,
    /// The keeper found nothing to look after, and waits to be woken.
    is_waiting: bool,
    /// Why the last one was given up while it rested.
    verdict: Option<Verdict>,
}

impl<C: Rests, K: Keeper<C>> Resting<C, K> {
    pub(crate) const fn new() -> Self {
        Self { in_hand: None, kept: None, keeper_error: None }
    }

    /// Leaves a connection. `is_deaf` where nobody takes what comes; the seat is told when it is lost. Where there can be no keeper the
    /// connection stays, and nothing beats for it until it is put back.
    pub(crate) fn put(&mut self, connection: C, is_deaf: bool, seat: Option<Arc<Seat>>) {
        if !connection.is_watched() {
            self.in_hand = Some(connection);
            return;
        }
        let (slot, keeper) = match self.keeper(is_deaf) {
            Ok(kept) => kept,
            Err(error) => {
                self.keeper_error = Some(error);
                self.in_hand = Some(connection);
                return;
            }
        };
        let mut state = slot.lock();
        (state.connection, state.seat) = (Some(connection), seat);
        state.verdict = None;
        // It wakes by itself at the time that it knows of, and what happened since can only have moved that away.
        if std::mem::take(&mut state.is_waiting) {
            keeper.wake();
        }
    }

    /// Where connections lie, and their keeper, which is begun if there is none yet.
    fn keeper(&mut self, is_deaf: bool) -> io::Result<&(Arc<Slot<C>>, K)> {
        if self.kept.is_none() {
            let slot = Arc::new(Slot::new(is_deaf));
            let keeper = K::start(Arc::clone(&slot))?;
            (self.kept, self.keeper_error) = (Some((slot, keeper)), None);
        }
        self.kept.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Why nothing beats for the connection between exchanges, where something should.
    #[cfg(feature = "blocking")]
    pub(crate) const fn keeper_error(&self) -> Option<&io::Error> {
        self.keeper_error.as_ref()
    }

    /// The connection, if it is there still.
    pub(crate) fn take(&mut self) -> Option<C> {
        self.in_hand.take().or_else(|| self.kept.as_ref()?.0.lock().take())
    }

    /// The same, which stays; nobody beats for it until it is put back.
    pub(crate) fn in_hand(&mut self) -> Option<&mut C> {
        self.in_hand = self.take();
        self.in_hand.as_mut()
    }

    /// Has this one in use; nobody beats for it until it is put back.
    pub(crate) fn hold(&mut self, connection: C) -> &mut C {
        self.in_hand.insert(connection)
    }

    /// Why the last connection was given up while it rested, if that was because the peer was dead.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.kept.as_ref()?.0.lock().verdict
    }
}

/// The connection is closed at once, however soon its keeper notices.
impl<C, K> Drop for Resting<C, K> {
    fn drop(&mut self) {
        if let Some((slot, _)) = &self.kept {
            slot.lock().take();
        }
    }
}

impl<C> Slot<C> {
    const fn new(is_deaf: bool) -> Self {
        let state = State { connection: None, seat: None, is_waiting: false, verdict: None };
        Self { state: Mutex::new(state), is_deaf }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> State<C> {
    fn take(&mut self) -> Option<C> {
        self.seat = None;
        self.connection.take()
    }
}

impl<C: Rests> Slot<C> {
    /// Does what is due. How long until there is more to do; `None`: not before it is woken.
    pub(crate) fn tend(&self) -> Option<Duration> {
        let mut state = self.lock();
        let tended = match &mut state.connection {
            // A form of the application's own may panic, and then the connection is of no use.
            Some(connection) => drive::guarded::<_, DecodeError, EncodeError>(|| connection.tend(self.is_deaf)),
            None => Ok(Ok(None)),
        };
        if let Ok(Ok(Some(time))) = tended {
            return Some(time.max(PAUSE));
        }
        if let Ok(Err(error)) = &tended
            && let Cause::Dead(verdict) = error.cause()
        {
            state.verdict = Some(*verdict);
        }
        let why = match tended {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(cause) => Some(cause.to_string()),
        };
        if let Some(why) = why {
            state.connection = None;
            if let Some(seat) = state.seat.take() {
                seat.lost(&why);
            }
        }
        state.is_waiting = true;
        None
    }
}
