//! What the application receives.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use framelink_codec::EndedBy;

/// A message that came: its payload, and the rule that ended it.
///
/// It reads as `&[u8]`. A small one has memory of its own and holds no read buffer back; a large one is the memory it was
/// read into. Its `Debug` shows lengths only, for card numbers travel in payloads.
///
/// ```
/// use std::time::Duration;
/// use framelink_transport::{EndedBy, Framing, session::{Receiving, Received}};
///
/// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
/// receiving.on_bytes(b"\x00\x05hello", Duration::ZERO);
/// let Received::Message(message) = receiving.poll()? else { panic!() };
/// assert_eq!((&message[..], message.ended_by()), (&b"hello"[..], EndedBy::Count));
/// assert_eq!(format!("{message:?}"), "Message { payload_len: 5, ended_by: Count }");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    payload: Bytes,
    ended_by: EndedBy,
}

impl Message {
    pub(crate) const fn new(payload: Bytes, ended_by: EndedBy) -> Self {
        Self { payload, ended_by }
    }

    /// The payload, without copying it.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.payload
    }

    /// The rule that ended it.
    #[must_use]
    pub const fn ended_by(&self) -> EndedBy {
        self.ended_by
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.payload
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}

impl From<Message> for Bytes {
    fn from(message: Message) -> Self {
        message.payload
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("payload_len", &self.payload.len()).field("ended_by", &self.ended_by).finish()
    }
}
