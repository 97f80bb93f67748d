//! The seat of a connection with many exchanges at a time.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(feature = "blocking")]
use std::sync::{Condvar, Mutex, PoisonError};
#[cfg(feature = "blocking")]
use std::time::Duration;

use super::Seat;

/// Who uses a connection with many exchanges at a time, and when it can be closed where it is wanted elsewhere.
#[derive(Debug)]
pub(crate) struct Tenancy {
    /// A pair of connections has none.
    seat: Option<Seat>,
    users: AtomicUsize,
    /// Nobody new uses it.
    is_leaving: AtomicBool,
    /// It was said that it is to be closed.
    is_vacated: AtomicBool,
    #[cfg(feature = "blocking")]
    over: (Mutex<bool>, Condvar),
}

impl Tenancy {
    pub(crate) const fn new(seat: Option<Seat>) -> Self {
        Self {
            seat,
            users: AtomicUsize::new(0),
            is_leaving: AtomicBool::new(false),
            is_vacated: AtomicBool::new(false),
            #[cfg(feature = "blocking")]
            over: (Mutex::new(false), Condvar::new()),
        }
    }

    pub(crate) const fn seat(&self) -> Option<&Seat> {
        self.seat.as_ref()
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::SeqCst)
    }

    pub(crate) fn enter(&self) {
        self.users.fetch_add(1, Ordering::SeqCst);
        if let Some(seat) = &self.seat {
            seat.begin();
        }
    }

    /// True if it is to be closed now.
    #[must_use]
    pub(crate) fn exit(&self, was_useful: bool) -> bool {
        if let Some(seat) = &self.seat {
            seat.end(was_useful);
        }
        self.users.fetch_sub(1, Ordering::SeqCst);
        self.is_leaving() && self.is_vacant()
    }

    /// Takes nobody new. True if it is to be closed now; otherwise the last exchange on it says so.
    #[must_use]
    pub(crate) fn leave(&self) -> bool {
        self.is_leaving.store(true, Ordering::SeqCst);
        if let Some(seat) = &self.seat {
            seat.leave();
        }
        self.is_vacant()
    }

    /// It is being closed already: nobody new uses it, and nobody need say that it is to be closed.
    pub(crate) fn vacate(&self) {
        self.is_vacated.store(true, Ordering::SeqCst);
        let _ = self.leave();
    }

    /// Something came on it that nobody asked for: the peer is well.
    pub(crate) fn proved(&self) {
        if let Some(seat) = &self.seat {
            seat.proved();
        }
    }

    /// It has ended, because of this.
    pub(crate) fn lost(&self, why: &impl Display) {
        if let Some(seat) = &self.seat {
            seat.lost(&why.to_string());
        }
    }

    /// It has ended, for whatever reason.
    #[cfg(feature = "blocking")]
    pub(crate) fn end(&self) {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.1.notify_all();
    }

    /// Waits for that, so long at most.
    #[cfg(feature = "blocking")]
    pub(crate) fn wait_until_over(&self, limit: Duration) {
        let (is_over, told) = &self.over;
        let is_over = is_over.lock().unwrap_or_else(PoisonError::into_inner);
        drop(told.wait_timeout_while(is_over, limit, |is_over| !*is_over));
    }

    /// Once.
    fn is_vacant(&self) -> bool {
        self.users.load(Ordering::SeqCst) == 0 && !self.is_vacated.swap(true, Ordering::SeqCst)
    }
}
