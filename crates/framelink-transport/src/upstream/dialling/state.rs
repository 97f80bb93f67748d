//! The state of the connections to a peer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::ConnectError;

/// The state of the connections to a peer, over all its addresses.
///
/// ```
/// use framelink_transport::{Framing, Profile, tokio::Upstream, upstream::State};
/// use std::sync::Arc;
///
/// let profile = Arc::new(Profile::builder("ascii:4".parse::<Framing>()?).build()?);
/// let upstream = Upstream::new(&profile, ["a.example:7000", "b.example:7000"]);
/// assert_eq!(upstream.state(), State::Idle);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// There is no connection, and none is wanted.
    #[default]
    Idle,
    /// There is no connection, and an address is being dialled.
    Connecting,
    /// There are connections, at the addresses that the policy prefers.
    Up,
    /// There are connections, but some are at other addresses than the policy prefers, or some addresses are down.
    Degraded {
        /// The addresses that are down.
        down: Arc<[Arc<str>]>,
    },
    /// We are closing the last connections in good order.
    Draining,
    /// There is no connection, and no address is dialled again: the peer refused the sign-on, and the profile says to
    /// stop then.
    Stopped {
        /// The last refusal.
        why: Failure,
    },
    /// There is no connection.
    Down {
        /// Why there is no connection.
        why: Failure,
        /// How long until the next try is due, from when this state was set. No address is dialled before.
        next_try: Duration,
    },
}

/// Why an address has no connection.
///
/// ```no_run
/// # fn example(state: framelink_transport::upstream::State) {
/// use framelink_transport::upstream::{Reason, State};
///
/// if let State::Down { why, .. } = state {
///     assert_eq!(why.reason(), Reason::Refused);
///     println!("{why}"); // switch.example:7000: connecting to 10.1.2.3:7000: Connection refused
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    address: Arc<str>,
    reason: Reason,
    text: Arc<str>,
}

/// The kind of a failure.
///
/// ```
/// assert_eq!(framelink_transport::upstream::Reason::SignOn.to_string(), "sign-on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The name has no address, or could not be looked up in time.
    Resolve,
    /// The connection was refused: no program listens at the address.
    Refused,
    /// The peer did not answer in time.
    TimedOut,
    /// No local port is free.
    NoLocalPort,
    /// The peer let us connect, but not sign on.
    SignOn,
    /// An established connection has ended.
    Lost,
    /// Another reason.
    Other,
}

/// The loss of a connection, as a hook gets it.
///
/// ```no_run
/// # fn example(profile: std::sync::Arc<framelink_transport::Profile>) {
/// use framelink_transport::tokio::Upstream;
///
/// let upstream = Upstream::new(&profile, ["a:7000", "b:7000"])
///     .on_loss(|loss| println!("{}: {}", loss.address(), loss.why()));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss(pub(super) Failure);

impl Failure {
    pub(crate) fn of_dial(address: &Arc<str>, error: &ConnectError) -> Self {
        Self { address: Arc::clone(address), reason: Reason::of(error), text: error.to_string().into() }
    }

    pub(crate) fn of_loss(address: &Arc<str>, why: &str) -> Self {
        Self { address: Arc::clone(address), reason: Reason::Lost, text: why.into() }
    }

    /// Returns the address, as it was given.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the kind of the failure.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns a description for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Loss {
    /// Returns the address, as it was given.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.address()
    }

    /// Returns a description for people.
    #[must_use]
    pub fn why(&self) -> &str {
        self.0.text()
    }
}

impl Reason {
    fn of(error: &ConnectError) -> Self {
        match error {
            ConnectError::Resolve(_) | ConnectError::NoAddress { .. } => Self::Resolve,
            ConnectError::Dial { error, .. } if error.kind() == std::io::ErrorKind::ConnectionRefused => Self::Refused,
            ConnectError::TimedOut { .. } => Self::TimedOut,
            ConnectError::NoLocalPort { .. } => Self::NoLocalPort,
            ConnectError::SignOn { .. } | ConnectError::NotWanted { .. } => Self::SignOn,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.text)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolving",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::NoLocalPort => "no local port",
            Self::SignOn => "sign-on",
            Self::Lost => "lost",
            Self::Other => "other",
        })
    }
}
