//! The messages that were sent and received on a connection.

/// How many messages were sent and received on a connection. Shows whether replies to plain sends may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Traffic {
    /// Returns whether a message was received since `before` or, with `discard_unsolicited`, one was sent.
    pub(crate) const fn was_useful_since(self, before: Self, discard_unsolicited: bool) -> bool {
        self.received > before.received || (discard_unsolicited && self.sent > before.sent)
    }

    /// Returns whether more messages were sent than received since `before`.
    pub(crate) const fn owes_since(self, before: Self) -> bool {
        self.sent.saturating_sub(before.sent) > self.received.saturating_sub(before.received)
    }
}
