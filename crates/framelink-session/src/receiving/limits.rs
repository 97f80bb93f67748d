//! How long what is to come may take.

use std::time::Duration;

use framelink_codec::Decode;

use super::Receiving;

/// The limits of the start of a connection and of each message.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// How long the preamble may take, since the start.
    preamble: Option<Duration>,
    /// How long the first byte of the first message may take, since the start. `None` once it has come.
    first: Option<Duration>,
    after_heartbeat: AfterHeartbeat,
    /// How long a message may take from its first byte to its last.
    pub(super) frame: Option<Duration>,
    /// The limit that was over when it was looked at.
    late: Option<Late>,
}

/// How long the first message may take of a peer that has sent a heartbeat.
#[derive(Clone, Copy, Debug, Default)]
enum AfterHeartbeat {
    /// As long as of any other peer.
    #[default]
    AsBefore,
    /// So long, where that is longer.
    Within(Duration),
    /// For ever: a heartbeat is as good as a first message.
    Unlimited,
}

/// A limit that is over, and since when bytes come all the same.
#[derive(Clone, Copy, Debug)]
struct Late {
    limit_at: Duration,
    since: Duration,
}

impl Limits {
    /// Changes nothing where a heartbeat is as good as a first message.
    pub(super) const fn limit_first_request(&mut self, within: Duration) {
        if !matches!(self.after_heartbeat, AfterHeartbeat::Unlimited) {
            self.after_heartbeat = AfterHeartbeat::Within(within);
        }
    }

    pub(super) const fn take_heartbeat_for_first(&mut self) {
        self.after_heartbeat = AfterHeartbeat::Unlimited;
    }

    /// The first message may take as long as it likes. Where the preamble is owed, its limit stays.
    pub(super) fn unlimit_first(&mut self, owes_preamble: bool) {
        if owes_preamble {
            self.preamble = self.preamble.or(self.first);
        }
        self.first = None;
    }

    /// A message has come.
    #[inline]
    pub(super) const fn on_message(&mut self) {
        (self.first, self.late) = (None, None);
    }

    /// When the preamble is overdue, and its limit.
    #[inline]
    pub(super) fn preamble_overdue_at(&self) -> Option<(Duration, Duration)> {
        let within = self.preamble.or(self.first)?;
        Some((within, within))
    }

    /// When the message that is to come is overdue, and its limit. `frames` have come before, and its first byte came at `begun_at`.
    #[inline]
    pub(super) fn message_overdue_at(&self, frames: u64, begun_at: Option<Duration>) -> Option<(Duration, Duration)> {
        let first = self.first_after(frames);
        let (since, within) = match begun_at {
            // Heartbeats that follow one another without a pause are no first message either.
            Some(begun_at) if first.is_none_or(|first| begun_at <= first) => (begun_at, self.frame?),
            _ => (Duration::ZERO, first?),
        };
        Some((since.saturating_add(within), within))
    }

    /// How long the first message may take to begin, while there was none.
    #[inline]
    fn first_after(&self, frames: u64) -> Option<Duration> {
        let first = self.first?;
        match self.after_heartbeat {
            _ if frames == 0 => Some(first),
            AfterHeartbeat::AsBefore => Some(first),
            AfterHeartbeat::Within(longer) => Some(longer.max(first)),
            AfterHeartbeat::Unlimited => None,
        }
    }

    /// For how long bytes have come though the limit was over at `limit_at`.
    pub(super) fn late_for(&mut self, limit_at: Duration, now: Duration) -> Duration {
        let late = self.late.filter(|late| late.limit_at == limit_at).unwrap_or(Late { limit_at, since: now });
        self.late = Some(late);
        now.saturating_sub(late.since)
    }
}

impl<D: Decode> Receiving<D> {
    /// How long the preamble may take, since the start of the connection. Defaults to as long as the first message.
    pub const fn limit_preamble(&mut self, within: Duration) {
        self.limits.preamble = Some(within);
    }

