//! Steps before the first message, each with a framing of its own.

use std::fmt;
use std::ops::Range;

use framelink_codec::{Decode, Decoded, Encode, End, Fault};
use framelink_template::{Match, Template};

/// One step before the first message, as seen from the client.
#[derive(Clone, Debug)]
pub struct Step {
    /// The message of the step.
    pub message: StepMessage,
    /// Where the message ends.
    pub cut: Cut,
    /// Whether a client may leave out this step, and the steps after it up to the next one in which a client sends. The
    /// message is constant, and a later step of the client is not optional.
    pub is_optional: bool,
}

/// The message of a step.
#[derive(Clone, Debug)]
pub enum StepMessage {
    /// The client sends it.
    Sent(Template),
    /// The client sends the message that it [relays](super::Dialogue::relaying). A server takes any message.
    Relayed,
    /// The server sends it.
    Received {
        /// What the client expects.
        expect: Match,
        /// What a server sends.
        say: Option<Template>,
    },
}

/// Where the message of a step ends.
#[derive(Clone, Debug)]
pub enum Cut {
    /// After this number of bytes.
    Bytes(usize),
    /// Its sender knows. No other side can use the step.
    Whole,
    /// Where a framing says.
    Framing(std::sync::Arc<dyn StepFraming>),
}

impl Step {
    pub(super) const fn is_of_client(&self) -> bool {
        matches!(self.message, StepMessage::Sent(_) | StepMessage::Relayed)
    }

    /// Returns whether these bytes of a client are not the message of this optional step, so that it is left out.
    pub(super) fn is_left_out(&self, bytes: &[u8]) -> bool {
        let StepMessage::Sent(template) = &self.message else { return false };
        let wire =
            template.as_literal().filter(|_| self.is_optional).and_then(|message| self.cut.wire(message.into()).ok());
        wire.is_some_and(|wire| wire.iter().zip(bytes).any(|(expected, byte)| expected != byte))
    }
}

/// A framing whose messages end by their own bytes.
pub trait StepFraming: fmt::Debug + Send + Sync {
    /// Returns the frame of a message.
    ///
    /// # Errors
    /// Returns why the message cannot be framed.
    fn frame(&self, payload: &[u8]) -> Result<Vec<u8>, String>;

    /// Returns the place of the first message, and the length of its frame. `None` if the message is incomplete.
    ///
    /// # Errors
    /// Returns why the bytes are no frame.
    fn first(&self, bytes: &[u8], is_closed: bool) -> Result<Option<(Range<usize>, usize)>, String>;
}

impl<F: Decode + Encode + fmt::Debug + Send + Sync> StepFraming for F {
    fn frame(&self, payload: &[u8]) -> Result<Vec<u8>, String> {
        let mut frame = Vec::new();
        self.append_frame(payload, &mut frame).map_err(|error| error.to_string())?;
        Ok(frame)
    }

    fn first(&self, bytes: &[u8], is_closed: bool) -> Result<Option<(Range<usize>, usize)>, String> {
        match self.decode(bytes, 0, is_closed.then_some(End::Closed)) {
            Ok(Decoded::Frame(frame)) => Ok(Some((frame.payload_start..frame.payload_end, frame.frame_len))),
            Ok(Decoded::Incomplete(_)) => Ok(None),
            Err(error) => Err(Fault::Wrong { error, guess: self.guess(bytes) }.to_string()),
        }
    }
}

impl Cut {
    /// Returns the bytes of a message on the wire.
    pub(super) fn wire(&self, message: Vec<u8>) -> Result<Vec<u8>, String> {
        match self {
            Self::Bytes(count) if *count != message.len() => {
                Err(format!("the message has {} bytes, and the step {count}", message.len()))
            }
            Self::Bytes(_) | Self::Whole => Ok(message),
            Self::Framing(framing) => framing.frame(&message),
        }
    }

    /// Returns the place of the first message, and how many bytes it takes.
    pub(super) fn first(&self, bytes: &[u8], is_closed: bool) -> Result<Option<(Range<usize>, usize)>, String> {
        match self {
            Self::Bytes(count) if bytes.len() < *count => Ok(None),
            Self::Bytes(count) => Ok(Some((0..*count, *count))),
            Self::Whole => Err("the profile does not say where it ends".to_owned()),
            Self::Framing(framing) => framing.first(bytes, is_closed),
        }
    }
}
