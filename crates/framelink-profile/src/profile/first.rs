//! Steps before the first message, in framings of their own.

use std::fmt;
use std::sync::Arc;

use framelink_codec::notation::Bytes;
use framelink_session::{Cut, Step, StepMessage};
use framelink_template::{Match, Template};

use crate::framing::Framing;

/// One step of a dialogue before the first message of a profile's framing.
///
/// ```
/// use framelink_profile::{FirstStep, Framing, Profile};
///
/// // PostgreSQL: a request for TLS, and an answer of one byte.
/// let asks = FirstStep::send("hex:0000000804d2162f".parse::<framelink_template::Template>()?);
/// let answer = FirstStep::expect("0:1=text:N".parse()?).bytes(1).say("text:N".parse()?);
/// let profile = Profile::builder("net:4,counts=self,at=1,keep".parse::<Framing>()?).first(asks).first(answer).build()?;
/// assert_eq!(profile.first().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[must_use]
pub struct FirstStep {
    message: FirstMessage,
    pub(super) cut: Option<FirstCut>,
    pub(super) is_optional: bool,
}

/// The message of a step. The enum is exhaustive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum FirstMessage {
    Sent(Template),
    Relayed,
    Received { expect: Match, say: Option<Template> },
}

/// The word for a message that a bridge relays.
#[cfg(feature = "serde")]
pub(super) const RELAY: &str = "relay";

/// Where the message of a step ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "a profile has few steps")]
pub(super) enum FirstCut {
    Bytes(usize),
    Framing(Framing),
}

impl FirstStep {
    /// The most steps of a profile: 16.
    pub const MOST: usize = 16;
    /// The most bytes of a message: 64 KiB.
    pub const MOST_BYTES: usize = 64 * 1024;

    /// A step in which the client sends this message. A server expects it: these bytes, or the length of the template.
    pub fn send(message: impl Into<Template>) -> Self {
        Self::new(FirstMessage::Sent(message.into()))
    }

    /// A step of a bridge: the message of its client is sent to the host. A server of another role takes any message. Say
    /// where it ends, as for [`expect`](Self::expect).
    ///
    /// ```
    /// use framelink_profile::{FirstStep, Framing, Profile, Side};
    ///
    /// // PostgreSQL's StartupMessage, with the name of the client's user.
    /// let startup = FirstStep::relay().framing("net:4,counts=self".parse()?);
    /// let profile = Profile::builder("postgres".parse::<Framing>()?).first(startup).build()?;
    /// assert_eq!(profile.check_bridge(Some(&profile)), Ok(()));
    /// assert!(profile.check_for(Side::Client).is_err(), "a client of another role has no such message");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn relay() -> Self {
        Self::new(FirstMessage::Relayed)
    }

    const fn new(message: FirstMessage) -> Self {
        Self { message, cut: None, is_optional: false }
    }

    /// Says that a client may leave out this step, and those after it up to the next one in which a client sends.
    /// framelink leaves it out as a client. As a server it compares the first bytes with the message, which is constant.
    pub const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// A step in which the server sends a message that satisfies this match. Say where it ends: after a number of
    /// [`bytes`](Self::bytes), or where a [`framing`](Self::framing) says.
    pub const fn expect(message: Match) -> Self {
        Self::new(FirstMessage::Received { expect: message, say: None })
    }

    /// Sets the length of the message.
    pub const fn bytes(mut self, count: usize) -> Self {
        self.cut = Some(FirstCut::Bytes(count));
        self
    }

    /// Sets the framing of the message. Its messages must end by their own bytes. Defaults to none.
    pub const fn framing(mut self, framing: Framing) -> Self {
        self.cut = Some(FirstCut::Framing(framing));
        self
    }

    /// For servers: sends this message in a step that the client [expects](Self::expect).
    pub fn say(mut self, message: Template) -> Self {
        if let FirstMessage::Received { say, .. } = &mut self.message {
            *say = Some(message);
        }
        self
    }

    pub(super) const fn message(&self) -> &FirstMessage {
        &self.message
    }

    /// Returns the template of a side that sends in this step.
    pub(super) const fn sent(&self) -> Option<&Template> {
        match &self.message {
            FirstMessage::Sent(message) => Some(message),
            FirstMessage::Relayed => None,
            FirstMessage::Received { say, .. } => say.as_ref(),
        }
    }

    /// Returns the step for a connection. A message without a cut has the length of its template.
    pub(super) fn step(&self) -> Step {
        let message = match &self.message {
            FirstMessage::Sent(message) => StepMessage::Sent(message.clone()),
            FirstMessage::Relayed => StepMessage::Relayed,
            FirstMessage::Received { expect, say } => {
                StepMessage::Received { expect: expect.clone(), say: say.clone() }
            }
        };
        let cut = match self.cut {
            Some(FirstCut::Bytes(count)) => Cut::Bytes(count),
            Some(FirstCut::Framing(framing)) => Cut::Framing(Arc::new(framing)),
            None => self.sent().and_then(Template::fixed_len).map_or(Cut::Whole, Cut::Bytes),
        };
        Step { message, cut, is_optional: self.is_optional }
    }
}

/// Shows notations.
impl fmt::Debug for FirstStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("FirstStep");
        shown.field("message", &self.message).field("cut", &self.cut).field("is_optional", &self.is_optional).finish()
    }
}

/// In words, after the length of a message.
impl fmt::Display for FirstCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(count) => write!(f, "{}", Bytes(*count)),
            Self::Framing(framing) => write!(f, "a message in {framing}"),
        }
    }
}
