//! Time limits for the bytes to come.

use std::time::Duration;

use framelink_codec::Decode;
use framelink_heartbeat::Moment;

use super::Receiving;

/// The limits of the start of a connection and of each message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// For the preamble, counted from the start of the connection.
    preamble: Option<Moment>,
    /// For the first byte of the first message, counted from the start. `None` once it arrived.
    first: Option<Moment>,
    /// The same after a heartbeat, if this is longer. `None` if a heartbeat does not change the limit.
    after_heartbeat: Option<Moment>,
    /// For a message, from its first byte to its last.
    pub(super) frame: Option<Moment>,
    /// The limit that had passed at the last check.
    late: Option<Late>,
}

/// After a heartbeat there is no limit any more: the heartbeat counts as a first message.
const UNLIMITED: Moment = Moment::START.after(u64::MAX);

/// A limit that has passed, and since when bytes are still received.
#[derive(Clone, Copy, Debug)]
struct Late {
    limit_at: Moment,
    since: Moment,
}

impl Limits {
    /// Has no effect if a heartbeat counts as a first message.
    pub(super) fn limit_first_request(&mut self, within: Duration) {
        if self.after_heartbeat != Some(UNLIMITED) {
            self.after_heartbeat = Some(Moment::at(within));
        }
    }

    pub(super) const fn take_heartbeat_for_first(&mut self) {
        self.after_heartbeat = Some(UNLIMITED);
    }

    /// Removes the limit of the first message. A preamble that is owed keeps its limit.
    pub(super) fn unlimit_first(&mut self, owes_preamble: bool) {
        if owes_preamble {
            self.preamble = self.preamble.or(self.first);
        }
        self.first = None;
    }

    /// Records that a message was received.
    #[inline]
    pub(super) const fn on_message(&mut self) {
        (self.first, self.late) = (None, None);
    }

    /// Returns when the preamble is overdue, and its limit.
    #[inline]
    pub(super) fn preamble_overdue_at(&self) -> Option<(Duration, Duration)> {
        let within = self.preamble.or(self.first)?.time();
        Some((within, within))
    }

    /// Returns when the next message is overdue, and its limit. `frames` were received before it, and its first byte at
    /// `begun_at`.
    #[inline]
    pub(super) fn message_overdue_at(&self, frames: u64, begun_at: Option<Moment>) -> Option<(Duration, Duration)> {
        let first = self.first_after(frames);
        let (since, within) = match begun_at {
            // An endless sequence of heartbeats does not count as a first message either.
            Some(begun_at) if first.is_none_or(|first| begun_at <= first) => (begun_at, self.frame?),
            _ => (Moment::START, first?),
        };
        Some((since.after(within.since(Moment::START)).time(), within.time()))
    }

    /// Returns how long the first message may take to begin, while there is none.
    #[inline]
    fn first_after(&self, frames: u64) -> Option<Moment> {
        let first = self.first?;
        match self.after_heartbeat {
            Some(UNLIMITED) if frames > 0 => None,
            Some(longer) if frames > 0 => Some(longer.max(first)),
            _ => Some(first),
        }
    }

    /// Returns for how long bytes were received after the limit passed at `limit_at`.
    pub(super) fn late_for(&mut self, limit_at: Duration, now: Duration) -> Duration {
        let (limit_at, now) = (Moment::at(limit_at), Moment::at(now));
        let late = self.late.filter(|late| late.limit_at == limit_at).unwrap_or(Late { limit_at, since: now });
        self.late = Some(late);
        Duration::from_nanos(now.since(late.since))
    }
}

impl<D: Decode> Receiving<D> {
    /// Limits the preamble to `within` from the start of the connection. Defaults to the limit of the first message.
    pub fn limit_preamble(&mut self, within: Duration) {
        self.extras_mut().limits.preamble = Some(Moment::at(within));
    }

    /// Limits the start of the first message, from the start of the connection; heartbeats do not count. Defaults to no
    /// limit.
    pub fn limit_first(&mut self, within: Duration) {
        self.extras_mut().limits.first = Some(Moment::at(within));
    }

