//! How a server answers, as data: its reply rules, and the headers that replies carry back.

use std::sync::Arc;

use framelink_session::{ReplyHeader, ReplyRule, ReplyRules};

use super::Profile;

/// How a server answers. Clients do not use it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Replying {
    pub(super) rules: Vec<ReplyRule>,
    pub(super) header: Option<ReplyHeader>,
}

/// Keys with the number of a rule, from 1.
macro_rules! numbered {
    ($field:literal: $($number:literal)+) => {
        [$(concat!("reply.", $number, ".", $field)),+]
    };
    ($field:literal) => {
        numbered!($field: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)
    };
}

/// The keys of a field of each rule.
pub(super) struct ReplyKeys([&'static str; ReplyRules::MOST]);

impl ReplyKeys {
    pub(super) const WHEN: Self = Self(numbered!("when"));
    pub(super) const SAY: Self = Self(numbered!("say"));
    pub(super) const AFTER: Self = Self(numbered!("after"));
    pub(super) const FAULT: Self = Self(numbered!("fault"));
    pub(super) const TIMES: Self = Self(numbered!("times"));

    /// Returns the key of the rule with this index. There are never more rules than keys.
    pub(super) fn at(&self, index: usize) -> &'static str {
        self.0.get(index).or(self.0.last()).copied().unwrap_or_default()
    }
}

impl Profile {
    /// Returns the rules by which a server for tests answers, such as `framelink serve`.
    ///
    /// ```
    /// use framelink_profile::{Framing, Profile};
    /// use framelink_session::{Numbers, ReplyRule, ReplyRules};
    /// use framelink_template::Inputs;
    ///
    /// let echo = ReplyRule::new("0:4=text:0800".parse()?).say("text:0810{request:4:6}00".parse()?);
    /// let profile = Profile::builder("ascii:4".parse::<Framing>()?).server_replies([echo]).build()?;
    /// let mut rules = ReplyRules::new(profile.server_replies());
    /// let numbers = Numbers::over(profile.number_range());
    /// let reply = rules.answer(b"0800000007", &Inputs::system(&numbers))?;
    /// assert_eq!(reply.message.as_deref(), Some(&b"081000000700"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn server_replies(&self) -> &[ReplyRule] {
        self.replying.as_deref().map_or(&[], |replying| &replying.rules)
    }

    /// Returns the header of requests that a bridge keeps aside and that its replies carry back.
    #[must_use]
    pub fn reply_header(&self) -> Option<&ReplyHeader> {
        self.replying.as_deref()?.header.as_ref()
    }

    pub(super) fn replying_of(said: &Replying) -> Option<Arc<Replying>> {
        (*said != Replying::default()).then(|| Arc::new(said.clone()))
    }
}
