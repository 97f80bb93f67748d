//! How replies find their requests.

use crate::calls::KeyRule;

/// How replies are told apart, and how many calls there may be.
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
    /// `None`: in order.
    pub(super) key: Option<KeyRule>,
    pub(super) window: usize,
    pub(super) unanswered: usize,
    pub(super) is_serialized: bool,
}

impl Matching {
    /// So many calls may be in flight, unless told otherwise: 64.
    pub const WINDOW: usize = 64;
    /// So many keys of calls that were given up are remembered: 4096. A peer that leaves more unanswered has lost its mind,
    /// and the connection ends.
    pub const UNANSWERED: usize = 4096;

    /// Replies come in the order of their requests.
    #[must_use]
    pub const fn in_order() -> Self {
        Self { key: None, window: Self::WINDOW, unanswered: Self::UNANSWERED, is_serialized: false }
    }

    /// Replies come in any order, and each has the key of its request.
    #[must_use]
    pub const fn by_key(rule: KeyRule) -> Self {
        Self { key: Some(rule), window: Self::WINDOW, unanswered: Self::UNANSWERED, is_serialized: false }
    }

    /// So many calls may be in flight at a time, at least 1; the next one waits. Defaults to 64.
    #[must_use]
    pub const fn window(mut self, calls: usize) -> Self {
        self.window = if calls == 0 { 1 } else { calls };
        self
    }

    /// Whether a request whose key is in flight waits until that is answered, so that those with one key go one after the other.
    /// Defaults to no: it is refused.
    #[must_use]
    pub const fn serialized(mut self, yes: bool) -> Self {
        self.is_serialized = yes;
        self
    }

    /// So many calls that were given up may be unanswered, by key, before the connection ends. Defaults to 4096.
    #[must_use]
    pub const fn unanswered(mut self, calls: usize) -> Self {
        self.unanswered = calls;
        self
    }

    /// Whether a request waits for the one before with the same key.
    #[must_use]
    pub const fn is_serialized(&self) -> bool {
        self.is_serialized
    }

    /// Whether replies come in the order of their requests.
    #[must_use]
    pub const fn is_in_order(&self) -> bool {
        self.key.is_none()
    }
}
