//! What went and what came.

/// How many messages went on a connection, and how many came: by that it is told whether a reply is on its way still to a request that
/// was sent, and not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Traffic {
    /// Whether an exchange went well since then: something came, or went where nothing comes.
    pub(crate) const fn was_useful_since(self, before: Self, is_deaf: bool) -> bool {
        self.received > before.received || (is_deaf && self.sent > before.sent)
    }

    /// Whether more went than came since then.
    pub(crate) const fn owes_since(self, before: Self) -> bool {
        self.sent.saturating_sub(before.sent) > self.received.saturating_sub(before.received)
    }
}
