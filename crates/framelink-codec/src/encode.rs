//! Wrapping: from a payload to what goes around it on the wire.

use core::error::Error;

use crate::Affix;

/// Says what goes around a payload. The payload itself is never copied: a driver gathers head, payload and suffix
/// in one vectored write.
pub trait Encode {
    /// Why a payload cannot be sent: plain data that says what came and what was allowed.
    type Error: Error + Copy + Eq + Send + Sync + 'static;

    /// The bytes before and after `payload`.
    ///
    /// ```
    /// use framelink_codec::{Encode, example::OneByte};
    ///
    /// let envelope = OneByte.envelope(b"hello").unwrap();
    /// assert_eq!((envelope.head.as_ref(), envelope.suffix.as_ref()), (&[5][..], &[][..]));
    /// assert_eq!(OneByte.envelope(&[0; 256]).unwrap_err().to_string(), "payload of 256 bytes, at most 255 can be sent");
    /// ```
    ///
    /// # Errors
    /// When the peer could not read back what would be written: too long to be announced, over the limit, or holding
    /// its own delimiter.
    fn envelope(&self, payload: &[u8]) -> Result<Envelope, Self::Error>;
}

impl<F: Encode + ?Sized> Encode for &F {
    type Error = F::Error;

    #[inline]
    fn envelope(&self, payload: &[u8]) -> Result<Envelope, Self::Error> {
        (**self).envelope(payload)
    }
}

/// What goes around one payload.
///
/// ```text
///   head (at most 64 bytes) | payload, where it lies | suffix (at most 64 bytes)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Goes before the payload.
    pub head: Affix,
    /// Goes after it.
    pub suffix: Affix,
    /// The message ends with the direction: when it is out, the sender shuts down writing and sends no other.
    pub ends_stream: bool,
}

impl Envelope {
    /// All bytes that the message takes on the wire.
    #[inline]
    #[must_use]
    pub const fn frame_len(&self, payload_len: usize) -> usize {
        self.head.len() + payload_len + self.suffix.len()
    }
}
