//! What the receiver of a connection with calls in flight is given: all that is no reply in time.

use std::time::Duration;

use crate::Message;
use crate::session::{CallId, Key, Late};

/// What came and answers no call that is waited for.
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example(mut receiver: framelink_transport::tokio::Receiver) -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::Incoming;
///
/// while let Some(incoming) = receiver.recv().await? {
///     match incoming {
///         Incoming::Message(message) => println!("news of {} bytes", message.len()),
///         Incoming::Late(late) => println!("a reply came {:?} after its request", late.delay()),
///     }
/// }
/// # Ok(())
/// # }
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
/// ```no_run
/// # fn example(late: framelink_transport::LateReply) {
/// println!("{} bytes, {:?} after its request", late.message().len(), late.delay());
/// if let Some(key) = late.key() {
///     println!("the key of the request has {} bytes", key.len());
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateReply {
    message: Message,
    late: Late,
}

impl LateReply {
    #[cfg(feature = "socket")]
    pub(crate) const fn new(message: Message, late: Late) -> Self {
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
