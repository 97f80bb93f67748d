//! Wrapping: from a payload to what goes around it on the wire.

#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;
use core::error::Error;

use crate::Affix;

/// Says what goes around a payload. The payload itself is never copied: a driver gathers head, payload and suffix
/// in one vectored write.
///
/// ```
/// use framelink_codec::{Encode, example::OneByte};
///
/// // 0x05 | the payload, where it lies | nothing
/// let envelope = OneByte.envelope(b"hello").unwrap();
/// assert_eq!((envelope.head.as_ref(), envelope.frame_len(5)), (&[5][..], 6));
/// ```
pub trait Encode {
    /// Why a payload cannot be sent: plain data that says what came and what was allowed.
    type Error: Error + Copy + Eq + Send + Sync + 'static;

    /// Puts the bytes before and after `payload` into `envelope`, whose fields are all set anew.
    ///
    /// It is filled in place because it is asked for every message and moving it would cost more than making it;
    /// [`Encode::envelope`] is the same as a value.
    ///
    /// # Errors
    /// When the peer could not read back what would be written: too long to be announced, over the limit, or holding
    /// its own delimiter.
    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), Self::Error>;

    /// The head, where it is at most eight bytes, the payload can be sent and nothing goes behind it: a shortcut for
    /// [`Encode::wrap`] that stays in registers. `None` says only that `wrap` has to be asked.
    fn short_head(&self, payload_len: usize) -> Option<ShortHead> {
        let _ = payload_len;
        None
    }

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
    /// As [`Encode::wrap`].
    fn envelope(&self, payload: &[u8]) -> Result<Envelope, Self::Error> {
        let mut envelope = Envelope::EMPTY;
        self.wrap(payload, &mut envelope)?;
        Ok(envelope)
    }
}

macro_rules! by_pointer {
    ($pointer:ty) => {
        impl<F: Encode + ?Sized> Encode for $pointer {
            type Error = F::Error;

            #[inline]
            fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), Self::Error> {
                (**self).wrap(payload, envelope)
            }

            #[inline]
            fn short_head(&self, payload_len: usize) -> Option<ShortHead> {
                (**self).short_head(payload_len)
            }
        }
    };
}
by_pointer!(&F);
#[cfg(target_has_atomic = "ptr")]
by_pointer!(Arc<F>);

/// A head of at most eight bytes, as [`Encode::short_head`] gives it.
///
/// ```
/// use framelink_codec::ShortHead;
///
/// // 0x00 0x05, and six bytes that do not count
/// let head = ShortHead { bytes: [0x00, 0x05, 0, 0, 0, 0, 0, 0], len: 2 };
/// assert_eq!(head.bytes[..usize::from(head.len)], [0x00, 0x05]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortHead {
    /// The head and, behind it, anything.
    pub bytes: [u8; 8],
    /// How many of them are the head, at most 8.
    pub len: u8,
}

/// What goes around one payload.
///
/// ```text
///   head (at most 64 bytes) | payload, where it lies | suffix (at most 64 bytes)
/// ```
///
/// ```
/// use framelink_codec::Envelope;
///
/// // 0x02 | payload | 0x03
/// let mut envelope = Envelope::EMPTY;
/// envelope.set(&[0x02], &[0x03]).unwrap();
/// assert_eq!(envelope.frame_len(5), 7);
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
    /// Nothing around the payload.
    pub const EMPTY: Self = Self { head: Affix::EMPTY, suffix: Affix::EMPTY, ends_stream: false };

    /// Sets what goes around the payload of a message that does not end with the direction.
    #[inline]
    pub fn set(&mut self, head: &[u8], suffix: &[u8]) -> Option<()> {
        self.ends_stream = false;
        self.head.set(head)?;
        self.suffix.set(suffix)
    }

    /// All bytes that the message takes on the wire.
    #[inline]
    #[must_use]
    pub const fn frame_len(&self, payload_len: usize) -> usize {
        self.head.len() + payload_len + self.suffix.len()
    }
}
