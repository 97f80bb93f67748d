//! The seat of a client that has one exchange at a time.

use std::fmt::Display;
use std::sync::Arc;

use super::Seat;

/// The seat of the connection that a client has, while it has one: what it tells of its exchanges.
#[derive(Debug, Default)]
pub(crate) struct Berth {
    pub(crate) seat: Option<Arc<Seat>>,
}

impl Berth {
    /// An exchange begins.
    pub(crate) fn begin(&self) -> UnderWay {
        if let Some(seat) = &self.seat {
            seat.begin();
        }
        UnderWay { seat: self.seat.clone() }
    }

    /// The connection is of no more use, because of this.
    pub(crate) fn lost(&mut self, why: &impl Display) {
        if let Some(seat) = self.seat.take() {
            seat.lost(&why.to_string());
        }
    }

    /// The connection is closed by us, in good order: done when this is dropped.
    pub(crate) fn leave(&mut self) -> Option<Arc<Seat>> {
        let seat = self.seat.take()?;
        seat.leave();
        Some(seat)
    }
}

/// An exchange of a client. Dropped, it was given up, and the connection with it: a late reply must not answer the next request.
#[must_use]
pub(crate) struct UnderWay {
    seat: Option<Arc<Seat>>,
}

impl UnderWay {
    /// It is over; whether it was of use.
    pub(crate) fn end(mut self, was_useful: bool) {
        if let Some(seat) = self.seat.take() {
            seat.end(was_useful);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(seat) = &self.seat {
            seat.end(false);
            seat.lost("an exchange on it was given up");
        }
    }
}

/// Whoever drops a client loses nothing.
impl Drop for Berth {
    fn drop(&mut self) {
        self.leave();
    }
}
