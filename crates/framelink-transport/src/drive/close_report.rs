//! How a connection was closed.

/// How a connection was closed.
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
    /// The peer closed its side too, so nothing is on its way.
    pub peer_closed: bool,
    /// So many messages came after we had ended our side, and were dropped.
    pub discarded: usize,
}
