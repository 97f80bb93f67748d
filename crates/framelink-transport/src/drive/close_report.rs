//! The report of an orderly close.

/// The result of an orderly close.
///
/// ```no_run
/// # #[cfg(feature = "blocking")]
/// # fn example(connection: framelink_transport::blocking::Connection) -> Result<(), Box<dyn std::error::Error>> {
/// let report = connection.close(std::time::Duration::from_secs(1))?;
/// if !report.peer_closed {
///     println!("the peer may not have seen everything");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// Whether the peer closed its side too. Then nothing is on its way.
    pub peer_closed: bool,
    /// How many messages arrived after this side had begun to close. They were discarded.
    pub discarded: usize,
}
