//! The limit on answers.

use crate::moment::Moment;
use crate::rules::Rules;

/// Limits the rate of answers, so that no peer makes us answer without end, and two peers that answer each other's
/// answers come to rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    /// When a full burst is possible again.
    paid_at: Moment,
}

/// The answers that may go at once; after that one goes each 100 ms.
const BURST: u64 = 16;
const GAP: u64 = 100_000_000;

impl Default for Guard {
    fn default() -> Self {
        Self { paid_at: Moment::START }
    }
}

impl Guard {
    pub(crate) fn lets_through(&mut self, rules: &Rules, now: Moment) -> bool {
        // A peer may take an answer that looks like a probe for one: at most one goes in half an interval.
        let (gap, burst) = match rules.is_symmetric {
            true => (rules.interval / 2, 1),
            false => (GAP.min(rules.interval), BURST),
        };
        let is_let = self.paid_at.since(now) <= gap * (burst - 1);
        if is_let {
            self.paid_at = now.max(self.paid_at).after(gap);
        }
        is_let
    }
}
