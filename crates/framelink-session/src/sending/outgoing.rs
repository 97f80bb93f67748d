//! A message on its way out.

use std::fmt;
use std::io::IoSlice;

use framelink_codec::Envelope;

/// A message and what goes around it, to be written in one piece from where they lie.
///
/// ```
/// use framelink_profile::Framing;
/// use framelink_session::Sending;
///
/// let sending = Sending::new("net:2,suffix=03".parse::<Framing>()?);
/// let outgoing = sending.outgoing(b"hi")?;
/// // 0x00 0x03 | 'h' 'i' | 0x03
/// assert_eq!(outgoing.parts(), [&[0x00, 0x03][..], b"hi", &[0x03]]);
/// assert_eq!(outgoing.frame_len(), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Outgoing<'p> {
    pub(super) envelope: Envelope,
    pub(super) payload: &'p [u8],
}

impl Outgoing<'_> {
    /// Head, payload and suffix.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 3] {
        [self.envelope.head.as_ref(), self.payload, self.envelope.suffix.as_ref()]
    }

    /// The same, for a vectored write.
    #[must_use]
    pub fn slices(&self) -> [IoSlice<'_>; 3] {
        self.parts().map(IoSlice::new)
    }

    /// All bytes that it takes on the wire.
    #[must_use]
    pub const fn frame_len(&self) -> usize {
        self.envelope.frame_len(self.payload.len())
    }
}

/// Lengths only: card numbers travel in payloads.
impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("payload_len", &self.payload.len())
            .field("frame_len", &self.frame_len())
            .finish_non_exhaustive()
    }
}
