//! Reconnecting, and the choice between several addresses.

use std::time::Duration;

/// How a lost connection is replaced, and which of a peer's addresses is dialled.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::{Framing, Policy, Profile, Reconnect};
///
/// let mut reconnect = Reconnect::new(Policy::RoundRobin);
/// reconnect.cap = Duration::from_secs(10);
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?).reconnect(reconnect).build()?;
/// assert_eq!(profile.reconnect().first, Duration::from_millis(100));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reconnect {
    /// Which address is dialled.
    pub policy: Policy,
    /// The longest delay after the first failure. The longest delay doubles with each further failure. The delay is
    /// random, so that many clients that lost one peer do not reconnect together.
    pub first: Duration,
    /// The largest value of the longest delay.
    pub cap: Duration,
    /// After this many failures in a row, an address is not dialled until its delay is over, if there are others.
    pub eject_after: u32,
    /// If another address than the preferred one is in use, the preferred one is tried this often. When it is back,
    /// connections move to it one by one, over the same time.
    pub fail_back: Duration,
}

impl Reconnect {
    /// The default of `first`: 100 ms, enough for a process to restart.
    pub const FIRST: Duration = Duration::from_millis(100);
    /// The default of `cap`: 1 min.
    pub const CAP: Duration = Duration::from_secs(60);
    /// The default of `eject_after`: 3.
    pub const EJECT_AFTER: u32 = 3;
    /// The default of `fail_back`: 30 s.
    pub const FAIL_BACK: Duration = Duration::from_secs(30);
    /// The largest value of `eject_after`: 1000.
    pub const MOST_FAILURES: u32 = 1000;

    /// Uses this policy, with defaults for the rest.
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self { policy, first: Self::FIRST, cap: Self::CAP, eject_after: Self::EJECT_AFTER, fail_back: Self::FAIL_BACK }
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::new(Policy::default())
    }
}

/// Which of a peer's addresses is dialled. The enum is exhaustive, because an upstream handles each policy.
///
/// ```
/// assert_eq!(framelink_profile::Policy::default().name(), "primary-backup");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The first healthy address in the order given. Returns to an earlier address when it is healthy again.
    #[default]
    PrimaryBackup,
    /// One address after the other.
    RoundRobin,
    /// The address with the fewest exchanges in progress.
    LeastInFlight,
    /// Any address. It is kept while it works.
    Sticky,
}

impl Policy {
    /// Returns the word for this value in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PrimaryBackup => "primary-backup",
            Self::RoundRobin => "round-robin",
            Self::LeastInFlight => "least-in-flight",
            Self::Sticky => "sticky",
        }
    }
}
