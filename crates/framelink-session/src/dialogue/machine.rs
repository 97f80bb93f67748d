//! The state of a dialogue.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use framelink_heartbeat::{Role, Seen};
use framelink_template::{Inputs, Match, Numbers, Template};

use super::error::{DialogueError, DialoguePart, Unexpected};
use super::kept::Kept;
use super::{Cut, DialogueRules, OnRefusal, Relayed, Sign, StepMessage};

/// The most bytes of a message of a first step.
const MOST_STEP: usize = 64 * 1024;

/// What is exchanged on a new connection before its first message, as one side does it. It has no connection.
///
/// ```text
///   First(0) ─► First(1) ─► … ─► Greeting ─► SignOn ─► Reply ─► Over
///   each step is sent or awaited             sent      awaited
/// ```
///
/// ```
/// use std::sync::Arc;
/// use framelink_heartbeat::Role;
/// use framelink_session::{Ask, Dialogue, DialogueRules, Heard, Sign};
/// use framelink_template::{Inputs, Match, Numbers};
///
/// let mut rules = DialogueRules::default();
/// rules.has_receiver = true;
/// rules.sign_on = Some(Sign::new(b"0800000001").expect("0:4=text:0810".parse::<Match>()?));
/// rules.reply = Some("2:1=odd".parse()?);
///
/// let numbers = Numbers::new(1..=999_999).unwrap();
/// let inputs = Inputs::system(&numbers);
/// let mut dialogue = Dialogue::new(Arc::new(rules), Role::Client, numbers.clone());
/// assert_eq!(dialogue.poll(&inputs)?, Ask::SendMessage(b"0800000001".to_vec()));
/// assert_eq!(dialogue.poll(&inputs)?, Ask::Message);
/// // A request of the peer is kept for the application. Its frame is kept, to be received again.
/// assert_eq!(dialogue.on_message(b"0200000001", b"00100200000001", &inputs)?, Heard::Kept);
/// assert_eq!(dialogue.on_message(b"0810000001", b"00100810000001", &inputs)?, Heard::Reply);
/// assert_eq!(dialogue.poll(&inputs)?, Ask::Over);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Dialogue {
    rules: Arc<DialogueRules>,
    us: Role,
    numbers: Numbers,
    stage: Stage,
    /// What is to be sent before anything else happens.
    out: VecDeque<Ask>,
    /// Our last message, to which a message of the peer may refer.
    ours: Vec<u8>,
    /// The last message of the peer, to which a message of ours may refer.
    theirs: Option<Vec<u8>>,
    kept: Kept,
    /// How many messages were neither the greeting nor the reply.
    others: u32,
    /// In a client, the messages that relayed steps send; in a server, those that they received.
    relayed: Relayed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The step with this index is sent or awaited.
    First(usize),
    Greeting,
    SignOn,
    Reply,
    Over,
}

/// What a dialogue needs next.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub enum Ask {
    /// Send these bytes, without a frame.
    SendBytes(Vec<u8>),
    /// Send this message, in the framing of the connection.
    SendMessage(Vec<u8>),
    /// Call [`Dialogue::on_bytes`] with the bytes that were received and belong to no message yet.
    Bytes,
    /// Call [`Dialogue::on_message`] with the next message.
    Message,
    /// The connection is ready for messages.
    Over,
}

/// What a received message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The greeting.
    Greeting,
    /// The reply to the sign-on.
    Reply,
    /// A message that is answered: [`Dialogue::poll`] returns the answer.
    Answered,
    /// A heartbeat that needs no answer.
    Beat,
    /// A message for the application, which gets it later.
    Kept,
    /// A message for an application that receives no unsolicited messages.
    Unread,
}

impl Dialogue {
    /// Creates a dialogue as the side `us` has it. Numbers in its templates come from `numbers`.
    #[must_use]
    pub fn new(rules: Arc<DialogueRules>, us: Role, numbers: Numbers) -> Self {
        let (out, ours, kept) = (VecDeque::new(), Vec::new(), Kept::default());
        let (stage, relayed) = (Stage::First(0), Relayed::default());
        Self { rules, us, numbers, stage, out, ours, theirs: None, kept, others: 0, relayed }
    }

    /// For clients: sends these messages in the [relayed](StepMessage::Relayed) first steps.
    #[must_use]
    pub fn relaying(mut self, messages: Relayed) -> Self {
        self.relayed = messages;
        self
    }

