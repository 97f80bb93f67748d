//! The end of a server: how long it may take, and what came of it.

use std::time::Duration;

use super::stats::ServerCounts;
use crate::session::Stage;

/// How far the drain of a server is. Time is an argument, since a moment that the server chose.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Drain {
    /// When half of the time is over, and when all of it is.
    times: Option<[Duration; 2]>,
    /// What had been counted when it began.
    pub(super) before: ServerCounts,
}

/// What came of draining a server. Each request is counted once.
///
/// ```
/// use framelink_transport::DrainReport;
///
/// assert!(DrainReport::default().is_clean(), "nothing was in flight");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// So many requests were answered wholly since it began: with nothing, or with a reply that the system took whole.
    pub answered: u64,
    /// So many were taken, and were not when the time was over.
    pub cut: u64,
    /// So many messages came on connections that had ended already, and were not taken.
    pub discarded: u64,
    /// So many connections ended since it began, each at a quiet moment or by its own fault.
    pub closed: u64,
    /// So many were cut when the time was over.
    pub connections_cut: u64,
    /// So many connections were refused since the server was bound because their client may not connect. Refusals during the drain are
    /// counted as well, here and below. They are no reason why a drain is not [clean](Self::is_clean).
    pub refused_by_access: u64,
    /// So many were refused, since the server was bound, because there were as many connections as there may be.
    pub refused_by_total: u64,
    /// So many were refused, since the server was bound, because there were as many of their client.
    pub refused_by_client: u64,
}

impl DrainReport {
    /// Whether nothing was cut.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.cut == 0 && self.connections_cut == 0
    }

    /// All that were refused since the server was bound.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused_by_access + self.refused_by_total + self.refused_by_client
    }
}

/// It is not known then what was cut.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
impl crate::driver::Suspended for DrainReport {
    fn suspended() -> Self {
        Self { connections_cut: 1, ..Self::default() }
    }
}

impl Drain {
    /// The server is to end within this time. A second order can make it shorter only; true if this is the first.
    pub(crate) fn order(&mut self, now: Duration, within: Duration, before: impl FnOnce() -> ServerCounts) -> bool {
        let times = [within / 2, within].map(|time| now.saturating_add(time));
        let Some(earlier) = self.times else {
            *self = Self { times: Some(times), before: before() };
            return true;
        };
        self.times = Some([earlier[0].min(times[0]), earlier[1].min(times[1])]);
        false
    }

    pub(crate) fn stage(&self, now: Duration) -> Stage {
        match self.times {
            None => Stage::Open,
            Some([half_over, _]) if now < half_over => Stage::Draining,
            Some([_, over]) if now < over => Stage::Closing,
            Some(_) => Stage::Cut,
        }
    }

    /// When the next stage comes; `None` where time brings none.
    pub(crate) fn next_at(&self, now: Duration) -> Option<Duration> {
        self.times?.into_iter().find(|&at| at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_time_is_for_taking_and_a_second_order_only_shortens() {
        let at = Duration::from_secs;
        let mut drain = Drain::default();
        assert_eq!((drain.stage(at(0)), drain.next_at(at(0))), (Stage::Open, None));
        assert!(drain.order(at(10), at(8), ServerCounts::default));
        assert_eq!((drain.stage(at(10)), drain.next_at(at(10))), (Stage::Draining, Some(at(14))));
        assert_eq!((drain.stage(at(14)), drain.next_at(at(14))), (Stage::Closing, Some(at(18))));
        assert!(!drain.order(at(15), at(100), ServerCounts::default));
        assert_eq!((drain.stage(at(18)), drain.next_at(at(18))), (Stage::Cut, None));
        let mut drain = Drain::default();
        drain.order(at(10), at(8), ServerCounts::default);
        drain.order(at(11), at(0), ServerCounts::default);
        assert_eq!(drain.stage(at(11)), Stage::Cut);
        drain.order(at(11), Duration::MAX, ServerCounts::default);
        assert_eq!(drain.stage(at(11)), Stage::Cut);
    }
}
