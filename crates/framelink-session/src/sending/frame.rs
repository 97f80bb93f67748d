//! Frames to send: borrowed, or in their own memory.

use std::fmt;
use std::io::IoSlice;
use std::sync::Arc;

use bytes::Bytes;
use framelink_codec::{Encode, Envelope};

use crate::append::append;
use crate::memory::Charge;

/// A borrowed message with its head and suffix, to be written in one vectored write.
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
    /// Returns head, payload and suffix.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 3] {
        [self.envelope.head.as_ref(), self.payload, self.envelope.suffix.as_ref()]
    }

    /// Returns head, payload and suffix for a vectored write.
    #[must_use]
    pub fn slices(&self) -> [IoSlice<'_>; 3] {
        self.parts().map(IoSlice::new)
    }

    /// Returns the length of the frame on the wire.
    #[must_use]
    pub const fn frame_len(&self) -> usize {
        self.envelope.frame_len(self.payload.len())
    }

    /// Returns whether no message may follow, because the close ends this one.
    #[must_use]
    pub const fn ends_stream(&self) -> bool {
        self.envelope.ends_stream
    }
}

/// Shows lengths only, because payloads may contain card numbers.
impl fmt::Debug for OutgoingFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingFrame")
            .field("payload_len", &self.payload.len())
            .field("frame_len", &self.frame_len())
            .finish_non_exhaustive()
    }
}

/// A whole frame in its own memory, to send on many connections of one framing. Clones share the memory.
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
    /// Whether the sending direction ends after this frame.
    pub(super) ends_stream: bool,
    /// Counts the memory of the frame.
    _charge: Option<Arc<Charge>>,
}

impl Packed {
    /// Wraps a message.
    ///
    /// # Errors
    /// Returns an error if the framing cannot encode the message.
    pub fn new<E: Encode>(framing: &E, payload: &[u8]) -> Result<Self, E::Error> {
        let mut envelope = Envelope::EMPTY;
        framing.wrap(payload, &mut envelope)?;
        let mut bytes = Vec::with_capacity(envelope.frame_len(payload.len()));
        for part in [envelope.head.as_ref(), payload, envelope.suffix.as_ref()] {
            append(&mut bytes, part);
        }
        Ok(Self { bytes: Bytes::from(bytes), ends_stream: envelope.ends_stream, _charge: None })
    }

    /// Counts the memory of the frame until the last clone is dropped.
    pub fn counted_as(self, charge: Option<Charge>) -> Self {
        Self { _charge: charge.map(Arc::new), ..self }
    }

    /// Returns the length of the frame on the wire.
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

/// Shows lengths only, because payloads may contain card numbers.
impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("frame_len", &self.frame_len()).finish_non_exhaustive()
    }
}
