//! Which two connections are a pair.

use std::time::Duration;

/// One of the two connections of a pair, as seen from us.
///
/// ```
/// assert_eq!(framelink_session::Leg::Send.to_string(), "the connection that we send on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    /// We send on it.
    Send,
    /// We receive on it.
    Receive,
}

/// The connections that are to become pairs with one peer, as they are dialled and accepted, while either end may restart at any
/// time. `P` says whose a connection is: only two of the same are joined.
///
/// The newest connection of each leg counts. One that comes from the same while a pair is up says that it has started anew,
/// whatever became of the pair; others' do not count then. After a loss nothing is joined until things have settled, so that the
/// ends of the old connections are seen before new ones are made, and two that close on each other's account do not do so for
/// ever. One that has ended while it waited is no leg.
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
    /// The newest last, one of each peer.
    send: Vec<(P, T)>,
    receive: Vec<(P, T)>,
    /// Whose pair is up.
    up: Option<P>,
    settled_at: Duration,
}

impl<P: PartialEq + Clone, T> Legs<P, T> {
    /// So many connections of one leg wait at most, each of another peer: 16. The oldest goes for the next one.
    pub const MOST: usize = 16;

    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { send: Vec::new(), receive: Vec::new(), up: None, settled_at: Duration::ZERO }
    }

    /// A connection was made. It takes the place of one that waited. True if the pair that is up has to be ended for it.
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

    /// Forgets those that have `ended` while they waited.
    pub fn prune(&mut self, mut ended: impl FnMut(&mut T) -> bool) {
        self.send.retain_mut(|(_, connection)| !ended(connection));
        self.receive.retain_mut(|(_, connection)| !ended(connection));
    }

    /// The two that are a pair from now on, if two of the same are there, have not `ended`, and things have settled.
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

    /// The pair was lost; until then nothing is joined.
    pub fn on_lost(&mut self, settled_at: Duration) {
        self.up = None;
        self.settled_at = settled_at;
    }

    /// Whether there is no connection of this kind, and one is needed.
    pub fn is_missing(&mut self, leg: Leg) -> bool {
        self.up.is_none() && self.place(leg).is_empty()
    }

    /// When things have settled.
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
