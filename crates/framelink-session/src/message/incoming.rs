//! Messages that a connection with calls in flight receives besides replies in time.

use std::time::Duration;

use crate::calls::{CallId, Key, Late};
use crate::message::Message;

/// A received message that is not the reply to a waiting call.
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
    /// An unsolicited message, which the peer sent on its own.
    Message(Message),
    /// The reply to a call that was given up.
    Late(LateReply),
}

/// The reply to a call that had timed out or was cancelled.
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
    /// Creates a late reply from a message and its details.
    #[must_use]
    pub const fn new(message: Message, late: Late) -> Self {
        Self { message, late }
    }

    /// Returns the reply.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// Returns the reply by value.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.message
    }

    /// Returns the key of the request, or `None` if replies come in order.
    #[must_use]
    pub const fn key(&self) -> Option<&Key> {
        self.late.key.as_ref()
    }

    /// Returns the number of the call.
    #[must_use]
    pub const fn call(&self) -> CallId {
        self.late.call
    }

    /// Returns the time from the request to this reply.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.late.delay
    }
}
