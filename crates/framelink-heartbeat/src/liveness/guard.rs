//! Who answers too much.

use core::time::Duration;

/// Lets so many answers through and no more, so that no peer makes us answer without end, and two that answer each other's answers
/// come to rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    /// Time from one to the next in the long run.
    gap: Duration,
    /// So many may come at once.
    burst: u32,
    /// When the debt of those that were let through is paid.
    paid_at: Duration,
    pub(crate) refused: u64,
}

/// So many probes of a peer are answered at once; after that one in each 100 ms.
const BURST: u32 = 16;
const GAP: Duration = Duration::from_millis(100);

impl Guard {
    /// Where an answer looks like a probe a peer may take it for one: no more than one in half an interval.
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
