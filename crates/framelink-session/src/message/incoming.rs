//! What the receiver of a connection with calls in flight is given: all that is no reply in time.

use std::time::Duration;

use crate::calls::{CallId, Key, Late};
use crate::message::Message;

/// What came and answers no call that is waited for.
///
/// ```
/// use framelink_session::Incoming;
///
/// fn show(incoming: &Incoming) -> String {
///     match incoming {
///         Incoming::Message(message) => format!("an unsolicited message of {} bytes", message.len()),
///         Incoming::Late(late) => format!("a reply that came {:?} after its request", late.delay()),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Nobody asked for it: the peer sends by itself.
    Message(Message),
    /// The reply to a call that was given up.
    Late(LateReply),
}

/// The reply to a call whose time was over, or that was cancelled.
///
/// ```
/// use framelink_session::LateReply;
///
/// fn show(late: &LateReply) -> String {
///     let key = late.key().map_or(0, |key| key.len());
///     format!("{} bytes, {:?} after its request, whose key has {key} bytes", late.message().len(), late.delay())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateReply {
    message: Message,
    late: Late,
}

impl LateReply {
    /// A reply, and what makes it late.
    #[must_use]
    pub const fn new(message: Message, late: Late) -> Self {
        Self { message, late }
    }

    /// The reply.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// The same, to keep.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.message
    }

    /// The key of its request; `None` where replies come in order.
    #[must_use]
    pub const fn key(&self) -> Option<&Key> {
        self.late.key.as_ref()
    }

    /// Which call it was.
    #[must_use]
    pub const fn call(&self) -> CallId {
        self.late.call
    }

    /// How long after its request it came.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.late.delay
    }
}
