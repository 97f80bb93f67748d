//! Messages that are borrowed from the read buffer.

use std::fmt;
use std::ops::Deref;

use framelink_codec::EndedBy;

use crate::message::Message;

/// A received message that is borrowed from the read buffer: its payload, and the rule that ended it.
///
/// It dereferences to `&[u8]`. `Debug` shows only lengths, because payloads may contain card numbers.
///
/// ```
/// use framelink_codec::EndedBy;
/// use framelink_session::MessageRef;
///
/// let message = MessageRef::new(b"hello", EndedBy::Count);
/// assert_eq!((&message[..], message.ended_by()), (&b"hello"[..], EndedBy::Count));
/// assert_eq!(format!("{message:?}"), "MessageRef { payload_len: 5, ended_by: Count }");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MessageRef<'r> {
    payload: &'r [u8],
    ended_by: EndedBy,
}

impl<'r> MessageRef<'r> {
    /// Creates a message for tests of code that handles messages. Sessions create all other messages.
    #[inline]
    #[must_use]
    pub const fn new(payload: &'r [u8], ended_by: EndedBy) -> Self {
        Self { payload, ended_by }
    }

    /// Returns the payload, which lives as long as the read buffer is borrowed.
    #[inline]
    #[must_use]
    pub const fn payload(self) -> &'r [u8] {
        self.payload
    }

    /// Returns the rule that ended the message.
    #[inline]
    #[must_use]
    pub const fn ended_by(self) -> EndedBy {
        self.ended_by
    }

    /// Copies the message out of the read buffer.
    #[must_use]
    pub fn to_message(self) -> Message {
        Message::copied(self.payload, self.ended_by)
    }
}

impl Deref for MessageRef<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.payload
    }
}

impl AsRef<[u8]> for MessageRef<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.payload
    }
}

impl fmt::Debug for MessageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageRef").field("payload_len", &self.len()).field("ended_by", &self.ended_by).finish()
    }
}
