//! How replies are matched to requests.

use crate::calls::KeyRule;

/// How replies are matched to requests, and how many calls may be in flight.
///
/// ```
/// use framelink_session::{KeyRule, Matching};
///
/// let in_order = Matching::in_order().window(8);
/// let by_key = Matching::by_key(KeyRule::at("0:4".parse()?)).window(64).serialized(true);
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Matching {
    /// `None`: replies come in order.
    pub(super) key: Option<KeyRule>,
    pub(super) window: usize,
    pub(super) unanswered: usize,
    pub(super) is_serialized: bool,
}

impl Matching {
    /// The default window: 64 calls in flight.
    pub const WINDOW: usize = 64;
    /// The default number of given-up calls that may stay unanswered: 4096. The connection ends if there are more.
    pub const UNANSWERED: usize = 4096;

    /// Replies come in the order of their requests.
    #[must_use]
    pub const fn in_order() -> Self {
        Self { key: None, window: Self::WINDOW, unanswered: Self::UNANSWERED, is_serialized: false }
    }

    /// Replies come in any order, and each contains the key of its request.
    #[must_use]
    pub const fn by_key(rule: KeyRule) -> Self {
        Self { key: Some(rule), window: Self::WINDOW, unanswered: Self::UNANSWERED, is_serialized: false }
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
