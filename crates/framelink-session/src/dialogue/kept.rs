//! Messages that arrive too early for the application.

use super::error::DialogueError;

/// The frames of messages that arrived while the reply to the sign-on was awaited, in order.
#[derive(Default)]
pub(super) struct Kept {
    frames: Vec<u8>,
    messages: usize,
}

impl Kept {
    /// Keeps a frame. Fails if there are too many.
    pub(super) fn push(&mut self, frame: &[u8]) -> Result<(), DialogueError> {
        let bytes = self.frames.len().saturating_add(frame.len());
        if self.messages == DialogueError::MOST_KEPT || bytes > DialogueError::MOST_KEPT_BYTES {
            return Err(DialogueError::TooManyKept { messages: self.messages + 1, bytes });
        }
        self.frames.extend_from_slice(frame);
        self.messages += 1;
        Ok(())
    }

    pub(super) const fn messages(&self) -> usize {
        self.messages
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.messages = 0;
        std::mem::take(&mut self.frames)
    }
}
