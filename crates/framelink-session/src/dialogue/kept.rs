//! Messages that arrive too early for the application.

use super::error::DialogueError;

/// The frames of messages that arrived while the reply to the sign-on was awaited, in order.
#[derive(Default)]
pub(super) struct Kept {
    frames: Vec<u8>,
    messages: usize,
}

impl Kept {
    /// The most messages.
    pub(super) const MOST: usize = 64;
    /// The most bytes of all frames.
    pub(super) const MOST_BYTES: usize = 64 * 1024;

    /// Keeps a frame. Fails if there are too many.
    pub(super) fn push(&mut self, frame: &[u8]) -> Result<(), DialogueError> {
        let bytes = self.frames.len().saturating_add(frame.len());
        if self.messages == Self::MOST || bytes > Self::MOST_BYTES {
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
