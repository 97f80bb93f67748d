//! The form of heartbeats.

mod at_offsets;
mod mark;
mod numbered;
mod own;
mod pattern;

pub(crate) use mark::Mark;
pub use numbered::Numbered;
pub use own::Own;
pub(crate) use pattern::Answer;
pub use pattern::Pattern;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::time::Duration;

use framelink_template::{ComposeError, Inputs};

/// The form of heartbeats: how a probe is told from a message, and how it is answered.
///
/// | form | probe | answer |
/// | --- | --- | --- |
/// | `empty` | a frame of 0 bytes | none; another empty frame with `answered` |
/// | `literal:HEX` | these bytes | none; the same bytes with `answered` |
/// | `literal:HEX..HEX` | the first bytes | the second |
/// | `numbered` | a number, a timestamp and data, see [`Numbered`] | the probe, marked as an answer |
/// | `pattern:TEMPLATE` | a message of the peer's own protocol, see [`Pattern`] | composed from a template |
/// | an [`Own`] | made by the program | made by the program |
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
        /// Whether an empty frame answers another.
        answered: bool,
    },
    /// A fixed message.
    Literal {
        /// The message that is sent.
        probe: Vec<u8>,
        /// The answer, if the form has one.
        answer: Option<Vec<u8>>,
    },
    /// A number, a timestamp and data, for two programs that both use framelink.
    Numbered,
    /// Messages of the peer's protocol, composed from templates and recognised by matches.
    Pattern(Pattern),
    /// Functions of the program.
    Own(Own),
}

/// The kind of a heartbeat that was received.
///
/// See [`Form`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It shows that the peer lives, and is not answered.
    Beat,
    /// It asks for an answer.
    Probe,
    /// It answers a probe.
    Answer {
        /// The number of that probe, if the form has numbers.
        number: Option<u64>,
    },
    /// A probe and its answer look the same. It is an answer if one is awaited.
    Either,
}

impl Form {
    /// An empty frame without an answer.
    #[must_use]
    pub const fn empty() -> Self {
        Self::Empty { answered: false }
    }

    /// A fixed message without an answer.
    #[must_use]
    pub fn beat(bytes: &[u8]) -> Self {
        Self::Literal { probe: bytes.to_vec(), answer: None }
    }

    /// A fixed message and its answer.
    #[must_use]
    pub fn literal(probe: &[u8], answer: &[u8]) -> Self {
        Self::Literal { probe: probe.to_vec(), answer: Some(answer.to_vec()) }
    }

    /// Returns whether a probe is answered.
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

    /// Returns whether a probe and its answer look the same.
    #[must_use]
    pub fn is_symmetric(&self) -> bool {
        match self {
            Self::Empty { answered } => *answered,
            Self::Literal { probe, answer } => answer.as_ref() == Some(probe),
            _ => false,
        }
    }

    /// Returns what kind of heartbeat a message is; `None` if it is none. A pattern knows an answer only beside our probe, by
    /// [`recognise_after`](Self::recognise_after).
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

    /// Returns what kind of heartbeat a message is while this probe of ours waits for an answer.
    #[must_use]
    pub fn recognise_after(&self, message: &[u8], probe: Option<&[u8]>) -> Option<Seen> {
        match (self, probe) {
            (Self::Pattern(pattern), Some(probe)) if pattern.answers(message, probe) => {
                Some(Seen::Answer { number: None })
            }
            _ => self.recognise(message),
        }
    }

    /// Makes the probe or beat with this number. `data` is used by the form `numbered`, `now` by it and by the times of a
    /// pattern, as the time since 1970. A variable of a pattern is empty there: [`Pattern::probe`] takes it from inputs.
    #[must_use]
    pub fn probe(&self, number: u64, now: Duration, data: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Empty { .. } => Cow::Borrowed(&[]),
            Self::Literal { probe, .. } => Cow::Borrowed(probe),
            Self::Numbered => Cow::Owned(Numbered::probe(number, now, data).to_vec()),
            Self::Pattern(pattern) => Cow::Owned(pattern.sample(number, now)),
            Self::Own(own) => Cow::Owned(own.probe(number)),
        }
    }

    /// Makes the answer to this probe; `None` if the form has no answer. The answer of a pattern has no variables and times:
    /// [`compose_answer`](Self::compose_answer) takes them from inputs.
    #[must_use]
    pub fn answer(&self, probe: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Empty { answered } => answered.then(Vec::new),
            Self::Literal { answer, .. } => answer.clone(),
            Self::Numbered => Numbered::parse(probe).map(|probe| probe.answer().to_vec()),
            Self::Pattern(pattern) => pattern.sample_answer(probe),
            Self::Own(own) => own.answer(probe),
        }
    }

    /// Makes the answer to this probe, with what a template needs from `inputs`; `None` if the form has no answer.
    ///
    /// # Errors
    /// If a field of the template has no value.
    pub fn compose_answer(&self, probe: &[u8], inputs: &Inputs<'_>) -> Result<Option<Vec<u8>>, ComposeError> {
        match self {
            Self::Pattern(pattern) => pattern.answer(probe, inputs),
            _ => Ok(self.answer(probe)),
        }
    }

    /// Makes the probe with this number, with what a template needs from `inputs`. A template takes its number from there too.
    ///
    /// # Errors
    /// If a field of the template has no value.
    pub fn compose_probe(
        &self,
        number: u64,
        now: Duration,
        data: &[u8],
        inputs: &Inputs<'_>,
    ) -> Result<Vec<u8>, ComposeError> {
        match self {
            Self::Pattern(pattern) => pattern.probe(inputs),
            _ => Ok(self.probe(number, now, data).into_owned()),
        }
    }

    /// How many low bits of a probe's number its answer repeats; 64 if the form has no numbers.
    pub(crate) fn number_bits(&self) -> u32 {
        match self {
            Self::Numbered => u32::BITS,
            _ => u64::BITS,
        }
    }

    /// Returns the data that a heartbeat carries, if its form has data.
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
