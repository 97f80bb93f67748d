//! How one address fares.

use std::time::Duration;

use super::random::Random;
use crate::profile::Reconnect;

/// How one address fares, and when it is dialled next.
///
/// ```text
///              failed                     dialled and signed on              a useful exchange
///   well ─────────────────▶ down ─────────────────────────────▶ back ─────────────────────────▶ well
///                          ▲    │ failed: the delay grows        │
///                          └────┘                                │ lost before it was of use: the delay grows
///                          ▲─────────────────────────────────────┘
/// ```
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    /// So often in a row, without a useful exchange in between.
    pub(super) failures: u32,
    pub(super) failed_at: Duration,
    /// It was dialled, and signed on, since it failed last.
    pub(super) is_back: bool,
    /// Not dialled before.
    pub(super) next_try: Duration,
    /// Not tried in the background before, and left alone until then where it failed too often.
    pub(super) probe_at: Duration,
    pub(super) connections: usize,
    pub(super) in_flight: usize,
}

impl Health {
    pub(super) const fn is_down(&self) -> bool {
        self.failures > 0 && !self.is_back && self.connections == 0
    }

    /// It is dialled now. One that has failed is so by one at a time: whoever comes next waits for another time of its own.
    pub(super) fn on_dialled(&mut self, reconnect: &Reconnect, random: &mut Random, now: Duration) {
        if self.failures > 0 {
            self.next_try = now + self.delay(reconnect, random);
            self.put_off_probe(reconnect, random, now);
        }
    }

    /// What was dialled then has failed. What was so before the last failure is the same failure: many who lose a server at once
    /// have lost it once. True if it is another one.
    pub(super) fn on_failed(
        &mut self,
        reconnect: &Reconnect,
        random: &mut Random,
        dialled_at: Duration,
        now: Duration,
    ) -> bool {
        if self.failures > 0 && dialled_at < self.failed_at {
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        self.failed_at = now;
        self.is_back = false;
        self.next_try = now + self.delay(reconnect, random);
        self.put_off_probe(reconnect, random, now);
        true
    }

    /// The next try in the background: within `fail_back`, and not all clients at once.
    fn put_off_probe(&mut self, reconnect: &Reconnect, random: &mut Random, now: Duration) {
        let half = reconnect.fail_back / 2;
        self.probe_at = now + half + random.up_to(half);
    }

    /// Whether it returns by that. Others may follow, but its failures are not forgotten: if the connection is lost before it was of
    /// use, that is one more.
    pub(super) const fn on_connected(&mut self) -> bool {
        let returns = self.is_down();
        self.is_back = true;
        self.next_try = Duration::ZERO;
        returns
    }

    /// A connection that was made after the last failure was of use. One that is older says nothing of dialling.
    pub(super) fn on_useful(&mut self, connected_at: Duration) -> bool {
        let is_well_again = self.failures > 0 && self.is_back && connected_at >= self.failed_at;
        if is_well_again {
            self.failures = 0;
        }
        is_well_again
    }

    /// Full jitter: all of the time is up to chance.
    fn delay(&self, reconnect: &Reconnect, random: &mut Random) -> Duration {
        random.up_to(window(reconnect, self.failures))
    }
}

/// Within so long the next try comes, after so many failures in a row.
pub(super) fn window(reconnect: &Reconnect, failures: u32) -> Duration {
    let Some(doubled) = failures.checked_sub(1) else { return Duration::ZERO };
    let factor = 1_u32.checked_shl(doubled).unwrap_or(u32::MAX);
    reconnect.first.saturating_mul(factor).min(reconnect.cap)
}
