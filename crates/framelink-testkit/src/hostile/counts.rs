//! Counts of what a peer did.

use crate::stop::watched::Watched;

/// Counts of what a peer did, over all of its connections.
///
/// ```
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Counts, Fault, Hostile};
///
/// let peer = Hostile::listen("127.0.0.1:0", OneByte, Fault::Silent)?;
/// assert_eq!(peer.stop(), Counts::default(), "no client connected");
/// # Ok::<(), framelink_testkit::StartError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// Connections, accepted or dialled.
    pub connections: u64,
    /// Connections that have ended.
    pub ended: u64,
    /// Whole messages that were received, with empty ones.
    pub messages_received: u64,
    /// Whole messages that the system took, with empty ones and without broken ones.
    pub messages_sent: u64,
    /// Bytes that were received.
    pub bytes_received: u64,
    /// Bytes that the system took.
    pub bytes_sent: u64,
}

/// Counts that a thread can wait for.
pub(crate) type Tally = Watched<Counts>;
