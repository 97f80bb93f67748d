//! Timeouts.

use std::time::Duration;

use super::{ConnectionKind, ExchangeKind};

/// Timeouts. Each operation has a limit.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::{Framing, Profile};
///
/// let profile = Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?;
/// assert_eq!(profile.timeouts().reply, Some(Duration::from_secs(5)));
/// assert_eq!(profile.timeouts().connect, Duration::from_secs(5), "which the call covers");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Timeouts {
    /// For resolving and dialling, and the preamble.
    pub connect: Duration,
    /// For a whole call: waiting for a connection, connecting, writing and the reply. `None` if no messages are sent.
    pub reply: Option<Duration>,
    /// For writing one message.
    pub write: Duration,
    /// For the peer to close after this side has closed.
    pub close: Duration,
    /// From accepting a connection to the first byte of its first message.
    pub first_message: Duration,
    /// Like `first_message`, for a client that has sent a heartbeat. A heartbeat is not a message.
    pub first_request: Duration,
    /// From the first byte of a message that a server receives to its last.
    pub frame: Duration,
    /// How long a server keeps a connection without messages. Heartbeats do not count.
    pub idle: Duration,
    /// How long a server keeps any connection. It ends between two messages.
    pub lifetime: Duration,
}

impl Timeouts {
    /// The default: 10 s, time for three tries of a kernel whose first packets were lost (after 1, 3 and 7 s). On a
    /// short connection at most the reply timeout, which includes connecting.
    pub const CONNECT: Duration = Duration::from_secs(10);
    /// The default: 5 s.
    pub const REPLY: Duration = Duration::from_secs(5);
    /// The default: 30 s. A busy peer recovers in this time. A peer that has stopped reading does not.
    pub const WRITE: Duration = Duration::from_secs(30);
    /// The default: 1 s, which is several round trips. A peer that never closes delays no caller for long.
    pub const CLOSE: Duration = Duration::from_secs(1);
    /// The default: 1 min. A stranger that sends no message holds a connection no longer. Raise it for clients that
    /// connect long before their first message. If they send heartbeats, raise only `first_request` (default: this).
    pub const FIRST_MESSAGE: Duration = Duration::from_secs(60);
    /// The default: 30 s, enough for 1 MiB at 280 kbit/s. A byte now and then does not hold a connection.
    pub const FRAME: Duration = Duration::from_secs(30);
    /// The default: 1 h. Raise it for clients that are quiet all night.
    pub const IDLE: Duration = Duration::from_secs(60 * 60);
    /// The default: a day.
    pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
    /// The largest lifetime: 30 days.
    pub const MOST_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// The largest value of all other timeouts: a day.
    pub const MOST: Duration = Duration::from_secs(24 * 60 * 60);

    /// Returns the defaults for these kinds.
    pub(super) fn defaults(connection: ConnectionKind, exchange: ExchangeKind) -> Self {
        let reply = exchange.sends().then_some(Self::REPLY);
        Self {
            connect: Self::default_connect(connection, reply),
            reply,
            write: Self::WRITE,
            close: Self::CLOSE,
            first_message: Self::FIRST_MESSAGE,
            first_request: Self::FIRST_MESSAGE,
            frame: Self::FRAME,
            idle: Self::IDLE,
            lifetime: Self::LIFETIME,
        }
    }

    /// A call on a short connection includes connecting, so connecting cannot take longer.
    pub(super) fn default_connect(connection: ConnectionKind, reply: Option<Duration>) -> Duration {
        match (connection, reply) {
            (ConnectionKind::Short(_), Some(reply)) => reply.min(Self::CONNECT),
            _ => Self::CONNECT,
        }
    }
}
