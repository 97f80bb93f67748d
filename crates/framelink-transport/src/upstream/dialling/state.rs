//! How things stand with a peer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::ConnectError;

/// How things stand with a peer, over all its addresses.
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
    /// There are connections, where the policy would have them.
    Up,
    /// There are connections, but on another address than the policy would choose, or some addresses are down.
    Degraded {
        /// The addresses that are down.
        down: Arc<[Arc<str>]>,
    },
    /// The last connections are being closed by us, in good order.
    Draining,
    /// There is no connection.
    Down {
        /// Why not.
        why: Failure,
        /// The next try is due so long after that; until then nobody dials.
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

/// What kind of failure it was.
///
/// ```
/// assert_eq!(framelink_transport::upstream::Reason::SignOn.to_string(), "sign-on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its name has no address, or could not be looked up in time.
    Resolve,
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// No local port is free.
    NoLocalPort,
    /// It let us connect, but not sign on.
    SignOn,
    /// A connection that was there has ended.
    Lost,
    /// Something else.
    Other,
}

/// A connection that was lost, as a hook is told.
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

    /// Where, as it was given.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What kind it was.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What happened, for people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Loss {
    /// Where, as it was given.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.address()
    }

    /// Why, for people.
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
