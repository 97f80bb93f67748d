//! A connection that was made in the background.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Seat;
use crate::client::idle::IdleSlot;
use crate::driver::Driver;
use crate::profile::Profile;

/// A connection that was made in the background, until a role takes it. If it has heartbeats, they are sent meanwhile.
pub(crate) struct Spare<D: Driver>(Mutex<Option<Kept<D>>>);

struct Kept<D: Driver> {
    connection: IdleSlot<D>,
    seat: Arc<Seat>,
}

impl<D: Driver> Spare<D> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn put(&self, connection: D::Connection, seat: Seat, profile: &Arc<Profile>) {
        let (mut slot, seat) = (IdleSlot::new(profile, None), Arc::new(seat));
        slot.put(connection, Some(Arc::clone(&seat)));
        let before = self.lock().replace(Kept { connection: slot, seat });
        if let Some(Kept { seat, .. }) = &before {
            seat.leave();
        }
    }

    /// Takes the connection, if it is there still and has not ended in the meantime.
    pub(crate) fn take(&self, has_ended: impl FnOnce(&mut D::Connection) -> bool) -> Option<(D::Connection, Seat)> {
        let Kept { mut connection, seat } = self.lock().take()?;
        let taken = connection.take().map(|(connection, _)| connection);
        let fit = taken.and_then(|mut connection| (!has_ended(&mut connection)).then_some(connection));
        if fit.is_none() {
            seat.lost("it ended before it was used");
        }
        // The slot has given the connection up, so that the seat has no other owner.
        Some((fit?, Arc::into_inner(seat)?))
    }

    pub(crate) fn clear(&self) {
        let before = self.lock().take();
        if let Some(Kept { seat, .. }) = &before {
            seat.leave();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept<D>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> fmt::Debug for Spare<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spare").finish_non_exhaustive()
    }
}
