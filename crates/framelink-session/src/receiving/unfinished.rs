//! Messages that are not whole.

use std::fmt;

use framelink_codec::Guess;
use framelink_codec::notation::Bytes;

use crate::dialogue::{Dialogue, DialoguePart};

/// A message of which some bytes were received.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::Receiving;
///
/// // The peer counts the two bytes of the length too: 0x00 0x07 for five bytes.
/// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
/// receiving.on_bytes(b"\x00\x07hello", Duration::ZERO);
/// receiving.poll()?;
/// assert_eq!(
///     receiving.unfinished().unwrap().to_string(),
///     "7 bytes of a message came, at least 2 more are owed; \
///      the frame is complete if the number counts 2 header bytes too"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// How many bytes were received.
    pub came: usize,
    /// At least this many bytes are missing.
    pub missing: usize,
    /// What the bytes may be instead.
    pub guess: Option<Guess>,
    /// What is unfinished.
    pub of: Part,
}

/// The part of a connection that is unfinished.
///
/// ```
/// use framelink_profile::Framing;
/// use framelink_session::{Part, Receiving};
///
/// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
/// receiving.expect_preamble(b"HELLO");
/// let unfinished = receiving.unfinished().unwrap();
/// assert_eq!(unfinished.of, Part::Preamble);
/// assert_eq!(unfinished.to_string(), "0 of the 5 bytes of the peer's preamble came");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The preamble: the bytes that the peer sends once, before its first message.
    Preamble,
    /// A message.
    Message,
    /// The first message: only heartbeats were received until now.
    First,
    /// A part of the dialogue before the first message, of which no byte was received, or only other messages.
    Awaited {
        /// What is awaited.
        part: DialoguePart,
        /// How many other messages were received meanwhile.
        others: u32,
        /// How many of them are kept for the application.
        kept: u32,
    },
}

impl Unfinished {
    /// Returns what a dialogue awaits if no byte of it was received, or only other messages.
    pub(super) fn of_dialogue(dialogue: &Dialogue, came: usize) -> Option<Self> {
        let others = dialogue.others();
        let part = dialogue.awaited().filter(|_| came == 0 || others > 0)?;
        let kept = u32::try_from(dialogue.kept()).unwrap_or(u32::MAX);
        Some(Self { came, missing: 1, guess: None, of: Part::Awaited { part, others, kept } })
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.of == Part::Preamble {
            let all = self.came + self.missing;
            return write!(f, "{} of the {all} bytes of the peer's preamble came", self.came);
        }
        match self.of {
            Part::First => return f.write_str("only heartbeats came"),
            Part::Awaited { part, others: 0, .. } => return write!(f, "{} is awaited", part.awaited()),
            Part::Awaited { part, others, kept } => {
                let messages = if others == 1 { "message" } else { "messages" };
                write!(f, "{others} other {messages} came, ")?;
                match kept {
                    0 => {}
                    _ if kept == others => f.write_str("kept for the application, ")?,
                    _ => write!(f, "{kept} of them kept for the application, ")?,
                }
                return write!(f, "but not {}", part.awaited());
            }
            Part::Preamble | Part::Message => {}
        }
        let are = if self.missing == 1 { "is" } else { "are" };
        write!(f, "{} of a message came, at least {} more {are} owed", Bytes(self.came), self.missing)?;
        match self.guess {
            Some(guess) => write!(f, "; {guess}"),
            None => Ok(()),
        }
    }
}
