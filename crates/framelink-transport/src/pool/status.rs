//! The statistics of a pool, and the report of its close.

use std::sync::Arc;

use super::CloseReason;
use crate::error::ConnectError;

/// What a pool holds at this moment, and what it has done since it was made.
///
/// ```no_run
/// # #[cfg(feature = "blocking")]
/// # fn example(pool: &framelink_transport::blocking::Pool) {
/// use framelink_transport::CloseReason;
///
/// let status = pool.status();
/// println!("{} lent, {} idle, {} wait", status.lent, status.idle, status.waiting);
/// if status.closed(CloseReason::ByPeer) > 100 {
///     println!("the peer closes idle connections: shorten connection.idle, or send heartbeats");
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Connections that are idle and can be used.
    pub idle: u32,
    /// Connections in use.
    pub lent: u32,
    /// Connections that are being opened.
    pub opening: u32,
    /// Connections that are being closed in good order and are still open.
    pub closing: u32,
    /// Callers that wait for a connection.
    pub waiting: usize,
    /// How many connections were opened.
    pub opened: u64,
    /// How many connections could not be opened.
    pub not_opened: u64,
    /// How often a caller got a connection.
    pub lendings: u64,
    /// How many callers got no connection.
    pub refused: u64,
    /// Why the last connection could not be opened. `None` if a connection was opened since.
    pub last_failure: Option<Arc<ConnectError>>,
    pub(super) closed: [u64; CloseReason::ALL.len()],
}

impl PoolStatus {
    /// Returns how many connections were closed for this reason.
    #[must_use]
    pub const fn closed(&self, reason: CloseReason) -> u64 {
        self.closed[reason as usize]
    }

    /// Returns each reason that occurred, with how many connections were closed for it.
    pub fn all_closed(&self) -> impl Iterator<Item = (CloseReason, u64)> + '_ {
        CloseReason::ALL.iter().map(|&reason| (reason, self.closed(reason))).filter(|(_, count)| *count > 0)
    }
}

/// What became of the exchanges that were under way when a pool was closed.
///
/// ```no_run
/// # #[cfg(feature = "blocking")]
/// # fn example(pool: &framelink_transport::blocking::Pool) {
/// let report = pool.close(std::time::Duration::from_secs(5));
/// println!("{} finished, {} cut", report.finished, report.cut);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolReport {
    /// How many connections were in use when the close began, and were released in time.
    pub finished: u64,
    /// How many connections were still in use when the time was over.
    pub cut: u64,
}

/// An interrupted close does not know what became of the exchanges.
impl crate::driver::Suspended for PoolReport {
    fn suspended() -> Self {
        Self::default()
    }
}
