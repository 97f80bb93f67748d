//! The health of one address.

use std::time::Duration;

use super::random::Random;
use crate::profile::Reconnect;

/// The health of one address, and when it is dialled next.
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
    /// How often the address failed in a row, without a useful exchange in between.
    pub(super) failures: u32,
    pub(super) failed_at: Duration,
    /// Whether the address was dialled, with sign-on, since its last failure.
    pub(super) is_back: bool,
    /// The address is not dialled before this time.
    pub(super) next_try: Duration,
    /// The background does not try the address before this time. An ejected address is left alone until then.
    pub(super) probe_at: Duration,
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    /// Whether the address is never dialled again.
    pub(super) is_stopped: bool,
}

impl Health {
    pub(super) const fn is_down(&self) -> bool {
        self.failures > 0 && !self.is_back && self.connections == 0
    }

    /// Notes a dial. After a failure only one caller at a time dials; the next caller waits for another random delay.
    pub(super) fn on_dialled(&mut self, reconnect: &Reconnect, random: &mut Random, now: Duration) {
        if self.failures > 0 {
            self.next_try = now + self.delay(reconnect, random);
            self.put_off_probe(reconnect, random, now);
        }
    }

    /// Notes that a dial or a connection of the time `dialled_at` has failed. If that was before the last failure, it
    /// belongs to it: many connections that lose a server at one moment are one failure. Returns true otherwise.
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

    /// Delays the next background try by a random time within `fail_back`, which spreads the clients.
    fn put_off_probe(&mut self, reconnect: &Reconnect, random: &mut Random, now: Duration) {
        let half = reconnect.fail_back / 2;
        self.probe_at = now + half + random.up_to(half);
    }

    /// Notes a connection. Returns whether the address was down and has returned, so that other connections may follow.
    /// Its failures are not forgotten yet: if the connection is lost before it was useful, that is one more.
    pub(super) const fn on_connected(&mut self) -> bool {
        let returns = self.is_down();
        self.is_back = true;
        self.next_try = Duration::ZERO;
        returns
    }

    /// Notes a useful connection. Returns whether the address is well again. An older connection proves no dial.
    pub(super) fn on_useful(&mut self, connected_at: Duration) -> bool {
        let is_well_again = self.failures > 0 && self.is_back && connected_at >= self.failed_at;
        if is_well_again {
            self.failures = 0;
        }
        is_well_again
    }

    /// Full jitter: any delay up to the window.
    fn delay(&self, reconnect: &Reconnect, random: &mut Random) -> Duration {
        random.up_to(window(reconnect, self.failures))
    }
}

/// Returns the longest delay before the next try, after this many failures in a row.
pub(super) fn window(reconnect: &Reconnect, failures: u32) -> Duration {
    let Some(doubled) = failures.checked_sub(1) else { return Duration::ZERO };
    let factor = 1_u32.checked_shl(doubled).unwrap_or(u32::MAX);
    reconnect.first.saturating_mul(factor).min(reconnect.cap)
}
