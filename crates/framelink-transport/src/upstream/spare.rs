//! A connection that was made in the background.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Seat;
use crate::resting::{Keeper, Resting, Rests};

/// A connection that was made in the background, until somebody takes it. One with heartbeats is looked after.
pub(crate) struct Spare<C, K>(Mutex<Option<Kept<C, K>>>);

struct Kept<C, K> {
    connection: Resting<C, K>,
    seat: Arc<Seat>,
}

impl<C: Rests, K: Keeper<C>> Spare<C, K> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// `is_deaf` where nobody takes what comes.
    pub(crate) fn put(&self, connection: C, seat: Seat, is_deaf: bool) {
        let mut resting = Resting::new();
        let seat = Arc::new(seat);
        resting.put(connection, is_deaf, Some(Arc::clone(&seat)));
        let before = self.lock().replace(Kept { connection: resting, seat });
        if let Some(Kept { seat, .. }) = &before {
            seat.leave();
        }
    }

    /// It, if it is there still and has not ended in the meantime.
    pub(crate) fn take(&self, has_ended: impl FnOnce(&mut C) -> bool) -> Option<(C, Seat)> {
        let Kept { mut connection, seat } = self.lock().take()?;
        let fit = connection.take().and_then(|mut connection| (!has_ended(&mut connection)).then_some(connection));
        if fit.is_none() {
            seat.lost("it ended before it was used");
        }
        // Nobody looks after the connection any more, so that the seat is nobody else's.
        Some((fit?, Arc::into_inner(seat)?))
    }

    pub(crate) fn clear(&self) {
        let before = self.lock().take();
        if let Some(Kept { seat, .. }) = &before {
            seat.leave();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept<C, K>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C, K> fmt::Debug for Spare<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spare").finish_non_exhaustive()
    }
}
