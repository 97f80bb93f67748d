//! Messages as the application receives them.

mod borrowed;
mod incoming;

pub use borrowed::MessageRef;
pub use incoming::{Incoming, LateReply};

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use framelink_codec::EndedBy;

/// A received message: its payload, and the rule that ended it.
///
/// A message dereferences to `&[u8]`. A small payload is copied, so that it does not keep the read buffer alive; a
/// large one stays where it was read. `Debug` shows only lengths, because payloads may contain card numbers.
///
/// ```
/// use std::time::Duration;
/// use framelink_codec::EndedBy;
/// use framelink_profile::Framing;
/// use framelink_session::{Receiving, Received};
///
/// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
/// receiving.on_bytes(b"\x00\x05hello", Duration::ZERO);
/// let Received::Message(message) = receiving.poll()? else { panic!() };
/// assert_eq!((&message[..], message.ended_by()), (&b"hello"[..], EndedBy::Count));
/// assert_eq!(format!("{message:?}"), "Message { payload_len: 5, ended_by: Count }");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Message {
    payload: Payload,
    ended_by: EndedBy,
}

#[derive(Clone)]
enum Payload {
    /// Stored inline with its length, because an allocation costs more than the copy.
    Short(u8, [u8; Message::SHORT]),
    Bytes(Bytes),
}

impl Message {
    /// The largest payload that is stored inline. A message is no larger than one with only `Bytes`.
    pub(crate) const SHORT: usize = 23;

    /// Creates a message: in tests, or with changed bytes. Sessions create all other messages.
    #[must_use]
    pub const fn new(payload: Bytes, ended_by: EndedBy) -> Self {
        Self { payload: Payload::Bytes(payload), ended_by }
    }

    /// Copies a short payload. Returns `None` if it is not short.
    #[inline]
    pub(crate) fn short(payload: &[u8], ended_by: EndedBy) -> Option<Self> {
        let mut bytes = [0; Self::SHORT];
        bytes.get_mut(..payload.len())?.copy_from_slice(payload);
        Some(Self { payload: Payload::Short(u8::try_from(payload.len()).ok()?, bytes), ended_by })
    }

    /// Returns the payload. Copies it only if it is shorter than 24 bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.payload {
            Payload::Short(..) => Bytes::copy_from_slice(&self),
            Payload::Bytes(bytes) => bytes,
        }
    }

    /// Returns the rule that ended the message.
    #[must_use]
    pub const fn ended_by(&self) -> EndedBy {
        self.ended_by
    }
}

impl Deref for Message {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.payload {
            Payload::Short(len, bytes) => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Payload::Bytes(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        message.into_bytes()
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..] && self.ended_by == other.ended_by
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("payload_len", &self.len()).field("ended_by", &self.ended_by).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_larger_than_its_bytes() {
        assert_eq!(size_of::<Payload>(), size_of::<Bytes>());
    }

    #[test]
    fn short_and_long_payloads_read_alike() {
        for len in 0..40 {
            let payload = vec![7; len];
            let long = Message::new(Bytes::from(payload.clone()), EndedBy::Count);
            assert_eq!(long[..], payload);
            let short = Message::short(&payload, EndedBy::Count);
            assert_eq!(short.is_some(), len <= Message::SHORT);
            let Some(short) = short else { continue };
            assert_eq!(short, long);
            assert_eq!(short.clone().into_bytes(), long.clone().into_bytes());
            assert_eq!(format!("{short:?}"), format!("{long:?}"));
            assert_ne!(short, Message::new(Bytes::from(payload), EndedBy::Close));
        }
    }
}
