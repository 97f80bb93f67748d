//! Who uses a connection with many exchanges at a time.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::upstream::Seat;

/// How many exchanges use a connection, and when it can be closed if it is wanted at another address.
#[derive(Debug)]
pub(super) struct UseCount {
    /// A pair of connections has none.
    seat: Option<Seat>,
    users: AtomicUsize,
    /// No new exchange uses the connection.
    is_leaving: AtomicBool,
    /// Something closes the connection already.
    is_vacated: AtomicBool,
}

impl UseCount {
    pub(super) const fn new(seat: Option<Seat>) -> Self {
        let (users, is_leaving, is_vacated) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Self { seat, users, is_leaving, is_vacated }
    }

    pub(super) const fn seat(&self) -> Option<&Seat> {
        self.seat.as_ref()
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::SeqCst)
    }

    pub(super) fn enter(&self) {
        self.users.fetch_add(1, Ordering::SeqCst);
        if let Some(seat) = &self.seat {
            seat.begin();
        }
    }

    /// True if the connection is to be closed now.
    #[must_use]
    pub(super) fn exit(&self, was_useful: bool) -> bool {
        if let Some(seat) = &self.seat {
            seat.end(was_useful);
        }
        self.users.fetch_sub(1, Ordering::SeqCst);
        self.is_leaving() && self.is_vacant()
    }

    /// No new exchange begins. True if the connection is to be closed now; otherwise [`exit`](Self::exit) of the last exchange is true.
    #[must_use]
    pub(super) fn leave(&self) -> bool {
        self.is_leaving.store(true, Ordering::SeqCst);
        if let Some(seat) = &self.seat {
            seat.leave();
        }
        self.is_vacant()
    }

    /// The connection is being closed already: no new exchange begins, and neither [`exit`](Self::exit) nor [`leave`](Self::leave) is true.
    pub(super) fn vacate(&self) {
        self.is_vacated.store(true, Ordering::SeqCst);
        let _ = self.leave();
    }

    /// An unsolicited message was received, so the peer is well.
    pub(super) fn proved(&self) {
        if let Some(seat) = &self.seat {
            seat.proved();
        }
    }

    /// The connection has ended, because of this.
    pub(super) fn lost(&self, why: &impl Display) {
        if let Some(seat) = &self.seat {
            seat.lost(&why.to_string());
        }
    }

    /// True once, when no exchange uses the connection and nothing closes it yet.
    fn is_vacant(&self) -> bool {
        self.users.load(Ordering::SeqCst) == 0 && !self.is_vacated.swap(true, Ordering::SeqCst)
    }
}
