//! The messages that were sent and received on a connection.

/// How many messages were sent and received on a connection. This shows whether a reply may still arrive to a request that was sent, and
/// not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Traffic {
    /// Whether an exchange has succeeded since then: a message was received, or one was sent where nothing is received.
    pub(crate) const fn was_useful_since(self, before: Self, discard_unsolicited: bool) -> bool {
        self.received > before.received || (discard_unsolicited && self.sent > before.sent)
    }

    /// Whether more messages were sent than received since then.
    pub(crate) const fn owes_since(self, before: Self) -> bool {
        self.sent.saturating_sub(before.sent) > self.received.saturating_sub(before.received)
    }
}
