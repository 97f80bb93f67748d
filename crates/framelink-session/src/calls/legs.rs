//! The two connections of a simplex pair.

use std::time::Duration;

/// One of the two connections of a simplex pair, as seen from this side.
///
/// ```
/// assert_eq!(framelink_session::Leg::Send.to_string(), "the connection that we send on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    /// This side sends on it.
    Send,
    /// This side receives on it.
    Receive,
}

/// Joins connections to simplex pairs as they are dialled and accepted. Either end may restart at any time. `P`
/// identifies the peer: only two connections of one peer are joined.
///
/// - The newest connection of each leg counts.
/// - While a pair is up, a new connection of that peer means that the peer restarted. Connections of other peers are
///   ignored.
/// - After a loss, no pair is joined until `settled_at`. This makes sure that the ends of the old connections are seen
///   first, and that two sides do not keep closing each other's connections.
/// - A connection that ended while it waited is not joined.
///
/// ```
/// use std::time::Duration;
/// use framelink_session::{Leg, Legs};
///
/// let (mut legs, now, settle) = (Legs::new(), Duration::ZERO, Duration::from_millis(200));
/// assert!(!legs.on_leg(Leg::Send, "host", "dialled"));
/// assert!(!legs.on_leg(Leg::Receive, "stranger", "accepted"));
/// assert_eq!(legs.join(now, |_| false), None, "not of the same");
/// legs.on_leg(Leg::Receive, "host", "accepted too");
/// assert_eq!(legs.join(now, |_| false), Some(("dialled", "accepted too")));
/// // The peer dials again: the pair is to be ended.
/// assert!(legs.on_leg(Leg::Receive, "host", "accepted anew"));
/// legs.on_lost(now + settle);
/// legs.on_leg(Leg::Send, "host", "dialled anew");
/// assert_eq!(legs.join(now, |_| false), None, "not settled");
/// assert_eq!(legs.join(now + settle, |_| false), Some(("dialled anew", "accepted anew")));
/// ```
#[derive(Debug)]
pub struct Legs<P, T> {
    /// At most one of each peer, the newest last.
    send: Vec<(P, T)>,
    receive: Vec<(P, T)>,
    /// The peer whose pair is up.
    up: Option<P>,
    settled_at: Duration,
}

impl<P: PartialEq + Clone, T> Legs<P, T> {
    /// The most waiting connections of one leg, each of another peer: 16. A further one replaces the oldest.
    pub const MOST: usize = 16;

    /// Creates an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { send: Vec::new(), receive: Vec::new(), up: None, settled_at: Duration::ZERO }
    }

    /// Records a new connection, instead of a waiting one of this peer and leg. Returns true if a pair must be ended
    /// first.
    pub fn on_leg(&mut self, leg: Leg, peer: P, connection: T) -> bool {
        if self.up.as_ref().is_some_and(|up| *up != peer) {
            return false;
        }
        let place = self.place(leg);
        place.retain(|(other, _)| *other != peer);
        if place.len() >= Self::MOST {
            place.remove(0);
        }
        place.push((peer, connection));
        self.up.is_some()
    }

    /// Removes the waiting connections that have `ended`.
    pub fn prune(&mut self, mut ended: impl FnMut(&mut T) -> bool) {
        self.send.retain_mut(|(_, connection)| !ended(connection));
        self.receive.retain_mut(|(_, connection)| !ended(connection));
    }

    /// Returns the two connections of a new pair, sending and receiving. Returns `None` while a pair is up, before
    /// `settled_at`, or if no peer has two waiting connections that have not `ended`.
    pub fn join(&mut self, now: Duration, ended: impl FnMut(&mut T) -> bool) -> Option<(T, T)> {
        self.prune(ended);
        if self.up.is_some() || now < self.settled_at {
            return None;
        }
        let has_both = |(peer, _): &(P, T)| self.receive.iter().any(|(other, _)| other == peer);
        let send = self.send.iter().rposition(has_both)?;
        let (peer, sending) = self.send.remove(send);
        let receive = self.receive.iter().rposition(|(other, _)| *other == peer)?;
        let (_, receiving) = self.receive.remove(receive);
        self.up = Some(peer);
        Some((sending, receiving))
    }

    /// Records that the pair was lost. No pair is joined before `settled_at`.
    pub fn on_lost(&mut self, settled_at: Duration) {
        self.up = None;
        self.settled_at = settled_at;
    }

    /// Returns whether this leg is needed and has no connection.
    pub fn is_missing(&mut self, leg: Leg) -> bool {
        self.up.is_none() && self.place(leg).is_empty()
    }

    /// Returns the time before which no pair is joined.
    #[must_use]
    pub const fn settled_at(&self) -> Duration {
        self.settled_at
    }

    const fn place(&mut self, leg: Leg) -> &mut Vec<(P, T)> {
        match leg {
            Leg::Send => &mut self.send,
            Leg::Receive => &mut self.receive,
        }
    }
}

impl<P: PartialEq + Clone, T> Default for Legs<P, T> {
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
