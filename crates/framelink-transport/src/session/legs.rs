//! Which two connections are a pair.

use std::time::Duration;

/// One of the two connections of a pair, as seen from us.
///
/// ```
/// assert_eq!(framelink_transport::session::Leg::Send.to_string(), "the connection that we send on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    /// We send on it.
    Send,
    /// We receive on it.
    Receive,
}

/// The connections that are to become pairs with one peer, as they are dialled and accepted, while either end may restart at any
/// time.
///
/// The newest connection of each leg counts. One that comes while a pair is up says that the peer has started anew, whatever
/// became of the pair. After a loss nothing is joined until things have settled, so that the ends of the old connections are
/// seen before new ones are made, and two that close on each other's account do not do so for ever. One that has ended while it
/// waited is no leg.
///
/// ```
/// use std::time::Duration;
/// use framelink_transport::session::{Leg, Legs};
///
/// let (mut legs, now, settle) = (Legs::new(), Duration::ZERO, Duration::from_millis(200));
/// assert!(!legs.on_leg(Leg::Send, "dialled"));
/// assert!(!legs.on_leg(Leg::Receive, "accepted"));
/// assert_eq!(legs.join(now, |_| false), Some(("dialled", "accepted")));
/// // The peer dials again: the pair is to be ended.
/// assert!(legs.on_leg(Leg::Receive, "accepted anew"));
/// legs.on_lost(now + settle);
/// legs.on_leg(Leg::Send, "dialled anew");
/// assert_eq!(legs.join(now, |_| false), None, "not settled");
/// assert_eq!(legs.join(now + settle, |_| false), Some(("dialled anew", "accepted anew")));
/// ```
#[derive(Debug)]
pub struct Legs<T> {
    send: Option<T>,
    receive: Option<T>,
    is_up: bool,
    settled_at: Duration,
}

impl<T> Legs<T> {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { send: None, receive: None, is_up: false, settled_at: Duration::ZERO }
    }

    /// A connection was made. It takes the place of one that waited. True if the pair that is up has to be ended for it.
    pub fn on_leg(&mut self, leg: Leg, connection: T) -> bool {
        *self.place(leg) = Some(connection);
        self.is_up
    }

    /// Forgets those that have `ended` while they waited.
    pub fn prune(&mut self, mut ended: impl FnMut(&mut T) -> bool) {
        for leg in [Leg::Send, Leg::Receive] {
            let place = self.place(leg);
            if place.as_mut().is_some_and(&mut ended) {
                *place = None;
            }
        }
    }

    /// The two that are a pair from now on, if both are there, have not `ended`, and things have settled.
    pub fn join(&mut self, now: Duration, ended: impl FnMut(&mut T) -> bool) -> Option<(T, T)> {
        self.prune(ended);
        if self.is_up || now < self.settled_at || self.send.is_none() || self.receive.is_none() {
            return None;
        }
        self.is_up = true;
        self.send.take().zip(self.receive.take())
    }

    /// The pair was lost; until then nothing is joined.
    pub fn on_lost(&mut self, settled_at: Duration) {
        self.is_up = false;
        self.settled_at = settled_at;
    }

    /// Whether this connection is missing.
    pub fn is_missing(&mut self, leg: Leg) -> bool {
        !self.is_up && self.place(leg).is_none()
    }

    /// When things have settled.
    #[must_use]
    pub const fn settled_at(&self) -> Duration {
        self.settled_at
    }

    const fn place(&mut self, leg: Leg) -> &mut Option<T> {
        match leg {
            Leg::Send => &mut self.send,
            Leg::Receive => &mut self.receive,
        }
    }
}

impl<T> Default for Legs<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Display for Leg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Send => "the connection that we send on",
            Self::Receive => "the connection that we receive on",
        })
    }
}
