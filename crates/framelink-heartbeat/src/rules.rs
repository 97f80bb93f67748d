//! Which side sends heartbeats, when, and when a silent peer counts as dead.

use core::time::Duration;

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

/// What one side does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// A heartbeat is due after this time without sent bytes.
    pub(crate) beat_after: Option<Duration>,
    /// A probe is due after this time without received bytes.
    pub(crate) ask_after: Option<Duration>,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) tries: u32,
    /// If we send no probes, the peer is dead after this time without a sign of life.
    pub(crate) silence: Option<Duration>,
    /// Like `silence`, once we cannot send any more.
    pub(crate) peer_silence: Option<Duration>,
    /// Whether probes of the peer are answered.
    pub(crate) answers: bool,
    pub(crate) is_symmetric: bool,
    /// How many low bits of a probe's number its answer repeats.
    pub(crate) number_bits: u32,
    pub(crate) life: Life,
}

impl Rules {
    /// Whether the other side sends probes too, and earlier.
    pub(crate) fn gives_way(&self) -> bool {
        self.ask_after.is_some_and(|time| time > self.interval)
    }

    /// How many probes before the last one the answered probe was, as far as the repeated bits tell.
    pub(crate) const fn distance(&self, last: u64, answered: u64) -> u64 {
        let unused = 64 - self.number_bits;
        (last.wrapping_sub(answered) << unused) >> unused
    }
}
