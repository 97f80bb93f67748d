//! Which side sends heartbeats, when, and when a silent peer counts as dead.

/// One side of a connection.
///
/// ```
/// use framelink_heartbeat::{By, Role};
///
/// assert!(By::Client.is(Role::Client) && !By::Client.is(Role::Server));
/// assert!(By::Both.is(Role::Server));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that dialled.
    Client,
    /// The side that accepted.
    Server,
}

/// The sides that send heartbeats by themselves.
///
/// See [`Role`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The side that dialled.
    Client,
    /// The side that accepted.
    Server,
    /// Both sides.
    Both,
}

/// What shows that the peer lives.
///
/// ```
/// use framelink_heartbeat::{Form, Heartbeat, Life};
///
/// assert_eq!(Heartbeat::relaxed(Form::Numbered).life(), Life::Bytes);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Life {
    /// Any received bytes.
    #[default]
    Bytes,
    /// Only heartbeats: answers to ours, or the peer's own. For a peer whose front end keeps sending while the system
    /// behind it is dead.
    Heartbeats,
}

impl By {
    /// Returns whether this side sends heartbeats.
    #[must_use]
    pub const fn is(self, role: Role) -> bool {
        matches!((self, role), (Self::Both, _) | (Self::Client, Role::Client) | (Self::Server, Role::Server))
    }
}

impl Role {
    /// Returns the other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What one side does. Times are in nanoseconds. Few bytes, because each connection has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) interval: u64,
    pub(crate) timeout: u64,
    /// At most [`MOST_TRIES`](crate::Heartbeat::MOST_TRIES).
    pub(crate) tries: u8,
    /// How many low bits of a probe's number its answer repeats.
    pub(crate) number_bits: u8,
    pub(crate) role: Role,
    pub(crate) life: Life,
    /// Whether this side sends heartbeats, and whether the peer does.
    pub(crate) sends: bool,
    pub(crate) peer_sends: bool,
    /// Whether probes are answered.
    pub(crate) is_answered: bool,
    pub(crate) is_symmetric: bool,
    /// Whether this side has ended. Then it sends nothing any more.
    pub(crate) has_ended: bool,
}

impl Rules {
    /// A heartbeat is due after this time without sent bytes.
    #[inline]
    pub(crate) fn beat_after(&self) -> Option<u64> {
        (self.sends && !self.has_ended).then(|| self.after())
    }

    /// A probe is due after this time without received bytes.
    #[inline]
    pub(crate) fn ask_after(&self) -> Option<u64> {
        (self.asks() && !self.has_ended).then(|| self.after())
    }

    /// If this side sends no probes, the peer is dead after this time without a sign of life.
    #[inline]
    pub(crate) fn silence(&self) -> Option<u64> {
        if self.has_ended {
            // The peer may be the side that waits longer.
            let waits = if self.asks() && self.role == Role::Client { self.half_timeout() } else { 0 };
            return self.peer_sends.then(|| self.dead_after() + waits);
        }
        (self.peer_sends && !self.asks()).then(|| self.dead_after())
    }

    /// Whether probes of the peer are answered.
    pub(crate) const fn answers(&self) -> bool {
        self.is_answered && !self.has_ended
    }

    /// Whether the other side sends probes too, and earlier.
    pub(crate) fn gives_way(&self) -> bool {
        self.asks() && self.peer_sends && self.role == Role::Server
    }

    /// How long a peer that sends nothing counts as alive.
    pub(crate) const fn dead_after(&self) -> u64 {
        self.interval + self.timeout * self.tries as u64
    }

    /// How many probes before the last one the answered probe was, as far as the repeated bits tell.
    pub(crate) const fn distance(&self, last: u64, answered: u64) -> u64 {
        let unused = 64 - self.number_bits as u32;
        (last.wrapping_sub(answered) << unused) >> unused
    }

    const fn asks(&self) -> bool {
        self.sends && self.is_answered
    }

    fn after(&self) -> u64 {
        self.interval + if self.gives_way() { self.half_timeout() } else { 0 }
    }

    fn half_timeout(&self) -> u64 {
        self.timeout.min(self.interval) / 2
    }
}
