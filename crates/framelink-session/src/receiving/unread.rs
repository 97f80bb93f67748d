//! Messages that no operation receives.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use framelink_codec::Decode;

use super::{Received, Receiving};
use crate::message::Message;

/// A function that receives the messages that no operation receives.
pub type OnUnread = Arc<dyn Fn(Message) + Send + Sync>;

impl<D: Decode> Receiving<D> {
    /// Sets the function that receives the messages that no operation receives.
    pub fn set_unread(&mut self, unread: Option<OnUnread>) {
        if unread.is_some() || self.extras.is_some() {
            self.extras_mut().unread = unread;
        }
    }

    /// Returns whether such a function is set.
    pub const fn has_unread(&self) -> bool {
        self.unread().is_some()
    }

    /// Hands over a message that no operation returns.
    pub fn on_unread(&self, message: Message) {
        if let Some(unread) = self.unread() {
            give(unread, message);
        }
    }

    /// Hands over all whole messages in the buffer.
    pub fn give_unread(&mut self) {
        let Some(unread) = self.unread() else { return };
        let unread = Arc::clone(unread);
        if !matches!(self.poll_preamble(), Ok(true)) {
            return;
        }
        while let Ok(Received::Message(message)) = self.poll() {
            give(&unread, message);
        }
    }

    /// Discards the bytes in the buffer. For a connection that is only read to its end, so that it closes cleanly.
    pub fn discard(&mut self) {
        self.give_unread();
        if !self.buffer.is_empty() {
            // Without these bytes, the start of the next message is unknown.
            self.set_unread(None);
        }
        self.buffer.take(self.buffer.len());
        self.begun_at = None;
    }
}

/// Hands over the whole messages that no operation has received.
impl<D: Decode> Drop for Receiving<D> {
    fn drop(&mut self) {
        if self.has_unread() && !std::thread::panicking() {
            self.give_unread();
        }
    }
}

/// A panic of the function neither changes the outcome of an operation nor drops later messages.
fn give(unread: &OnUnread, message: Message) {
    let _ = catch_unwind(AssertUnwindSafe(|| unread(message)));
}
