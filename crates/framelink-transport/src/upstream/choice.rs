//! What is to be done next.

use std::time::Duration;

/// Whoever wants a connection dials each address once at most.
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

/// What to do for a connection.
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
    /// Dial this one.
    Dial {
        /// Which.
        address: usize,
        /// So many can be tried, this one among them: it has its share of the time.
        left: u32,
    },
    /// None can be dialled before then.
    Wait {
        /// When one can be.
        until: Duration,
    },
    /// Each was tried.
    Exhausted,
}

/// What to do in the background.
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
    /// Dial this one, and say what came of it.
    Dial {
        /// Which.
        address: usize,
    },
    /// Ask again then.
    Wait {
        /// When.
        until: Duration,
    },
    /// All is as it should be, or there is no connection: whoever wants one dials.
    Nothing,
}

impl Attempt {
    /// Nothing was tried yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { tried: Vec::new() }
    }

    /// So many addresses were dialled.
    #[must_use]
    pub const fn dials(&self) -> usize {
        self.tried.len()
    }
}
