//! A handler that answers by the reply rules of a profile.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use framelink_template::{ComposeError, Inputs};

use crate::profile::{FramingPair, Profile};
use crate::session::{LastBytes, Numbers, ReplyRules};

/// Answers the requests of one connection by the [reply rules](Profile::server_replies) of its profile. A server for
/// tests has one for each connection, because rules count the requests of a connection.
///
/// ```
/// use framelink_transport::{Profile, RuleHandler};
///
/// let profile = Profile::from_toml(
///     r#"
///     framing = "ascii:4"
///     [[reply]]
///     when = "0:4=text:0800"
///     say = "text:0810{request:4:6}00"
///     "#,
/// )?;
/// let handler = RuleHandler::of(&profile);
/// let answer = handler.answer(b"0800000007")?;
/// assert_eq!((answer.rule, answer.reply), (Some(0), Ok(Some(b"081000000700".to_vec()))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RuleHandler {
    rules: Mutex<ReplyRules>,
    framing: FramingPair,
    numbers: Numbers,
}

/// How a [`RuleHandler`] answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuledAnswer {
    /// The index of the rule, from 0. `None`: no rule is for this request, and there is no reply.
    pub rule: Option<usize>,
    /// How long to wait before the reply.
    pub after: Duration,
    /// The reply, or what a rule with a fault sends instead. A server takes it as the result of its handler.
    pub reply: Result<Option<Vec<u8>>, LastBytes>,
}

impl RuleHandler {
    /// Creates a handler with numbers of its own. [`Server::rule_handler`](crate::tokio::Server::rule_handler) has those
    /// of the server.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        Self::with_numbers(profile, Numbers::over(profile.number_range()))
    }

    pub(crate) fn with_numbers(profile: &Profile, numbers: Numbers) -> Self {
        let rules = Mutex::new(ReplyRules::new(profile.server_replies()));
        Self { rules, framing: profile.framing(), numbers }
    }

    /// Returns a handler for another connection. It counts from 0, with the same source of numbers.
    #[must_use]
    pub fn another(&self) -> Self {
        let rules = self.with_rules(|rules| ReplyRules::new(rules.rules()));
        Self { rules: Mutex::new(rules), framing: self.framing, numbers: self.numbers.clone() }
    }

    /// Decides how a request is answered. The caller waits for the delay.
    ///
    /// # Errors
    /// If the reply cannot be composed, for example because the request is too short for a copied field.
    pub fn answer(&self, request: &[u8]) -> Result<RuledAnswer, ComposeError> {
        let ruled = self.with_rules(|rules| rules.answer(request, &Inputs::system(&self.numbers)))?;
        // A reply that cannot be framed fails when it is sent, as any other does.
        let last = ruled.fault.and_then(|fault| fault.of_reply(&self.framing.send, ruled.message.as_deref()).ok());
        let reply = last.map_or(Ok(ruled.message), Err);
        Ok(RuledAnswer { rule: ruled.rule, after: ruled.after, reply })
    }

    fn with_rules<T>(&self, run: impl FnOnce(&mut ReplyRules) -> T) -> T {
        run(&mut self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shows no template.
impl fmt::Debug for RuleHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.with_rules(|rules| rules.rules().len());
        f.debug_struct("RuleHandler").field("rules", &count).finish_non_exhaustive()
    }
}
