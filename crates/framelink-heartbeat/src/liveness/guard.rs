//! The limit on answers.

use core::time::Duration;

/// Limits the rate of answers, so that no peer makes us answer without end, and two peers that answer each other's
/// answers come to rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    /// The average time between two answers.
    gap: Duration,
    /// How many answers may go at once.
    burst: u32,
    /// When a full burst is possible again.
    paid_at: Duration,
    pub(crate) refused: u64,
}

/// The answers that may go at once; after that one goes each 100 ms.
const BURST: u32 = 16;
const GAP: Duration = Duration::from_millis(100);

impl Guard {
    /// A peer may take an answer that looks like a probe for one: at most one goes in half an interval.
    pub(crate) fn new(is_symmetric: bool, interval: Duration) -> Self {
        let (gap, burst) = if is_symmetric { (interval / 2, 1) } else { (GAP.min(interval), BURST) };
        Self { gap, burst, paid_at: Duration::ZERO, refused: 0 }
    }

    pub(crate) fn lets_through(&mut self, now: Duration) -> bool {
        let debt = self.paid_at.saturating_sub(now);
        let is_let = debt <= self.gap * (self.burst - 1);
        if is_let {
            self.paid_at = now.max(self.paid_at).saturating_add(self.gap);
        } else {
            self.refused += 1;
        }
        is_let
    }
}
