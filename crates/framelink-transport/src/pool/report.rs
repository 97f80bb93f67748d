//! How a pool was closed.

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