    /// Returns what the dialogue needs next.
    ///
    /// # Errors
    /// If a message cannot be composed or framed.
    pub fn poll(&mut self, inputs: &Inputs<'_>) -> Result<Ask, DialogueError> {
        loop {
            if let Some(ask) = self.out.pop_front() {
                return Ok(ask);
            }
            let rules = Arc::clone(&self.rules);
            let awaited = match (self.stage, self.us) {
                (Stage::First(at), _) => match rules.first.get(at) {
                    None => self.go_on(Stage::Greeting),
                    Some(step) if step.is_optional && self.us == Role::Client => {
                        self.go_on(Stage::First(rules.after_optional(at)))
                    }
                    Some(step) => match (&step.message, self.us) {
                        (StepMessage::Sent(message), Role::Client)
                        | (StepMessage::Received { say: Some(message), .. }, Role::Server) => {
                            let message =
                                composed(DialoguePart::First(at + 1), message, self.theirs.as_deref(), inputs)?;
                            self.send_step(at, message, &step.cut)?
                        }
                        (StepMessage::Relayed, Role::Client) => {
                            let part = DialoguePart::First(at + 1);
                            let message = self.relayed.next().ok_or(DialogueError::NothingToRelay { part })?;
                            self.send_step(at, message, &step.cut)?
                        }
                        _ => Some(Ask::Bytes),
                    },
                },
                (Stage::Greeting, us) => match (rules.greeting.as_ref(), us) {
                    (Some(greeting), Role::Client) if greeting.expected().is_some() => Some(Ask::Message),
                    (Some(greeting), Role::Server) => match greeting.sent() {
                        Some(message) => self.send(DialoguePart::Greeting, message, Stage::Over, inputs)?,
                        None => self.go_on(Stage::Over),
                    },
                    _ => self.go_on(Stage::SignOn),
                },
                (Stage::SignOn, Role::Client) => match rules.sign_on.as_ref() {
                    None => self.go_on(Stage::Over),
                    Some(sign) => {
                        let next = if sign.expected().is_some() { Stage::Reply } else { Stage::Over };
                        self.send(DialoguePart::SignOn, sign.send(), next, inputs)?
                    }
                },
                (Stage::Reply, Role::Client) => Some(Ask::Message),
                (Stage::SignOn | Stage::Reply | Stage::Over, _) => Some(Ask::Over),
            };
            if let Some(ask) = awaited {
                return Ok(ask);
            }
        }
    }

    /// Handles received bytes after [`Ask::Bytes`]. Returns how many of them belong to the awaited step. 0 means that
    /// its message is incomplete: call this again with these bytes and more.
    ///
    /// # Errors
    /// If the bytes are not the expected ones, or the peer closed before the step was complete.
    pub fn on_bytes(&mut self, bytes: &[u8], is_closed: bool) -> Result<usize, DialogueError> {
        let rules = Arc::clone(&self.rules);
        let Stage::First(mut at) = self.stage else { return Ok(0) };
        while rules.first.get(at).is_some_and(|step| step.is_left_out(bytes)) {
            at = rules.after_optional(at);
        }
        self.stage = Stage::First(at);
        let Some(step) = rules.first.get(at) else { return Ok(0) };
        let part = DialoguePart::First(at + 1);
        let found = step.cut.first(bytes, is_closed);
        let found = found.map_err(|why| DialogueError::NoMessage { part, why: why.into() })?;
        let Some((place, taken)) = found else {
            if bytes.len() > MOST_STEP {
                return Err(DialogueError::TooLong { part });
            }
            let part = if bytes.is_empty() { self.first_part(at) } else { part };
            return if is_closed { Err(DialogueError::Closed { part, came: bytes.len(), others: 0 }) } else { Ok(0) };
        };
        let message = bytes.get(place).unwrap_or_default();
        match &step.message {
            StepMessage::Received { expect, .. } => self.check(part, expect, message, OnRefusal::Retry)?,
            StepMessage::Sent(template) => {
                if let Some(expected) = template.as_literal() {
                    self.check(part, &Match::from(expected), message, OnRefusal::Retry)?;
                }
            }
            StepMessage::Relayed => self.relayed.push(message.to_vec()),
        }
        self.theirs = Some(message.to_vec());
        self.stage = Stage::First(at + 1);
        Ok(taken)
    }

