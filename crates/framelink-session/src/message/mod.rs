//! Messages as the application receives them.

mod borrowed;
mod incoming;

pub use borrowed::MessageRef;
pub use incoming::{Incoming, LateReply};

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use framelink_codec::EndedBy;

use crate::append::append;

/// A received message: its payload, and the rule that ended it.
///
/// A message dereferences to `&[u8]`. A small payload is copied, so that it does not keep the read buffer alive; a
/// large one stays where it was read. Small messages that arrived together may share up to 4 KiB of memory. `Debug` shows only lengths, because payloads may contain card numbers.
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
pub struct Message(Payload);

/// Where the payload is, and the rule that ended the message. The rule is in each variant, because the compiler then
/// finds room beside it for the number of the variant.
#[derive(Clone)]
enum Payload {
    /// Stored inline, because an allocation costs more than the copy. 24 bytes are three registers.
    Short {
        bytes: [u8; Message::SHORT],
        len: u8,
        ended_by: EndedBy,
    },
    /// In memory that several messages share.
    Shared {
        bytes: Arc<[u8]>,
        start: u32,
        len: u32,
        ended_by: EndedBy,
    },
    Bytes {
        bytes: Bytes,
        ended_by: EndedBy,
    },
}

impl Message {
    /// The largest payload that is stored inline. A message is no larger than one with only `Bytes`.
    pub(crate) const SHORT: usize = 24;

    /// Creates a message: in tests, or with changed bytes. Sessions create all other messages.
    #[must_use]
    pub const fn new(payload: Bytes, ended_by: EndedBy) -> Self {
        Self(Payload::Bytes { bytes: payload, ended_by })
    }

    /// Copies a payload.
    pub(crate) fn copied(payload: &[u8], ended_by: EndedBy) -> Self {
        let mut bytes = [0; Self::SHORT];
        if let Some(short) = bytes.get_mut(..payload.len()) {
            short.copy_from_slice(payload);
            return Self::short(bytes, payload.len(), ended_by);
        }
        let mut copy = Vec::with_capacity(payload.len());
        append(&mut copy, payload);
        Self::new(Bytes::from(copy), ended_by)
    }

    /// Creates a message whose payload is the first `len` of these bytes, at most all.
    #[inline]
    pub(crate) fn short(bytes: [u8; Self::SHORT], len: usize, ended_by: EndedBy) -> Self {
        Self(Payload::Short { bytes, len: u8::try_from(len).unwrap_or(u8::MAX), ended_by })
    }

    /// Creates a message whose payload is a part of shared memory, within its first 4 GiB.
    #[inline]
    pub(crate) fn shared(bytes: Arc<[u8]>, start: usize, len: usize, ended_by: EndedBy) -> Self {
        let [start, len] = [start, len].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Self(Payload::Shared { bytes, start, len, ended_by })
    }

    /// Returns the payload. Copies it only if it has at most 24 bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Payload::Short { .. } => Bytes::copy_from_slice(&self),
            Payload::Shared { .. } => Bytes::from_owner(self),
            Payload::Bytes { bytes, .. } => bytes,
        }
    }

    /// Returns the rule that ended the message.
    #[must_use]
    pub const fn ended_by(&self) -> EndedBy {
        match &self.0 {
            Payload::Short { ended_by, .. } | Payload::Shared { ended_by, .. } | Payload::Bytes { ended_by, .. } => {
                *ended_by
            }
        }
    }
}

impl Deref for Message {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Payload::Short { bytes, len, .. } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Payload::Shared { bytes, start, len, .. } => {
                let start = *start as usize;
                bytes.get(start..start + *len as usize).unwrap_or_default()
            }
            Payload::Bytes { bytes, .. } => bytes,
        }
    }
}

impl AsRef<[u8]> for Message {
    #[inline]
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
        self[..] == other[..] && self.ended_by() == other.ended_by()
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("payload_len", &self.len()).field("ended_by", &self.ended_by()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_larger_than_its_bytes() {
        assert_eq!(size_of::<Message>(), size_of::<(Bytes, EndedBy)>());
    }

    #[test]
    fn short_shared_and_long_payloads_read_alike() {
        for len in 0..40 {
            let payload = vec![7; len];
            let long = Message::new(Bytes::from(payload.clone()), EndedBy::Count);
            assert_eq!(long[..], payload);
            let copied = Message::copied(&payload, EndedBy::Count);
            assert_eq!(matches!(copied.0, Payload::Short { .. }), len <= Message::SHORT);
            let shared = Message::shared([&[0], &*payload, &[0]].concat().into(), 1, len, EndedBy::Count);
            for other in [copied, shared] {
                assert_eq!(other, long);
                assert_eq!(other.clone().into_bytes(), long.clone().into_bytes());
                assert_eq!(format!("{other:?}"), format!("{long:?}"));
                assert_ne!(other, Message::new(Bytes::from(payload.clone()), EndedBy::Close));
            }
        }
    }
}
