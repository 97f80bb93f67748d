//! Why a connection could not be opened for messages.

use std::error::Error;
use std::fmt;

use framelink_codec::notation::Bytes;
use framelink_template::{ComposeError, Mismatch};

use super::OnRefusal;

/// Why the dialogue before the first message failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialogueError {
    /// The peer sent another message than the expected one.
    Unexpected(Box<Unexpected>),
    /// A message of this side could not be composed.
    NotComposed {
        /// What the message is.
        part: DialoguePart,
        /// Why.
        error: Box<ComposeError>,
    },
    /// A message of this side could not be framed.
    NotFramed {
        /// What the message is.
        part: DialoguePart,
        /// Why.
        why: Box<str>,
    },
    /// The received bytes are no message of this step.
    NoMessage {
        /// What was expected.
        part: DialoguePart,
        /// Why.
        why: Box<str>,
    },
    /// The step sends a message of another connection, and none was given.
    NothingToRelay {
        /// What the message is.
        part: DialoguePart,
    },
    /// The message of a step is longer than 64 KiB.
    TooLong {
        /// What was expected.
        part: DialoguePart,
    },
    /// The peer closed before its part of the dialogue.
    Closed {
        /// What was expected.
        part: DialoguePart,
        /// The bytes of it that had arrived.
        came: usize,
        /// How many other messages had arrived.
        others: u32,
    },
    /// Too many messages arrived before the reply to the sign-on.
    TooManyKept {
        /// The number of messages, with the one that was too many.
        messages: usize,
        /// The bytes of their frames.
        bytes: usize,
    },
    /// The dialogue was not finished, so no message can be sent or received.
    Unfinished,
}

/// A part of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DialoguePart {
    /// A step before the profile's framing, counted from 1.
    First(usize),
    /// An optional step, counted from 1, or a later one, of which the peer chooses one.
    FirstOrLater(usize),
    /// The greeting of the server.
    Greeting,
    /// The sign-on.
    SignOn,
    /// An answer to another message meanwhile.
    Meanwhile,
}

/// A message of the peer that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unexpected {
    /// What was expected.
    pub part: DialoguePart,
    /// The length of the received message in bytes.
    pub len: usize,
    /// Where it differs: the place, the bytes found, and those allowed.
    pub mismatch: Mismatch,
    /// What the refusal means.
    pub then: OnRefusal,
}

impl DialogueError {
    /// The most messages that are kept for the application.
    pub const MOST_KEPT: usize = 64;
    /// The most bytes of their frames: 64 KiB.
    pub const MOST_KEPT_BYTES: usize = 64 * 1024;
}

impl fmt::Display for DialogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected(unexpected) => unexpected.fmt(f),
            Self::NotComposed { part, error } => write!(f, "{part} cannot be composed: {error}"),
            Self::NotFramed { part, why } => write!(f, "{part} cannot be framed: {why}"),
            Self::NoMessage { part, why } => write!(f, "{part}: {why}"),
            Self::NothingToRelay { part } => {
                write!(f, "{part} is that of a client (send = \"relay\"), and no client's message was given")
            }
            Self::TooLong { part } => write!(f, "{part} is longer than 64 KiB"),
            Self::Closed { part, came, others } => {
                match (part, came) {
                    (DialoguePart::SignOn, 0) => f.write_str("the peer closed the connection instead of replying"),
                    (part, 0) => write!(f, "the peer closed the connection before {part}"),
                    (part, came) => write!(f, "the peer closed the connection after {} of {part}", Bytes(*came)),
                }?;
                match others {
                    0 => Ok(()),
                    1 => f.write_str("; 1 other message had come"),
                    others => write!(f, "; {others} other messages had come"),
                }
            }
            Self::TooManyKept { messages, bytes } => write!(
                f,
                "{messages} other messages of {bytes} bytes arrived before the reply to the sign-on, at most {} of {} bytes are kept",
                DialogueError::MOST_KEPT,
                DialogueError::MOST_KEPT_BYTES
            ),
            Self::Unfinished => f.write_str(
                "the first steps, the greeting or the sign-on of the profile are not finished: call `finish_opening` first",
            ),
        }
    }
}

impl Error for DialogueError {}

impl DialoguePart {
    /// Returns the words for what the peer is to send.
    pub(crate) fn awaited(self) -> impl fmt::Display {
        match self {
            Self::SignOn => "the reply to the sign-on".to_owned(),
            part => part.to_string(),
        }
    }
}

impl fmt::Display for DialoguePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(number) => write!(f, "the message of first step {number}"),
            Self::FirstOrLater(number) => write!(f, "the message of first step {number} or of a later one"),
            Self::Greeting => f.write_str("the greeting"),
            Self::SignOn => f.write_str("the sign-on"),
            Self::Meanwhile => f.write_str("the answer to another message"),
        }
    }
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, len, mismatch, then } = self;
        match part {
            DialoguePart::SignOn => {
                write!(f, "the peer refused the sign-on: in its reply of {}, {mismatch}", Bytes(*len))
            }
            part => write!(f, "{part} is not the expected one: in its {}, {mismatch}", Bytes(*len)),
        }?;
        match then {
            OnRefusal::Retry => Ok(()),
            OnRefusal::Stop => f.write_str("; the address is not dialled again (refused = \"stop\")"),
        }
    }
}
