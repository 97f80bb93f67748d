//! How a lost connection is replaced, and which of several addresses is dialled.

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
    /// After the first failure the next try comes within this time, after each further one within twice that: anywhere in it, by
    /// chance, so that many who lost the same peer do not come back together.
    pub first: Duration,
    /// The time does not grow beyond this.
    pub cap: Duration,
    /// An address that failed so often in a row is left alone until its time has come, while there are others.
    pub eject_after: u32,
    /// On another address than the one that the policy would choose, that one is tried so often; when it is back, connections move there
    /// one by one, over as long again.
    pub fail_back: Duration,
}

impl Reconnect {
    /// 100 ms: a peer that restarted a process is back.
    pub const FIRST: Duration = Duration::from_millis(100);
    /// 1 min.
    pub const CAP: Duration = Duration::from_secs(60);
    /// 3.
    pub const EJECT_AFTER: u32 = 3;
    /// 30 s.
    pub const FAIL_BACK: Duration = Duration::from_secs(30);
    /// No address can be asked to fail more often before it is left alone: 1000.
    pub const MOST_FAILURES: u32 = 1000;

    /// With this policy; the rest as it is where nothing is said.
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

/// Which of a peer's addresses is dialled. An upstream has to know each policy, so this enum is exhaustive.
///
/// ```
/// assert_eq!(framelink_profile::Policy::default().name(), "primary-backup");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The first that is well, in the order given; back to an earlier one when that is well again.
    #[default]
    PrimaryBackup,
    /// One after the other.
    RoundRobin,
    /// The one with the fewest exchanges under way.
    LeastInFlight,
    /// Whichever it is: one that serves is never left.
    Sticky,
}

impl Policy {
    /// The word for it in a file.
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
