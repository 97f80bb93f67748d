//! Who beats, when, and when silence means death.

use core::time::Duration;

/// Which side of the connection we are.
///
/// ```
/// use framelink_heartbeat::{By, Role};
///
/// assert!(By::Client.is(Role::Client) && !By::Client.is(Role::Server));
/// assert!(By::Both.is(Role::Server));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It dialled.
    Client,
    /// It accepted.
    Server,
}

/// Who sends heartbeats by itself.
///
/// See [`Role`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The side that dialled.
    Client,
    /// The side that accepted.
    Server,
    /// Both.
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
    /// Any bytes.
    #[default]
    Bytes,
    /// Heartbeats only: the answers to ours, or the peer's own. For a peer whose front end sends on while what is behind it is dead.
    Heartbeats,
}

impl By {
    /// Whether that side sends them.
    #[must_use]
    pub const fn is(self, role: Role) -> bool {
        matches!((self, role), (Self::Both, _) | (Self::Client, Role::Client) | (Self::Server, Role::Server))
    }
}

impl Role {
    /// The other side.
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
    /// A heartbeat is sent when nothing was sent for so long.
    pub(crate) beat_after: Option<Duration>,
    /// A probe is sent when nothing was received for so long.
    pub(crate) ask_after: Option<Duration>,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) tries: u32,
    /// Without probes of ours, the peer is dead when nothing was received for so long.
    pub(crate) silence: Option<Duration>,
    /// The same once we can ask no more.
    pub(crate) peer_silence: Option<Duration>,
    /// Whether probes of the peer are answered.
    pub(crate) answers: bool,
    pub(crate) is_symmetric: bool,
    /// Of a probe's number so many low bits come back.
    pub(crate) number_bits: u32,
    pub(crate) life: Life,
}

impl Rules {
    /// Whether the other side asks as well, and first.
    pub(crate) fn gives_way(&self) -> bool {
        self.ask_after.is_some_and(|time| time > self.interval)
    }

    /// How many probes before the last one an answer is to, as far as its bits tell.
    pub(crate) const fn distance(&self, last: u64, answered: u64) -> u64 {
        let unused = 64 - self.number_bits;
        (last.wrapping_sub(answered) << unused) >> unused
    }
}
