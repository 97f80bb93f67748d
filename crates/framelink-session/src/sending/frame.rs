//! A message with what goes around it: from where it lies, or in memory of its own.

use std::fmt;
use std::io::IoSlice;
use std::sync::Arc;

use bytes::Bytes;
use framelink_codec::{Encode, Envelope};

use crate::append::append;
use crate::memory::Charge;

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
pub struct OutgoingFrame<'p> {
    pub(super) envelope: Envelope,
    pub(super) payload: &'p [u8],
}

impl OutgoingFrame<'_> {
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
impl fmt::Debug for OutgoingFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingFrame")
            .field("payload_len", &self.payload.len())
            .field("frame_len", &self.frame_len())
            .finish_non_exhaustive()
    }
}

/// A whole frame in memory of its own, to be sent on many connections of one framing: clones share it.
///
/// ```
/// use framelink_profile::Framing;
/// use framelink_session::Packed;
///
/// // 0x00 0x02 | 'h' 'i'
/// let frame = Packed::new(&"net:2".parse::<Framing>()?, b"hi")?;
/// assert_eq!(frame.as_ref(), b"\x00\x02hi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Packed {
    bytes: Bytes,
    /// Whether its direction ends behind it.
    pub(super) ends_stream: bool,
    /// Where its memory is counted.
    _charge: Option<Arc<Charge>>,
}

impl Packed {
    /// Wraps a message.
    ///
    /// # Errors
    /// When the framing cannot say it.
    pub fn new<E: Encode>(framing: &E, payload: &[u8]) -> Result<Self, E::Error> {
        let mut envelope = Envelope::EMPTY;
        framing.wrap(payload, &mut envelope)?;
        let mut bytes = Vec::with_capacity(envelope.frame_len(payload.len()));
        for part in [envelope.head.as_ref(), payload, envelope.suffix.as_ref()] {
            append(&mut bytes, part);
        }
        Ok(Self { bytes: Bytes::from(bytes), ends_stream: envelope.ends_stream, _charge: None })
    }

    /// Its memory is counted there until the last clone is gone.
    pub fn counted_as(self, charge: Option<Charge>) -> Self {
        Self { _charge: charge.map(Arc::new), ..self }
    }

    /// All bytes that it takes on the wire.
    #[must_use]
    pub const fn frame_len(&self) -> usize {
        self.bytes.len()
    }
}

impl AsRef<[u8]> for Packed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Lengths only: card numbers travel in messages.
impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("frame_len", &self.frame_len()).finish_non_exhaustive()
    }
}
