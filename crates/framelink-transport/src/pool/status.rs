//! What a pool holds and has done, and how it was closed.

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
    /// Connections that wait to be lent.
    pub idle: u32,
    /// Connections that are lent.
    pub lent: u32,
    /// Connections that are being opened.
    pub opening: u32,
    /// Connections that are being closed in good order, and are open still.
    pub closing: u32,
    /// Borrowers that wait.
    pub waiting: usize,
    /// So many were opened.
    pub opened: u64,
    /// So many could not be opened.
    pub not_opened: u64,
    /// So often one was lent.
    pub lendings: u64,
    /// So many borrowers had none.
    pub refused: u64,
    /// Why the last one could not be opened, where none was since.
    pub last_failure: Option<Arc<ConnectError>>,
    pub(super) closed: [u64; CloseReason::ALL.len()],
}

impl PoolStatus {
    /// So many were closed for this reason.
    #[must_use]
    pub const fn closed(&self, reason: CloseReason) -> u64 {
        self.closed[reason as usize]
    }

    /// So many were closed, for each reason that occurred.
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
    /// So many connections were lent when it began to close, and came back in time.
    pub finished: u64,
    /// So many were still lent when the time was over.
    pub cut: u64,
}

/// Nothing is known of what became of the exchanges.
#[cfg(feature = "blocking")]
impl crate::driver::Suspended for PoolReport {
    fn suspended() -> Self {
        Self::default()
    }
}