    /// Handles a received message after [`Ask::Message`]. `frame` is all bytes of its frame.
    ///
    /// A message is, in this order:
    ///
    /// 1. the reply, if it can be a reply and is the expected one;
    /// 2. a probe, which is answered;
    /// 3. a message that a rule answers meanwhile;
    /// 4. a message for the application, if it cannot be a reply;
    /// 5. a reply that is not the expected one: the peer refuses.
    ///
    /// If any reply will do, the first rule comes last.
    ///
    /// # Errors
    /// If the peer refuses, too many messages would be kept, or an answer cannot be composed.
    pub fn on_message(&mut self, message: &[u8], frame: &[u8], inputs: &Inputs<'_>) -> Result<Heard, DialogueError> {
        let heard = self.hear(message, frame, inputs)?;
        if !matches!(heard, Heard::Greeting | Heard::Reply) {
            self.others = self.others.saturating_add(1);
        }
        Ok(heard)
    }

    fn hear(&mut self, message: &[u8], frame: &[u8], inputs: &Inputs<'_>) -> Result<Heard, DialogueError> {
        let rules = Arc::clone(&self.rules);
        match self.stage {
            Stage::Greeting => {
                let greeting = rules.greeting.as_ref().and_then(|greeting| greeting.expected());
                if greeting.is_none_or(|expect| expect.holds(message, None)) {
                    self.theirs = Some(message.to_vec());
                    self.stage = Stage::SignOn;
                    return Ok(Heard::Greeting);
                }
                if let Some(heard) = self.answer(&rules, message, inputs)? {
                    return Ok(heard);
                }
                let refused =
                    greeting.map(|expect| self.check(DialoguePart::Greeting, expect, message, OnRefusal::Retry));
                refused.unwrap_or(Ok(())).map(|()| Heard::Greeting)
            }
            Stage::Reply => match rules.sign_on.as_ref() {
                Some(sign) => self.on_reply(&rules, sign, message, frame, inputs),
                None => self.keep(&rules, frame),
            },
            _ => self.keep(&rules, frame),
        }
    }

    fn on_reply(
        &mut self,
        rules: &DialogueRules,
        sign: &Sign,
        message: &[u8],
        frame: &[u8],
        inputs: &Inputs<'_>,
    ) -> Result<Heard, DialogueError> {
        let can_be_reply = sign.can_be_reply(message, &self.ours, rules.reply.as_ref());
        let expected = sign.expected().filter(|expect| !expect.is_any());
        if can_be_reply && expected.is_some_and(|expect| expect.holds(message, Some(&self.ours))) {
            self.stage = Stage::Over;
            return Ok(Heard::Reply);
        }
        if let Some(heard) = self.answer(rules, message, inputs)? {
            return Ok(heard);
        }
        if !can_be_reply {
            return self.keep(rules, frame);
        }
        if let Some(expect) = expected {
            self.check(DialoguePart::SignOn, expect, message, sign.on_refusal())?;
        }
        self.stage = Stage::Over;
        Ok(Heard::Reply)
    }

    fn keep(&mut self, rules: &DialogueRules, frame: &[u8]) -> Result<Heard, DialogueError> {
        if !rules.has_receiver {
            return Ok(Heard::Unread);
        }
        self.kept.push(frame).map(|()| Heard::Kept)
    }

    /// Answers a message that is neither the greeting nor the reply, if a rule says so.
    fn answer(
        &mut self,
        rules: &DialogueRules,
        message: &[u8],
        inputs: &Inputs<'_>,
    ) -> Result<Option<Heard>, DialogueError> {
        let form = rules.heartbeat.as_ref().map(|heartbeat| heartbeat.form());
        if let Some(form) = form {
            match form.recognise(message) {
                Some(Seen::Beat) => return Ok(Some(Heard::Beat)),
                Some(Seen::Probe | Seen::Either) => {
                    let answer = form.compose_answer(message, inputs).ok().flatten();
                    let heard = if answer.is_some() { Heard::Answered } else { Heard::Beat };
                    self.out.extend(answer.map(Ask::SendMessage));
                    return Ok(Some(heard));
                }
                // No probe of ours is outstanding, so this is no answer.
                Some(Seen::Answer { .. }) | None => {}
            }
        }
        let Some(rule) = rules.meanwhile.iter().find(|rule| rule.when().holds(message, None)) else {
            return Ok(None);
        };
        let answer = composed(DialoguePart::Meanwhile, rule.say(), Some(message), inputs)?;
        self.out.push_back(Ask::SendMessage(answer));
        Ok(Some(Heard::Answered))
    }

