//! What heartbeats look like among messages.

mod numbered;
mod own;
mod pattern;

pub use numbered::Numbered;
pub use own::Own;
pub use pattern::Pattern;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::time::Duration;

/// What heartbeats look like: how a probe is told from a message, and what answers it.
///
/// | form | probe | answer |
/// | --- | --- | --- |
/// | `empty` | a frame of 0 bytes | none; the same with `answered` |
/// | `literal:HEX` | these bytes | none; the same with `answered` |
/// | `literal:HEX..HEX` | the first bytes | the second |
/// | `numbered` | a number, a timestamp and data, see [`Numbered`] | the same, marked as an answer |
/// | `pattern:HEX` | bytes of the peer's own protocol, known by a mark, see [`Pattern`] | the probe with another mark |
/// | an [`Own`] | what a program says | what a program says |
///
/// ```
/// use framelink_heartbeat::{Form, Seen};
///
/// let form = Form::literal(b"PING", b"PONG");
/// assert_eq!(form.recognise(b"PING"), Some(Seen::Probe));
/// assert_eq!(form.recognise(b"PONG"), Some(Seen::Answer { number: None }));
/// assert_eq!(form.recognise(b"0200..."), None, "a message");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// A frame without payload.
    Empty {
        /// Whether one answers another.
        answered: bool,
    },
    /// These bytes and nothing else.
    Literal {
        /// What is sent.
        probe: Vec<u8>,
        /// What answers it, if anything does.
        answer: Option<Vec<u8>>,
    },
    /// Our own, with a number, a timestamp and data.
    Numbered,
    /// Messages of the peer's protocol, known by bytes at an offset.
    Pattern(Pattern),
    /// What a program says.
    Own(Own),
}

/// What a message turned out to be, that is a heartbeat.
///
/// See [`Form`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It shows that the peer lives, and wants no answer.
    Beat,
    /// It wants an answer.
    Probe,
    /// It answers a probe.
    Answer {
        /// Which one, where they have numbers.
        number: Option<u64>,
    },
    /// It looks the same whether it wants an answer or is one; which it is depends on whether one is awaited.
    Either,
}

impl Form {
    /// An empty frame that nobody answers.
    #[must_use]
    pub const fn empty() -> Self {
        Self::Empty { answered: false }
    }

    /// These bytes, which nobody answers.
    #[must_use]
    pub fn beat(bytes: &[u8]) -> Self {
        Self::Literal { probe: bytes.to_vec(), answer: None }
    }

    /// These bytes, and the bytes that answer them.
    #[must_use]
    pub fn literal(probe: &[u8], answer: &[u8]) -> Self {
        Self::Literal { probe: probe.to_vec(), answer: Some(answer.to_vec()) }
    }

    /// Whether a probe is answered.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        match self {
            Self::Empty { answered } => *answered,
            Self::Literal { answer, .. } => answer.is_some(),
            Self::Numbered => true,
            Self::Pattern(pattern) => pattern.is_answered(),
            Self::Own(own) => own.is_answered(),
        }
    }

    /// Whether a probe and its answer look the same.
    #[must_use]
    pub fn is_symmetric(&self) -> bool {
        match self {
            Self::Empty { answered } => *answered,
            Self::Literal { probe, answer } => answer.as_ref() == Some(probe),
            _ => false,
        }
    }

    /// What a message is, if it is a heartbeat.
    #[inline]
    #[must_use]
    pub fn recognise(&self, message: &[u8]) -> Option<Seen> {
        match self {
            Self::Empty { answered } => message.is_empty().then_some(if *answered { Seen::Either } else { Seen::Beat }),
            Self::Literal { probe, answer } => recognise_literal(message, probe, answer.as_deref()),
            Self::Numbered => Numbered::parse(message).map(|numbered| numbered.seen()),
            Self::Pattern(pattern) => pattern.recognise(message),
            Self::Own(own) => own.recognise(message),
        }
    }

    /// The message that asks whether the peer is there, or that shows it that we are.
    #[must_use]
    pub fn probe(&self, number: u64, now: Duration, data: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Empty { .. } => Cow::Borrowed(&[]),
            Self::Literal { probe, .. } => Cow::Borrowed(probe),
            Self::Numbered => Cow::Owned(Numbered::probe(number, now, data).to_vec()),
            Self::Pattern(pattern) => Cow::Owned(pattern.probe(number)),
            Self::Own(own) => Cow::Owned(own.probe(number)),
        }
    }

    /// The message that answers this probe; `None` where nothing does.
    #[must_use]
    pub fn answer(&self, probe: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Empty { answered } => answered.then(Vec::new),
            Self::Literal { answer, .. } => answer.clone(),
            Self::Numbered => Numbered::parse(probe).map(|probe| probe.answer().to_vec()),
            Self::Pattern(pattern) => pattern.answer(probe),
            Self::Own(own) => own.answer(probe),
        }
    }

    /// So many low bits of a probe's number come back in its answer; 64 where the form does not say.
    pub(crate) fn number_bits(&self) -> u32 {
        match self {
            Self::Numbered => u32::BITS,
            Self::Pattern(pattern) => pattern.number_bits(),
            _ => u64::BITS,
        }
    }

    /// The data that a heartbeat carries, where it can.
    #[must_use]
    pub fn data<'m>(&self, message: &'m [u8]) -> &'m [u8] {
        match self {
            Self::Numbered => Numbered::parse(message).map_or(&[], |numbered| numbered.data),
            _ => &[],
        }
    }
}

fn recognise_literal(message: &[u8], probe: &[u8], answer: Option<&[u8]>) -> Option<Seen> {
    let is_probe = message == probe;
    match answer {
        None => is_probe.then_some(Seen::Beat),
        Some(answer) if answer == probe => is_probe.then_some(Seen::Either),
        Some(_) if is_probe => Some(Seen::Probe),
        Some(answer) => (message == answer).then_some(Seen::Answer { number: None }),
    }
}
