//! The exchange at the start or the end of a connection.

use framelink_template::{Match, Template};

/// An exchange at the start of each connection (sign-on) or at its end (sign-off).
///
/// ```
/// use framelink_session::{OnRefusal, Sign};
/// use framelink_template::{Match, Template};
///
/// // The trace number, the time, and in the reply the response code 00 at offset 20.
/// let sign_on: Template = "text:0800{number:6}{utc:%m%d%H%M%S}".parse()?;
/// let accepted: Match = "0:4=text:0810,4:6=request,20:2=text:00".parse()?;
/// let sign = Sign::new(sign_on).expect(accepted).refused(OnRefusal::Stop);
/// assert_eq!(sign.on_refusal(), OnRefusal::Stop);
/// assert_eq!(Sign::new(b"0800").send().as_literal(), Some(&b"0800"[..]), "bytes are a template too");
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sign {
    send: Template,
    expect: Option<Match>,
    refused: OnRefusal,
    reply: Option<Match>,
}

impl Sign {
    /// The most bytes of a message: 64 KiB, the limit of a template.
    pub const MOST: usize = 64 * 1024;

    /// Sends this message without waiting for a reply: a [`Template`], or bytes.
    pub fn new(send: impl Into<Template>) -> Self {
        Self { send: send.into(), expect: None, refused: OnRefusal::default(), reply: None }
    }

    /// Waits for a reply: one that satisfies a [`Match`], or one that begins with certain bytes. With
    /// [`Match::any`], any reply will do. Another reply means that the peer refuses.
    #[must_use]
    pub fn expect(mut self, reply: impl Into<Match>) -> Self {
        self.expect = Some(reply.into());
        self
    }

    /// Sets what a refusal means. Defaults to [`OnRefusal::Retry`].
    #[must_use]
    pub const fn refused(mut self, then: OnRefusal) -> Self {
        self.refused = then;
        self
    }

    /// Sets which messages can be the reply. A message that does not satisfy the rule is kept for the application.
    /// Defaults to the reply rule of the exchange; without one, any message can be the reply.
    #[must_use]
    pub fn reply_rule(mut self, rule: Match) -> Self {
        self.reply = Some(rule);
        self
    }

    /// Returns the message to send.
    #[must_use]
    pub const fn send(&self) -> &Template {
        &self.send
    }

    /// Returns what is expected of the reply. `None` if no reply is expected.
    #[must_use]
    pub const fn expected(&self) -> Option<&Match> {
        self.expect.as_ref()
    }

    /// Returns what a refusal means.
    #[must_use]
    pub const fn on_refusal(&self) -> OnRefusal {
        self.refused
    }

    /// Returns which messages can be the reply, if this has a rule of its own.
    #[must_use]
    pub const fn rule(&self) -> Option<&Match> {
        self.reply.as_ref()
    }

    /// Returns whether a message can be the reply to `sent`: it satisfies the rule of this exchange, or, without one,
    /// `rule`, the reply rule of the connection.
    #[must_use]
    pub fn can_be_reply(&self, message: &[u8], sent: &[u8], rule: Option<&Match>) -> bool {
        self.rule().or(rule).is_none_or(|rule| rule.holds(message, Some(sent)))
    }
}

/// What it means that the peer refuses the sign-on. The enum is exhaustive.
///
/// ```
/// assert_eq!(framelink_session::OnRefusal::default().name(), "retry");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnRefusal {
    /// The address is dialled again later, with growing delays.
    #[default]
    Retry,
    /// The address is not dialled again.
    Stop,
}

impl OnRefusal {
    /// Returns the word for this value in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Stop => "stop",
        }
    }
}