    fn check(&self, part: DialoguePart, expect: &Match, message: &[u8], then: OnRefusal) -> Result<(), DialogueError> {
        match expect.explain(message, Some(&self.ours)) {
            None => Ok(()),
            Some(mismatch) => {
                Err(DialogueError::Unexpected(Box::new(Unexpected { part, len: message.len(), mismatch, then })))
            }
        }
    }

    fn send(
        &mut self,
        part: DialoguePart,
        template: &Template,
        next: Stage,
        inputs: &Inputs<'_>,
    ) -> Result<Option<Ask>, DialogueError> {
        let message = composed(part, template, self.theirs.as_deref(), inputs)?;
        self.ours.clone_from(&message);
        self.stage = next;
        Ok(Some(Ask::SendMessage(message)))
    }

    fn send_step(&mut self, at: usize, message: Vec<u8>, cut: &Cut) -> Result<Option<Ask>, DialogueError> {
        let part = DialoguePart::First(at + 1);
        self.ours.clone_from(&message);
        self.stage = Stage::First(at + 1);
        let bytes = cut.wire(message).map_err(|why| DialogueError::NotFramed { part, why: why.into() })?;
        Ok(Some(Ask::SendBytes(bytes)))
    }

    const fn go_on(&mut self, next: Stage) -> Option<Ask> {
        self.stage = next;
        None
    }

    /// Returns the source of the numbers in its templates.
    #[must_use]
    pub const fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Returns how many messages are kept for the application.
    #[must_use]
    pub const fn kept(&self) -> usize {
        self.kept.messages()
    }

    /// Returns what is awaited, for the report of a timeout. `None` if nothing is.
    #[must_use]
    pub fn awaited(&self) -> Option<DialoguePart> {
        match self.stage {
            Stage::First(at) if at < self.rules.first.len() => Some(self.first_part(at)),
            Stage::First(_) | Stage::Greeting => Some(DialoguePart::Greeting),
            Stage::SignOn | Stage::Reply => Some(DialoguePart::SignOn),
            Stage::Over => None,
        }
    }

    /// Returns the step with this index. A server also takes a later one instead of an optional step.
    fn first_part(&self, at: usize) -> DialoguePart {
        let is_optional = self.us == Role::Server && self.rules.first.get(at).is_some_and(|step| step.is_optional);
        if is_optional { DialoguePart::FirstOrLater(at + 1) } else { DialoguePart::First(at + 1) }
    }

    /// Returns the error for a peer that has closed instead.
    pub(crate) fn closed(&self) -> DialogueError {
        let part = self.awaited().unwrap_or(DialoguePart::SignOn);
        DialogueError::Closed { part, came: 0, others: self.others }
    }

    /// Returns how many messages were neither the greeting nor the reply.
    pub(crate) const fn others(&self) -> u32 {
        self.others
    }

    /// Takes the messages of relayed steps.
    pub(crate) fn take_relayed(&mut self) -> Relayed {
        std::mem::take(&mut self.relayed)
    }

    /// Takes the frames that are kept.
    pub(crate) fn take_kept(&mut self) -> Vec<u8> {
        self.kept.take()
    }

    pub(crate) fn rules(&self) -> &Arc<DialogueRules> {
        &self.rules
    }

    pub(crate) const fn us(&self) -> Role {
        self.us
    }
}

fn composed(
    part: DialoguePart,
    template: &Template,
    request: Option<&[u8]>,
    inputs: &Inputs<'_>,
) -> Result<Vec<u8>, DialogueError> {
    let inputs = Inputs { request, ..*inputs };
    let composed = template.compose(&inputs);
    composed.map_err(|error| DialogueError::NotComposed { part, error: Box::new(error) })
}

/// Shows no messages.
impl fmt::Debug for Dialogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue")
            .field("stage", &self.stage)
            .field("kept", &self.kept.messages())
            .finish_non_exhaustive()
    }
}

/// Shows the lengths of messages only.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendBytes(bytes) => write!(f, "SendBytes({} bytes)", bytes.len()),
            Self::SendMessage(message) => write!(f, "SendMessage({} bytes)", message.len()),
            Self::Bytes => f.write_str("Bytes"),
            Self::Message => f.write_str("Message"),
            Self::Over => f.write_str("Over"),
        }
    }
}
