//! One rule.

use std::time::Duration;

use framelink_template::{Match, Template};

use super::ReplyFault;

/// One rule of a server: which requests it answers, and how.
///
/// ```
/// use std::time::Duration;
/// use framelink_session::{ReplyFault, ReplyRule};
///
/// let rule = ReplyRule::new("0:4=text:0200".parse()?)
///     .say("text:0210{request:4:6}00".parse()?)
///     .after(Duration::from_secs(2))
///     .fault(ReplyFault::CutReset)
///     .times(1);
/// assert_eq!((rule.delay(), rule.limit()), (Duration::from_secs(2), Some(1)));
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct ReplyRule {
    when: Match,
    say: Option<Template>,
    after: Duration,
    fault: Option<ReplyFault>,
    times: Option<u32>,
}

impl ReplyRule {
    /// The longest delay: a day.
    pub const LONGEST_DELAY: Duration = Duration::from_secs(86_400);
    /// The most requests of a rule with a limit: a million.
    pub const MOST_TIMES: u32 = 1_000_000;

    /// Creates a rule for requests that satisfy this match. It sends no reply.
    pub const fn new(when: Match) -> Self {
        Self { when, say: None, after: Duration::ZERO, fault: None, times: None }
    }

    /// Sets the reply, in which `request` is the request. Defaults to none.
    pub fn say(mut self, reply: Template) -> Self {
        self.say = Some(reply);
        self
    }

    /// Sets how long to wait before the reply. Defaults to zero.
    pub const fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// Sets what goes wrong with the reply. Defaults to nothing.
    pub const fn fault(mut self, fault: ReplyFault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Sets how many requests of a connection the rule answers. Then later rules answer them. Defaults to no limit.
    pub const fn times(mut self, most: u32) -> Self {
        self.times = Some(most);
        self
    }

    /// Returns which requests are answered.
    #[must_use]
    pub const fn when(&self) -> &Match {
        &self.when
    }

    /// Returns the reply.
    #[must_use]
    pub const fn reply(&self) -> Option<&Template> {
        self.say.as_ref()
    }

    /// Returns how long to wait before the reply.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.after
    }

    /// Returns what goes wrong with the reply.
    #[must_use]
    pub const fn reply_fault(&self) -> Option<ReplyFault> {
        self.fault
    }

    /// Returns how many requests of a connection the rule answers. `None`: all.
    #[must_use]
    pub const fn limit(&self) -> Option<u32> {
        self.times
    }
}
