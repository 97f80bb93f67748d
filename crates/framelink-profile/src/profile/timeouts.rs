//! How long things may take.

use std::time::Duration;

use super::{ConnectionKind, ExchangeKind};

/// How long things may take. Nothing is without a limit.
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
    /// Resolving and dialling, and the preamble.
    pub connect: Duration,
    /// A whole call: waiting for a connection, connecting, writing and the reply. `None` where nothing is sent.
    pub reply: Option<Duration>,
    /// Writing one message, whatever else there is to wait for.
    pub write: Duration,
    /// For a peer to close too when we close first.
    pub close: Duration,
    /// From accepting a connection to the first byte of its first message.
    pub first_message: Duration,
    /// The same for a client that has sent a heartbeat: a heartbeat is not a message.
    pub first_request: Duration,
    /// From the first byte of a message that a server receives to its last.
    pub frame: Duration,
    /// For how long a server keeps a connection on which nothing comes or goes, heartbeats apart.
    pub idle: Duration,
    /// For how long a server keeps any connection; it ends between two messages.
    pub lifetime: Duration,
}

impl Timeouts {
    /// 10 s: three tries of a kernel whose first packets were lost (after 1, 3 and 7 s). On a short connection no more than
    /// the reply's, which covers it.
    pub const CONNECT: Duration = Duration::from_secs(10);
    /// 5 s.
    pub const REPLY: Duration = Duration::from_secs(5);
    /// 30 s: a peer that is only busy gets over it, one that has stopped reading for good does not.
    pub const WRITE: Duration = Duration::from_secs(30);
    /// 1 s: some round trips, and nobody waits long for a peer that never closes.
    pub const CLOSE: Duration = Duration::from_secs(1);
    /// 1 min: a client that connects says something soon, and a stranger who says nothing holds a place no longer. Raise
    /// it for clients that connect long before they have anything to say; for those that send heartbeats meanwhile it is enough to raise
    /// `first_request`, which is the same unless said.
    pub const FIRST_MESSAGE: Duration = Duration::from_secs(60);
    /// 30 s: 1 MiB over a line of 280 kbit/s. Whoever sends a byte now and then to hold a place does not get further.
    pub const FRAME: Duration = Duration::from_secs(30);
    /// 1 h. Raise it for clients that are quiet all night.
    pub const IDLE: Duration = Duration::from_secs(60 * 60);
    /// A day.
    pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
    /// No lifetime may be longer: 30 days.
    pub const MOST_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// No timeout may be longer: a day.
    pub const MOST: Duration = Duration::from_secs(24 * 60 * 60);

    /// Where nothing is said.
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

    /// A call on a short connection covers connecting, which then cannot take longer.
    pub(super) fn default_connect(connection: ConnectionKind, reply: Option<Duration>) -> Duration {
        match (connection, reply) {
            (ConnectionKind::Short(_), Some(reply)) => reply.min(Self::CONNECT),
            _ => Self::CONNECT,
        }
    }
}