    /// How long the first message may take to begin, since the start of the connection. A heartbeat is not a message. Defaults to for ever.
    pub const fn limit_first(&mut self, within: Duration) {
        self.limits.first = Some(within);
    }

    /// The same for a peer that has sent a heartbeat, where that may take longer. Defaults to no longer.
    pub const fn limit_first_request(&mut self, within: Duration) {
        self.limits.limit_first_request(within);
    }

    /// The peer may never have anything to say but heartbeats, because it only listens: one of them is as good as a first message.
    pub const fn take_heartbeat_for_first(&mut self) {
        self.limits.take_heartbeat_for_first();
    }

    /// The first message may take as long as it likes to begin, for it is us who ask. What was said of the preamble stays.
    pub fn unlimit_first(&mut self) {
        let owes_preamble = self.owes_preamble();
        self.limits.unlimit_first(owes_preamble);
        if let Some(lifetime) = &mut self.lifetime {
            lifetime.unlimit();
        }
    }

    /// How long a message may take from its first byte to its last, however its bytes dribble. Defaults to for ever.
    pub const fn limit_frame(&mut self, within: Duration) {
        self.limits.frame = Some(within);
    }

    /// When the limit for what is to come is over, and the limit.
    #[must_use]
    pub fn overdue_at(&self) -> Option<(Duration, Duration)> {
        if self.owes_preamble() {
            return self.limits.preamble_overdue_at();
        }
        self.limits.message_overdue_at(self.frames, self.begun_at)
    }

    /// For how long bytes have come though the limit was over at that time.
    pub fn late_for(&mut self, limit_at: Duration, now: Duration) -> Duration {
        self.limits.late_for(limit_at, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_message_is_limited_until_it_has_come() {
        let mut limits = Limits { first: Some(s(10)), frame: Some(s(3)), ..Limits::default() };
        assert_eq!(limits.message_overdue_at(0, None), Some((s(10), s(10))));
        assert_eq!(limits.message_overdue_at(0, Some(s(4))), Some((s(7), s(3))), "it has begun");
        assert_eq!(limits.message_overdue_at(0, Some(s(11))), Some((s(10), s(10))), "it began too late");
        limits.on_message();
        assert_eq!(limits.message_overdue_at(1, None), None);
        assert_eq!(limits.message_overdue_at(1, Some(s(20))), Some((s(23), s(3))));
    }

    #[test]
    fn a_heartbeat_leaves_the_limit_prolongs_it_or_ends_it() {
        let mut limits = Limits { first: Some(s(10)), ..Limits::default() };
        assert_eq!(limits.message_overdue_at(1, None), Some((s(10), s(10))));
        limits.limit_first_request(s(5));
        assert_eq!(limits.message_overdue_at(1, None), Some((s(10), s(10))), "it never shortens the limit");
        limits.limit_first_request(s(60));
        assert_eq!(limits.message_overdue_at(1, None), Some((s(60), s(60))));
        assert_eq!(limits.message_overdue_at(0, None), Some((s(10), s(10))), "without a heartbeat");
        limits.take_heartbeat_for_first();
        assert_eq!(limits.message_overdue_at(1, None), None);
        limits.limit_first_request(s(60));
        assert_eq!(limits.message_overdue_at(1, None), None, "one heartbeat stays enough");
    }

    #[test]
    fn the_limit_of_a_preamble_outlives_that_of_the_first_message() {
        let mut limits = Limits { first: Some(s(10)), ..Limits::default() };
        assert_eq!(limits.preamble_overdue_at(), Some((s(10), s(10))));
        limits.unlimit_first(true);
        assert_eq!(limits.preamble_overdue_at(), Some((s(10), s(10))));
        assert_eq!(limits.message_overdue_at(0, None), None);
    }

    #[test]
    fn lateness_is_counted_from_the_first_look_at_each_limit() {
        let mut limits = Limits::default();
        assert_eq!(limits.late_for(s(10), s(12)), s(0));
        assert_eq!(limits.late_for(s(10), s(15)), s(3));
        assert_eq!(limits.late_for(s(20), s(21)), s(0), "another limit");
    }
}
