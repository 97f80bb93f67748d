//! What to dial next.

use std::time::Duration;

/// One attempt to get a connection. It dials each address at most once.
///
/// ```
/// use framelink_transport::upstream::Attempt;
///
/// assert_eq!(Attempt::new().dials(), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    pub(super) tried: Vec<usize>,
}

/// What to do to get a connection.
///
/// ```
/// use std::time::Duration;
/// use framelink_transport::profile::Reconnect;
/// use framelink_transport::upstream::{Addresses, Attempt, Choice};
///
/// let mut addresses = Addresses::new(Reconnect::default(), 1, 7);
/// let mut attempt = Attempt::new();
/// assert_eq!(addresses.choose(&mut attempt, Duration::ZERO), Choice::Dial { address: 0, left: 1 });
/// addresses.on_failed(0, Duration::ZERO, Duration::ZERO);
/// assert_eq!(addresses.choose(&mut attempt, Duration::ZERO), Choice::Exhausted, "it was tried");
/// // The next one waits: 100 ms at most after the first failure.
/// let Choice::Wait { until } = addresses.choose(&mut Attempt::new(), Duration::ZERO) else { panic!() };
/// assert!(until <= Reconnect::FIRST);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Choice {
    /// Dial this address.
    Dial {
        /// The index of the address.
        address: usize,
        /// How many addresses can be tried, with this one. It gets its share of the time.
        left: u32,
    },
    /// No address can be dialled before this time.
    Wait {
        /// When an address can be dialled.
        until: Duration,
    },
    /// All addresses were tried.
    Exhausted,
}

/// What to dial in the background.
///
/// ```
/// use std::time::Duration;
/// use framelink_transport::profile::Reconnect;
/// use framelink_transport::upstream::{Addresses, Probe};
///
/// let mut addresses = Addresses::new(Reconnect::default(), 2, 7);
/// assert_eq!(addresses.probe(Duration::ZERO), Probe::Nothing);
/// addresses.on_failed(0, Duration::ZERO, Duration::ZERO);
/// addresses.on_connected(1, Duration::ZERO);
/// assert!(matches!(addresses.probe(Duration::ZERO), Probe::Wait { .. }));
/// assert_eq!(addresses.probe(Reconnect::FAIL_BACK), Probe::Dial { address: 0 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Probe {
    /// Dial this address and report the result.
    Dial {
        /// The index of the address.
        address: usize,
    },
    /// Ask again at this time.
    Wait {
        /// When to ask again.
        until: Duration,
    },
    /// There is nothing to try: all is as the policy wants it, or there is no connection and the next attempt dials.
    Nothing,
}

impl Attempt {
    /// Begins an attempt.
    #[must_use]
    pub const fn new() -> Self {
        Self { tried: Vec::new() }
    }

    /// Returns how many addresses were dialled.
    #[must_use]
    pub const fn dials(&self) -> usize {
        self.tried.len()
    }
}
