//! What was done.

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
    /// Addresses dialled, in the background too.
    pub dials: u64,
    /// Connections made, and signed on.
    pub connected: u64,
    /// Dials that failed.
    pub failures: Failures,
    /// Connections that have ended otherwise than by us, in good order.
    pub losses: u64,
    /// Of these, those that ended soon and before any exchange was of use: they count as failures of their address.
    pub lost_unused: u64,
    /// Connections that were closed because they were wanted at another address.
    pub moves: u64,
    /// The hook panicked so often.
    pub hook_panics: u64,
    /// Losses that the hook was not told, for it was still busy with so many others.
    pub hook_missed: u64,
    /// The resolver panicked so often.
    pub resolver_panics: u64,
    /// How often the system had no thread for work in the background: trying lost addresses again, closing connections that were replaced,
    /// and calling the hook. Connections are then closed without waiting; for the rest a thread is tried again.
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
    /// Any other.
    pub other: u64,
}

impl Failures {
    /// All of them.
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