    /// Sets a longer limit of the first message for a peer that has sent a heartbeat. Defaults to no longer.
    pub fn limit_first_request(&mut self, within: Duration) {
        self.extras_mut().limits.limit_first_request(within);
    }

    /// Counts a heartbeat as the first message. For peers that only listen, and may never send anything else.
    pub fn take_heartbeat_for_first(&mut self) {
        self.extras_mut().limits.take_heartbeat_for_first();
    }

    /// Removes the limits of the first message and of the lifetime, because this side asks first. A preamble keeps its
    /// limit.
    pub fn unlimit_first(&mut self) {
        let owes_preamble = self.owes_preamble();
        let Some(extras) = &mut self.extras else { return };
        extras.limits.unlimit_first(owes_preamble);
        if let Some(lifetime) = &mut extras.lifetime {
            lifetime.unlimit();
        }
    }

    /// Limits a message to `within` from its first byte to its last. Defaults to no limit.
    pub fn limit_frame(&mut self, within: Duration) {
        self.extras_mut().limits.frame = Some(Moment::at(within));
    }

    /// Returns when the next message or the preamble is overdue, and its limit.
    #[inline]
    #[must_use]
    pub fn overdue_at(&self) -> Option<(Duration, Duration)> {
        let limits = &self.extras.as_ref()?.limits;
        if self.owes_preamble() {
            return limits.preamble_overdue_at();
        }
        limits.message_overdue_at(self.frames, self.begun_at)
    }

    /// Returns for how long bytes were received after the limit passed at `limit_at`.
    pub fn late_for(&mut self, limit_at: Duration, now: Duration) -> Duration {
        self.extras_mut().limits.late_for(limit_at, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn m(seconds: u64) -> Moment {
        Moment::at(s(seconds))
    }

    #[test]
    fn the_first_message_is_limited_until_it_is_received() {
        let mut limits = Limits { first: Some(m(10)), frame: Some(m(3)), ..Limits::default() };
        assert_eq!(limits.message_overdue_at(0, None), Some((s(10), s(10))));
        assert_eq!(limits.message_overdue_at(0, Some(m(4))), Some((s(7), s(3))), "it has begun");
        assert_eq!(limits.message_overdue_at(0, Some(m(11))), Some((s(10), s(10))), "it began too late");
        limits.on_message();
        assert_eq!(limits.message_overdue_at(1, None), None);
        assert_eq!(limits.message_overdue_at(1, Some(m(20))), Some((s(23), s(3))));
    }

    #[test]
    fn a_heartbeat_keeps_the_limit_extends_it_or_ends_it() {
        let mut limits = Limits { first: Some(m(10)), ..Limits::default() };
        assert_eq!(limits.message_overdue_at(1, None), Some((s(10), s(10))));
        limits.limit_first_request(s(5));
        assert_eq!(limits.message_overdue_at(1, None), Some((s(10), s(10))), "never shorter");
        limits.limit_first_request(s(60));
        assert_eq!(limits.message_overdue_at(1, None), Some((s(60), s(60))));
        assert_eq!(limits.message_overdue_at(0, None), Some((s(10), s(10))), "without a heartbeat");
        limits.take_heartbeat_for_first();
        assert_eq!(limits.message_overdue_at(1, None), None);
        limits.limit_first_request(s(60));
        assert_eq!(limits.message_overdue_at(1, None), None, "one heartbeat is enough");
    }

    #[test]
    fn the_limit_of_a_preamble_outlives_the_limit_of_the_first_message() {
        let mut limits = Limits { first: Some(m(10)), ..Limits::default() };
        assert_eq!(limits.preamble_overdue_at(), Some((s(10), s(10))));
        limits.unlimit_first(true);
        assert_eq!(limits.preamble_overdue_at(), Some((s(10), s(10))));
        assert_eq!(limits.message_overdue_at(0, None), None);
    }

    #[test]
    fn lateness_counts_from_the_first_check_of_each_limit() {
        let mut limits = Limits::default();
        assert_eq!(limits.late_for(s(10), s(12)), s(0));
        assert_eq!(limits.late_for(s(10), s(15)), s(3));
        assert_eq!(limits.late_for(s(20), s(21)), s(0), "another limit");
    }
}
