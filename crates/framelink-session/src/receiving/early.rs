//! What arrives before the first message of the application.

use std::ops::Range;
use std::time::Duration;

use framelink_codec::{Decode, Decoded, End};

use super::opening::Expected;
use super::{Received, Receiving};
use crate::dialogue::{Dialogue, Relayed};
use crate::message::Message;

/// The next frame before the first message of the application.
pub(crate) enum EarlyFrame {
    Whole {
        message: Message,
        frame: Vec<u8>,
    },
    Closed,
    /// The frame is incomplete. Silence ends it at this time.
    Wait(Option<Duration>),
}

impl<D: Decode> Receiving<D> {
    /// Sets what both sides exchange before the first message. No message is delivered until the dialogue has ended.
    /// Call this before any byte is received, and after [`expect_preamble`](Self::expect_preamble).
    pub fn set_dialogue(&mut self, dialogue: impl Into<Box<Dialogue>>) {
        let extras = self.extras_mut();
        extras.dialogue = Some(dialogue.into());
        extras.preamble.get_or_insert_with(|| Box::new(Expected::nothing()));
    }

    /// Returns the dialogue, until it has ended.
    #[must_use]
    pub fn dialogue(&self) -> Option<&Dialogue> {
        self.extras.as_ref()?.dialogue.as_deref()
    }

    /// Takes the messages of the client's relayed first steps, for the connection to the host. Without such steps, there
    /// are none.
    pub fn take_relayed(&mut self) -> Relayed {
        self.extras.as_mut().and_then(|extras| extras.relayed.take()).map(|relayed| *relayed).unwrap_or_default()
    }

    pub(crate) fn set_relayed(&mut self, relayed: Relayed) {
        if !relayed.is_empty() {
            self.extras_mut().relayed = Some(Box::new(relayed));
        }
    }

    pub(super) fn has_dialogue(&self) -> bool {
        self.dialogue().is_some()
    }

    pub(crate) fn take_dialogue(&mut self) -> Option<Box<Dialogue>> {
        let extras = self.extras.as_mut()?;
        let dialogue = extras.dialogue.take();
        if self.watch.is_none() && dialogue.is_some() {
            extras.preamble = None;
        }
        dialogue
    }

    /// Returns the received bytes that belong to nothing yet.
    pub(crate) fn early_bytes(&self) -> &[u8] {
        self.buffer.as_ref()
    }

    pub(crate) fn take_early(&mut self, count: usize) {
        self.buffer.take(count);
        self.on_early();
    }

    /// Returns the next frame, also if it is a heartbeat. It is no message of the application.
    pub(crate) fn poll_frame(&mut self) -> Result<EarlyFrame, framelink_codec::Fault<D::Error>> {
        if self.buffer.is_empty() {
            return match self.codec.fault() {
                Some(fault) => Err(fault),
                None if self.is_closed() => Ok(EarlyFrame::Closed),
                None => {
                    self.end = None;
                    Ok(EarlyFrame::Wait(None))
                }
            };
        }
        match self.codec.cut(self.buffer.as_ref(), self.end)? {
            Decoded::Incomplete(need) => {
                self.missing = need.missing;
                Ok(EarlyFrame::Wait(self.deadline()))
            }
            Decoded::Frame(found) => {
                self.missing = 0;
                self.frames += 1;
                let bytes = self.buffer.as_ref();
                let frame = bytes.get(..found.frame_len).unwrap_or(bytes).to_vec();
                let message = Message::new(found.payload(bytes).to_vec().into(), found.ended_by);
                self.buffer.take(found.frame_len);
                self.on_early();
                Ok(EarlyFrame::Whole { message, frame })
            }
        }
    }

    /// Puts frames that were taken out before all other bytes, to be received again.
    pub(crate) fn put_back(&mut self, frames: &[u8]) {
        if frames.is_empty() {
            return;
        }
        let (memory, waiting): (Vec<u8>, Range<usize>) = self.buffer.take_all();
        self.buffer.extend(frames);
        self.buffer.extend(memory.get(waiting).unwrap_or_default());
        self.codec.look_again();
        self.missing = 0;
        self.begun_at.get_or_insert(self.heard_at);
    }

    /// Hands over the first messages as unread.
    pub(crate) fn give_first_unread(&mut self, count: usize) {
        for _ in 0..count {
            match self.poll() {
                Ok(Received::Message(message)) => self.on_unread(message),
                _ => return,
            }
        }
    }

    fn on_early(&mut self) {
        self.begun_at = (!self.buffer.is_empty()).then_some(self.heard_at);
        if self.buffer.is_empty() && self.end != Some(End::Closed) {
            // The read that completed it ended no message.
            self.end = None;
        }
    }
}
