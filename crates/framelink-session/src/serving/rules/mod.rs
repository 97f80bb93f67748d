//! Rules by which a server answers requests: which rule answers, with which reply, and with which fault.

mod fault;
mod header;
mod rule;

pub use fault::{LastBytes, ReplyFault};
pub use header::ReplyHeader;
pub use rule::ReplyRule;

use std::sync::Arc;
use std::time::Duration;

use framelink_template::{ComposeError, Inputs};

/// The reply rules of a server, and how many requests of one connection each rule has answered.
///
/// The first rule answers whose match holds and that is not used up. The time, numbers and other values of a reply are
/// arguments, so each decision can be repeated.
///
/// ```
/// use framelink_session::{Numbers, ReplyRule, ReplyRules};
/// use framelink_template::Inputs;
///
/// // The first sign-on is refused, and each further one is accepted.
/// let refused = ReplyRule::new("0:4=text:0800".parse()?).say("text:0810{request:4:6}91".parse()?).times(1);
/// let accepted = ReplyRule::new("0:4=text:0800".parse()?).say("text:0810{request:4:6}00".parse()?);
/// let mut rules = ReplyRules::new([refused, accepted]);
///
/// let numbers = Numbers::new(1..=999_999).expect("not empty");
/// let mut reply = |request| rules.answer(request, &Inputs::system(&numbers)).unwrap().message;
/// assert_eq!(reply(b"0800000001"), Some(b"081000000191".to_vec()));
/// assert_eq!(reply(b"0800000002"), Some(b"081000000200".to_vec()));
/// assert_eq!(reply(b"0200000003"), None, "no rule is for this request");
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReplyRules {
    rules: Arc<[ReplyRule]>,
    /// How many requests each rule has answered. A rule without a limit is not counted.
    answered: Box<[u32]>,
}

/// How a request is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuledReply {
    /// The index of the rule. `None`: no rule is for this request.
    pub rule: Option<usize>,
    /// The reply. `None`: no reply is sent.
    pub message: Option<Vec<u8>>,
    /// How long to wait before the reply is sent.
    pub after: Duration,
    /// What goes wrong with the reply.
    pub fault: Option<ReplyFault>,
}

impl ReplyRules {
    /// The most rules of a profile: 32.
    pub const MOST: usize = 32;

    /// Creates the state of a new connection.
    #[must_use]
    pub fn new(rules: impl Into<Arc<[ReplyRule]>>) -> Self {
        let rules = rules.into();
        let answered = vec![0; rules.len()].into();
        Self { rules, answered }
    }

    /// Returns the rules, in their order.
    pub fn rules(&self) -> &[ReplyRule] {
        &self.rules
    }

    /// Decides how a request is answered. `inputs` need not contain the request. The rule counts the request also if its
    /// reply cannot be composed.
    ///
    /// # Errors
    /// If the reply cannot be composed, for example because the request is too short for a copied field.
    pub fn answer(&mut self, request: &[u8], inputs: &Inputs<'_>) -> Result<RuledReply, ComposeError> {
        let Some((at, rule)) = self.take(request) else { return Ok(RuledReply::default()) };
        let message = rule.reply().map(|reply| reply.compose(&inputs.answering(request))).transpose()?;
        Ok(RuledReply { rule: Some(at), message, after: rule.delay(), fault: rule.reply_fault() })
    }

    /// Returns the rule for a request, and counts the request.
    fn take(&mut self, request: &[u8]) -> Option<(usize, ReplyRule)> {
        let mut rules = self.rules.iter().zip(&mut self.answered).enumerate();
        let (at, (rule, answered)) = rules.find(|(_, (rule, answered))| {
            rule.limit().is_none_or(|most| **answered < most) && rule.when().holds(request, None)
        })?;
        if rule.limit().is_some() {
            *answered += 1;
        }
        Some((at, rule.clone()))
    }

    /// Returns the rules that answer no request, each with the earlier rule that takes all of its requests. Matches are
    /// compared only for equality, and with `any`.
    pub fn unreachable(rules: &[ReplyRule]) -> impl Iterator<Item = (usize, usize)> {
        let takes_all = |earlier: &ReplyRule, later: &ReplyRule| {
            earlier.limit().is_none() && (earlier.when().is_any() || earlier.when() == later.when())
        };
        rules.iter().enumerate().filter_map(move |(at, rule)| {
            let before = rules.get(..at)?.iter().position(|earlier| takes_all(earlier, rule))?;
            Some((at, before))
        })
    }
}
