//! The statistics of an upstream.

use super::Reason;

/// What an upstream has done since it was made.
///
/// ```
/// use framelink_transport::upstream::Counts;
///
/// let counts = Counts::default();
/// assert_eq!((counts.dials, counts.failures.total()), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// How many dials were begun, including those in the background.
    pub dials: u64,
    /// Connections that were made, with sign-on.
    pub connected: u64,
    /// Dials that failed.
    pub failures: Failures,
    /// Connections that ended in another way than by our orderly close.
    pub losses: u64,
    /// Losses that happened soon and before the connection was useful. They count as failures of their address.
    pub lost_unused: u64,
    /// Connections that were closed because they were to move to another address.
    pub moves: u64,
    /// How often the hook panicked.
    pub hook_panics: u64,
    /// Losses that the hook was not told, because it was busy and 1024 losses were waiting for it.
    pub hook_missed: u64,
    /// How often the resolver panicked.
    pub resolver_panics: u64,
    /// How often the system had no thread to try lost addresses, to close replaced connections, or to call the hook.
    /// Connections are then closed without waiting. The other work is tried again later.
    pub threads_refused: u64,
}

/// Dials that failed, by reason.
///
/// ```
/// assert_eq!(framelink_transport::upstream::Failures::default().refused, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failures {
    /// [`Reason::Resolve`].
    pub resolve: u64,
    /// [`Reason::Refused`].
    pub refused: u64,
    /// [`Reason::TimedOut`].
    pub timed_out: u64,
    /// [`Reason::NoLocalPort`].
    pub no_local_port: u64,
    /// [`Reason::SignOn`].
    pub sign_on: u64,
    /// Any other reason.
    pub other: u64,
}

impl Failures {
    /// Returns the number of all failures.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.resolve + self.refused + self.timed_out + self.no_local_port + self.sign_on + self.other
    }

    pub(super) const fn add(&mut self, reason: Reason) {
        let count = match reason {
            Reason::Resolve => &mut self.resolve,
            Reason::Refused => &mut self.refused,
            Reason::TimedOut => &mut self.timed_out,
            Reason::NoLocalPort => &mut self.no_local_port,
            Reason::SignOn => &mut self.sign_on,
            Reason::Lost | Reason::Other => &mut self.other,
        };
        *count += 1;
    }
}
