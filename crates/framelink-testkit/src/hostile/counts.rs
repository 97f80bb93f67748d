//! What a peer did, in numbers.

use crate::stop::watched::Watched;

/// What a peer did, over all of its connections.
///
/// ```
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Counts, Fault, Hostile};
///
/// let peer = Hostile::listen("127.0.0.1:0", OneByte, Fault::Silent)?;
/// assert_eq!(peer.stop(), Counts::default(), "nobody came");
/// # Ok::<(), framelink_testkit::StartError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// Connections, accepted or dialled.
    pub connections: u64,
    /// Those of them with which it is done.
    pub ended: u64,
    /// Whole messages that came, empty ones too.
    pub messages_received: u64,
    /// Whole messages that were handed to the system, empty ones too, and no broken ones.
    pub messages_sent: u64,
    /// Bytes that were read.
    pub bytes_received: u64,
    /// Bytes that were handed to the system.
    pub bytes_sent: u64,
}

/// Counts that can be waited for.
pub(crate) type Tally = Watched<Counts>;
