//! Encoding: the bytes before and after a payload.

#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::error::Error;

use crate::Affix;

/// Makes the bytes before and after a payload. The payload is never copied: a driver sends head, payload and suffix
/// with one vectored write.
///
/// ```
/// use framelink_codec::{Encode, example::OneByte};
///
/// // 0x05 | the payload, where it lies | nothing
/// let envelope = OneByte.envelope(b"hello").unwrap();
/// assert_eq!((envelope.head.as_ref(), envelope.frame_len(5)), (&[5][..], 6));
/// ```
pub trait Encode {
    /// Why a payload cannot be sent: plain data with what was given and what is allowed.
    type Error: Error + Copy + Eq + Send + Sync + 'static;

    /// Puts the bytes before and after `payload` into `envelope`. Sets all fields.
    ///
    /// The envelope is filled in place, because moving it would cost more than making it. [`Encode::envelope`]
    /// returns it as a value.
    ///
    /// # Errors
    /// If the peer could not decode the frame: the payload is too long for the header, over the limit, or contains its
    /// own delimiter.
    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), Self::Error>;

    /// Returns the head if it has at most eight bytes, the payload can be sent, and there is no suffix: a shortcut for
    /// [`Encode::wrap`] that stays in registers. `None` only means that `wrap` has to be called.
    fn short_head(&self, payload_len: usize) -> Option<ShortHead> {
        let _ = payload_len;
        None
    }

    /// Appends the whole frame to `out`. On an error `out` is unchanged.
    ///
    /// ```
    /// use framelink_codec::{Encode, example::OneByte};
    ///
    /// // 0x05 'h' 'e' 'l' 'l' 'o' | 0x00
    /// let mut out = Vec::new();
    /// OneByte.append_frame(b"hello", &mut out).unwrap();
    /// OneByte.append_frame(b"", &mut out).unwrap();
    /// assert_eq!(out, b"\x05hello\x00");
    /// ```
    ///
    /// # Errors
    /// As for [`Encode::wrap`].
    #[inline(always)] // the call takes as long as a short frame
    fn append_frame(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Self::Error> {
        let Some(head) = self.short_head(payload.len()) else {
            return append_enveloped(self, payload, out);
        };
        // Appends eight bytes and truncates to the head: a move instead of a call.
        let head_end = out.len() + usize::from(head.len);
        out.reserve(payload.len() + head.bytes.len());
        out.extend_from_slice(&head.bytes);
        out.truncate(head_end);
        out.extend_from_slice(payload);
        Ok(())
    }

    /// Returns the bytes before and after `payload`.
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
    /// As for [`Encode::wrap`].
    fn envelope(&self, payload: &[u8]) -> Result<Envelope, Self::Error> {
        let mut envelope = Envelope::EMPTY;
        self.wrap(payload, &mut envelope)?;
        Ok(envelope)
    }
}

fn append_enveloped<F: Encode + ?Sized>(framing: &F, payload: &[u8], out: &mut Vec<u8>) -> Result<(), F::Error> {
    let envelope = framing.envelope(payload)?;
    out.reserve(envelope.frame_len(payload.len()));
    out.extend_from_slice(envelope.head.as_ref());
    out.extend_from_slice(payload);
    out.extend_from_slice(envelope.suffix.as_ref());
    Ok(())
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

/// A head of at most eight bytes, from [`Encode::short_head`].
///
/// ```
/// use framelink_codec::ShortHead;
///
/// // 0x00 0x05, and six unused bytes
/// let head = ShortHead { bytes: [0x00, 0x05, 0, 0, 0, 0, 0, 0], len: 2 };
/// assert_eq!(head.bytes[..usize::from(head.len)], [0x00, 0x05]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortHead {
    /// The head, then unused bytes.
    pub bytes: [u8; 8],
    /// The length of the head, at most 8.
    pub len: u8,
}

/// The bytes around one payload.
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
    /// The bytes before the payload.
    pub head: Affix,
    /// The bytes after the payload.
    pub suffix: Affix,
    /// The close ends the message: after it the sender shuts down writing and sends no other message.
    pub ends_stream: bool,
}

impl Envelope {
    /// No bytes around the payload.
    pub const EMPTY: Self = Self { head: Affix::EMPTY, suffix: Affix::EMPTY, ends_stream: false };

    /// Sets the bytes around the payload of a message that the close does not end.
    #[inline]
    pub fn set(&mut self, head: &[u8], suffix: &[u8]) -> Option<()> {
        self.ends_stream = false;
        self.head.set(head)?;
        self.suffix.set(suffix)
    }

    /// Returns the length of the whole frame.
    #[inline]
    #[must_use]
    pub const fn frame_len(&self, payload_len: usize) -> usize {
        self.head.len() + payload_len + self.suffix.len()
    }
}
