//! One frame for many connections.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use framelink_codec::{Encode, Envelope};

use crate::append::append;
use crate::memory::Charge;

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
    ends_stream: bool,
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

    /// Whether its direction ends behind it.
    pub(super) const fn ends_stream(&self) -> bool {
        self.ends_stream
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
