//! Messages that no operation receives.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use framelink_codec::Decode;

use super::{Received, Receiving};
use crate::message::Message;

/// Is given the messages that no operation receives.
pub type OnUnread = Arc<dyn Fn(Message) + Send + Sync>;

impl<D: Decode> Receiving<D> {
    /// Says who is given the messages that no operation receives.
    pub fn set_unread(&mut self, unread: Option<OnUnread>) {
        self.unread = unread;
    }

    /// Whether someone is given them.
    pub const fn has_unread(&self) -> bool {
        self.unread.is_some()
    }

    /// A message was taken out that no operation returns.
    pub fn on_unread(&self, message: Message) {
        if let Some(unread) = &self.unread {
            give(unread, message);
        }
    }

    /// Hands over the whole messages that wait.
    pub fn give_unread(&mut self) {
        let Some(unread) = &self.unread else { return };
        let unread = Arc::clone(unread);
        if !matches!(self.poll_preamble(), Ok(true)) {
            return;
        }
        while let Ok(Received::Message(message)) = self.poll() {
            give(&unread, message);
        }
    }

    /// Forgets the bytes that wait. For a connection that is only read to its end, so that it is closed in good order.
    pub fn discard(&mut self) {
        self.give_unread();
        if !self.buffer.is_empty() {
            // Without these bytes it is not known where the next message begins.
            self.unread = None;
        }
        self.buffer.take(self.buffer.len());
        self.begun_at = None;
    }
}

/// Messages that no operation has received are handed over where someone wants them.
impl<D: Decode> Drop for Receiving<D> {
    fn drop(&mut self) {
        if self.unread.is_some() && !std::thread::panicking() {
            self.give_unread();
        }
    }
}

/// A panic there neither hides how an operation ended nor keeps the messages behind this one.
fn give(unread: &OnUnread, message: Message) {
    let _ = catch_unwind(AssertUnwindSafe(|| unread(message)));
}
