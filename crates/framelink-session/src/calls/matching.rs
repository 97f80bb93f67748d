//! How replies are matched to requests.

use framelink_template::{Match, Numbers};

use crate::calls::{KeyRule, KeysInUse};

/// How replies are matched to requests, and how many calls may be in flight.
///
/// ```
/// use framelink_session::{KeyRule, Matching};
///
/// let in_order = Matching::in_order().window(8);
/// let by_key = Matching::by_key(KeyRule::at("0:4".parse()?)).window(64).serialized(true);
/// // SMPP: the sequence number, and bit 80 of the command is set in responses.
/// let smpp = Matching::by_key(KeyRule::at("8:4".parse()?)).reply_rule("0:1&80=hex:80".parse()?);
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Matching {
    /// `None`: replies come in order.
    pub(super) key: Option<KeyRule>,
    pub(super) window: usize,
    pub(super) unanswered: usize,
    pub(super) is_serialized: bool,
    pub(super) reply_rule: Option<Match>,
    pub(super) numbers: Option<Numbers>,
    /// Set where heartbeats choose numbers too.
    pub(super) in_use: Option<KeysInUse>,
}

impl Matching {
    /// The default window: 64 calls in flight.
    pub const WINDOW: usize = 64;
    /// The default number of given-up calls that may stay unanswered: 4096. The connection ends if there are more.
    pub const UNANSWERED: usize = 4096;

    /// Replies come in the order of their requests.
    #[must_use]
    pub const fn in_order() -> Self {
        Self::new(None)
    }

    /// Replies come in any order, and each contains the key of its request.
    #[must_use]
    pub const fn by_key(rule: KeyRule) -> Self {
        Self::new(Some(rule))
    }

    const fn new(key: Option<KeyRule>) -> Self {
        let (window, unanswered) = (Self::WINDOW, Self::UNANSWERED);
        Self { key, window, unanswered, is_serialized: false, reply_rule: None, numbers: None, in_use: None }
    }

    /// Sets which messages can be replies at all. A message that fails the rule is unsolicited, even if it has the key
    /// of a call in flight. Defaults to all messages.
    ///
    /// In the rule, `request` is the request of the call with the message's key; in order, the request of the oldest
    /// call. Then the session keeps the bytes of each request in flight up to the last place that the rule names, and
    /// for [`Match::by`] the whole request.
    #[must_use]
    pub fn reply_rule(mut self, rule: Match) -> Self {
        self.reply_rule = Some(rule);
        self
    }

    /// Sets the source of the numbers that the session [assigns](KeyRule::assigned), to share it with other connections
    /// and with heartbeats. Defaults to a source of the connection's own, from 1 to the largest number that fits. A
    /// call whose number does not fit its place fails.
    #[must_use]
    pub fn numbers(mut self, numbers: Numbers) -> Self {
        self.numbers = Some(numbers);
        self
    }

    /// Sets how many calls may be in flight, at least 1. Further calls wait. Defaults to 64.
    #[must_use]
    pub const fn window(mut self, calls: usize) -> Self {
        self.window = if calls == 0 { 1 } else { calls };
        self
    }

    /// Sets whether a request waits while another request with its key is in flight, so that requests with one key run
    /// one after the other. Defaults to no: such a request is refused.
    #[must_use]
    pub const fn serialized(mut self, yes: bool) -> Self {
        self.is_serialized = yes;
        self
    }

    /// By key, sets how many given-up calls may stay unanswered before the connection ends. Defaults to 4096.
    #[must_use]
    pub const fn unanswered(mut self, calls: usize) -> Self {
        self.unanswered = calls;
        self
    }

    /// Returns whether a request waits for an earlier request with its key.
    #[must_use]
    pub const fn is_serialized(&self) -> bool {
        self.is_serialized
    }

    /// Returns whether replies come in the order of their requests.
    #[must_use]
    pub const fn is_in_order(&self) -> bool {
        self.key.is_none()
    }
}

impl Matching {
    /// Sets the source of numbers if the session assigns numbers and none is set.
    #[must_use]
    pub fn or_numbers(mut self, numbers: Option<&Numbers>) -> Self {
        if self.numbers.is_none() && self.assigns() {
            self.numbers = numbers.cloned();
        }
        self
    }

    /// Returns whether the session assigns numbers.
    #[must_use]
    pub fn assigns(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.most_assigned().is_some())
    }

    /// Returns the keys in use of the connection that this is for, to share them with its heartbeats. `None` in order.
    pub(crate) fn share_keys(&mut self) -> Option<KeysInUse> {
        self.in_use = self.key.clone().map(KeysInUse::new);
        self.in_use.clone()
    }

    /// Returns the source of the numbers that the session assigns, if it does.
    pub(super) fn take_numbers(&mut self) -> Option<Numbers> {
        let most = self.key.as_ref()?.most_assigned()?;
        self.numbers.take().or_else(|| Numbers::new(1..=most))
    }
}
