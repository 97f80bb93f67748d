//! What a profile says about the start of a connection.

use std::sync::Arc;

use framelink_heartbeat::Heartbeat;
use framelink_template::{Match, Template};

use super::{Sign, Step};

/// What both sides exchange on a new connection before its first message.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DialogueRules {
    /// Steps in framings of their own.
    pub first: Vec<Step>,
    /// The first message of the server.
    pub greeting: Option<Greeting>,
    /// The first message of the client, and its reply.
    pub sign_on: Option<Sign>,
    /// How other messages are answered while the greeting or the reply is awaited.
    pub meanwhile: Vec<Meanwhile>,
    /// Which messages can be replies.
    pub reply: Option<Match>,
    /// The heartbeats of the connection. They begin after the dialogue; a probe of the peer is answered before.
    pub heartbeat: Option<Arc<Heartbeat>>,
    /// Whether the application receives unsolicited messages. If not, messages that are kept for it are handed over as
    /// unread.
    pub has_receiver: bool,
}

impl DialogueRules {
    /// Returns the index of the first step after an optional one that is left out.
    pub(super) fn after_optional(&self, at: usize) -> usize {
        let later = self.first.iter().enumerate().skip(at + 1);
        later.filter(|(_, step)| step.is_of_client()).map(|(at, _)| at).next().unwrap_or(self.first.len())
    }
}

/// The first message of a server.
///
/// ```
/// use framelink_session::Greeting;
///
/// // A server of NATS begins with INFO. In the role of that server, the program sends such a message.
/// let greeting = Greeting::new().expect("0:5=text:INFO ".parse()?).send("text:INFO \\{\\}".parse()?);
/// assert!(greeting.expected().is_some() && greeting.sent().is_some());
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Greeting {
    expect: Option<Match>,
    send: Option<Template>,
}

impl Greeting {
    /// Creates a greeting that neither side uses yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { expect: None, send: None }
    }

    /// For clients: receives one message first, which must satisfy this match.
    #[must_use]
    pub fn expect(mut self, what: Match) -> Self {
        self.expect = Some(what);
        self
    }

    /// For servers: sends this message first.
    #[must_use]
    pub fn send(mut self, message: Template) -> Self {
        self.send = Some(message);
        self
    }

    /// Returns what a client expects.
    #[must_use]
    pub const fn expected(&self) -> Option<&Match> {
        self.expect.as_ref()
    }

    /// Returns what a server sends.
    #[must_use]
    pub const fn sent(&self) -> Option<&Template> {
        self.send.as_ref()
    }
}

/// How a message of the peer is answered while the greeting or the reply to the sign-on is awaited.
///
/// ```
/// use framelink_session::Meanwhile;
///
/// // The peer's own sign-on is answered with its trace number.
/// let rule = Meanwhile::new("0:4=text:0800".parse()?, "text:0810{request:4:6}".parse()?);
/// assert!(rule.when().holds(b"0800000007", None));
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meanwhile {
    when: Match,
    say: Template,
}

impl Meanwhile {
    /// Answers a message that satisfies `when` with `say`, in which `request` is that message.
    #[must_use]
    pub const fn new(when: Match, say: Template) -> Self {
        Self { when, say }
    }

    /// Returns which messages are answered.
    #[must_use]
    pub const fn when(&self) -> &Match {
        &self.when
    }

    /// Returns the answer.
    #[must_use]
    pub const fn say(&self) -> &Template {
        &self.say
    }
}
