//! Heartbeats of the peer's own protocol.

use alloc::vec::Vec;
use core::time::Duration;

use framelink_template::{ComposeError, Inputs, Match, NumberSource, NumbersError, Template};

use crate::error::HeartbeatError;
use crate::form::Seen;
use crate::form::mark::Mark;

/// A heartbeat of the peer's own protocol: a template composes our probe, and matches recognise those of the peer.
///
/// - A message of the peer that [`probed_by`](Self::probed_by) matches is its probe. A second template composes the answer.
/// - A message that [`answered_by`](Self::answered_by) matches is an answer while a probe of ours waits for one. In the match,
///   `request` is that probe.
/// - Every other message is one of the application, such as the reply to a message that only looks like a probe.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::{Form, Pattern, Seen};
///
/// // An echo test: 0800, trace number, network code 301. Its answer is 0810 with the same trace number.
/// let pattern = Pattern::composed("text:0800{number:6}301".parse()?)
///     .probed_by("0:4=text:0800,10:3=text:301".parse()?)?
///     .answering("text:0810{request:4:6}00301".parse()?)?
///     .answered_by("0:4=text:0810,4:6=request".parse()?);
/// assert_eq!(pattern.recognise(b"0800000007301"), Some(Seen::Probe));
/// assert_eq!(pattern.recognise(b"0800000007001"), None, "a sign-on of the peer");
///
/// let form = Form::Pattern(pattern);
/// assert_eq!(form.answer(b"0800000007301").unwrap(), b"081000000700301");
/// let probe = form.probe(7, Duration::ZERO, b"");
/// assert_eq!(form.recognise_after(b"081000000700301", Some(&probe)), Some(Seen::Answer { number: None }));
/// assert_eq!(form.recognise_after(b"081000000800301", Some(&probe)), None, "the reply to another message");
/// assert_eq!(form.recognise_after(b"081000000700301", None), None, "no probe waits for an answer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`new`](Self::new), [`answered`](Self::answered) and [`numbered`](Self::numbered) make the same of bytes at offsets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// Composes our probe.
    pub(crate) probe: Template,
    /// The probes of the peer.
    pub(crate) probed_by: Option<Match>,
    pub(crate) answer: Option<Answer>,
    /// The answers to our probe.
    pub(crate) answered_by: Option<Match>,
}

/// The answer to a probe of the peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Composed(Template),
    /// The probe with other bytes at one place.
    Copy(Mark),
}

impl Pattern {
    /// Creates a heartbeat that is sent as this template says. It is not answered, and the peer sends none.
    #[must_use]
    pub const fn composed(probe: Template) -> Self {
        Self { probe, probed_by: None, answer: None, answered_by: None }
    }

    /// Sets which messages of the peer are probes.
    ///
    /// # Errors
    /// [`HeartbeatError::AnswerLikeProbe`] if our answer would itself be a probe.
    pub fn probed_by(mut self, probe: Match) -> Result<Self, HeartbeatError> {
        self.probed_by = Some(probe);
        self.without_echo()
    }

    /// Sets the answer to a probe of the peer. In the template, `request` is the probe. A probe without the bytes that the
    /// template copies is a message of the application.
    ///
    /// # Errors
    /// [`HeartbeatError::AnswerLikeProbe`] if the answer would itself be a probe.
    pub fn answering(mut self, answer: Template) -> Result<Self, HeartbeatError> {
        self.answer = Some(Answer::Composed(answer));
        self.without_echo()
    }

    /// Sets which messages answer our probe. In the match, `request` is the probe.
    #[must_use]
    pub fn answered_by(mut self, answer: Match) -> Self {
        self.answered_by = Some(answer);
        self
    }

    /// Refuses a pattern with which two peers would answer each other without end.
    pub(crate) fn without_echo(self) -> Result<Self, HeartbeatError> {
        let probe = self.sample(0, Duration::ZERO);
        match self.sample_answer(&probe) {
            Some(answer) if self.is_probe(&answer) => Err(HeartbeatError::AnswerLikeProbe),
            _ => Ok(self),
        }
    }

    /// Returns whether a probe is answered.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.answered_by.is_some()
    }

    /// Returns whether a message is a probe of the peer, or a beat without an answer. It cannot know answers:
    /// [`answers`](Self::answers) compares them with our probe.
    #[must_use]
    pub fn recognise(&self, message: &[u8]) -> Option<Seen> {
        let seen = if self.is_answered() { Seen::Probe } else { Seen::Beat };
        (self.is_probe(message) && self.can_answer(message)).then_some(seen)
    }

    /// Returns whether a message answers this probe of ours.
    #[must_use]
    pub fn answers(&self, message: &[u8], probe: &[u8]) -> bool {
        self.answered_by.as_ref().is_some_and(|answer| answer.holds(message, Some(probe)))
    }

    /// Returns how many bytes from the start of our probe [`answers`](Self::answers) looks at.
    #[must_use]
    pub fn compared_len(&self) -> usize {
        self.answered_by.as_ref().map_or(0, Match::request_len)
    }

    /// Composes our probe.
    ///
    /// # Errors
    /// If a field of the template has no value.
    pub fn probe(&self, inputs: &Inputs<'_>) -> Result<Vec<u8>, ComposeError> {
        self.probe.compose(&Inputs { request: None, ..*inputs })
    }

    /// Composes the answer to a probe of the peer. Returns `None` if the pattern has no answer to it.
    ///
    /// # Errors
    /// If a field of the template has no value.
    pub fn answer(&self, probe: &[u8], inputs: &Inputs<'_>) -> Result<Option<Vec<u8>>, ComposeError> {
        match &self.answer {
            None => Ok(None),
            Some(Answer::Copy(mark)) => Ok(mark.put(probe)),
            Some(Answer::Composed(template)) => template.compose(&inputs.answering(probe)).map(Some),
        }
    }

    /// Returns the templates of the messages that are sent: the probe, then the answer.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let answer = match &self.answer {
            Some(Answer::Composed(template)) => Some(template),
            _ => None,
        };
        core::iter::once(&self.probe).chain(answer)
    }

    fn is_probe(&self, message: &[u8]) -> bool {
        self.probed_by.as_ref().is_some_and(|probe| probe.holds(message, None))
    }

    /// A message without the bytes that the answer copies is no probe.
    fn can_answer(&self, message: &[u8]) -> bool {
        match &self.answer {
            None => true,
            Some(Answer::Copy(mark)) => mark.end().is_some_and(|end| end <= message.len()),
            Some(Answer::Composed(template)) => template.check_places(message.len()).is_ok(),
        }
    }

    /// The probe with a number of its own, without inputs: a variable is empty, and random digits are zeros.
    pub(crate) fn sample(&self, number: u64, now: Duration) -> Vec<u8> {
        let most = self.probe.most_number().and_then(|most| most.checked_add(1));
        let number = Always(most.map_or(number, |most| number % most));
        self.probe(&number.inputs(now)).unwrap_or_default()
    }

    pub(crate) fn sample_answer(&self, probe: &[u8]) -> Option<Vec<u8>> {
        self.answer(probe, &Always(1).inputs(Duration::ZERO)).ok().flatten()
    }
}

/// A source with one number.
struct Always(u64);

impl Always {
    fn inputs(&self, now: Duration) -> Inputs<'_> {
        Inputs { now, local_offset: 0, request: None, numbers: self, random: &|| 0, variable: &|_| Some(Vec::new()) }
    }
}

impl NumberSource for Always {
    fn next_of(&self, _name: Option<&str>) -> Result<u64, NumbersError> {
        Ok(self.0)
    }
}
