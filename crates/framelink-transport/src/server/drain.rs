//! The drain of a server: its stages and their times.

use std::time::Duration;

use super::stats::{DrainReport, ServerCounts};
use crate::session::NoticeStage;

/// How far the drain of a server is. `now` is measured from a moment that the server chose.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Drain {
    /// When half of the time is over, and when all of it is.
    times: Option<[Duration; 2]>,
    /// The counts when the drain began.
    pub(super) before: ServerCounts,
}

/// An interrupted drain does not know what was cut.
impl crate::driver::Suspended for DrainReport {
    fn suspended() -> Self {
        Self { connections_cut: 1, ..Self::default() }
    }
}

impl Drain {
    /// Orders the server to end within this time. A second order can only shorten it. Returns true for the first order.
    pub(crate) fn order(&mut self, now: Duration, within: Duration, before: impl FnOnce() -> ServerCounts) -> bool {
        let times = [within / 2, within].map(|time| now.saturating_add(time));
        let Some(earlier) = self.times else {
            *self = Self { times: Some(times), before: before() };
            return true;
        };
        self.times = Some([earlier[0].min(times[0]), earlier[1].min(times[1])]);
        false
    }

    pub(crate) fn stage(&self, now: Duration) -> NoticeStage {
        match self.times {
            None => NoticeStage::Open,
            Some([half_over, _]) if now < half_over => NoticeStage::Draining,
            Some([_, over]) if now < over => NoticeStage::Closing,
            Some(_) => NoticeStage::Cut,
        }
    }

    /// Returns when the next stage begins. `None` if time brings no other stage.
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
        assert_eq!((drain.stage(at(0)), drain.next_at(at(0))), (NoticeStage::Open, None));
        assert!(drain.order(at(10), at(8), ServerCounts::default));
        assert_eq!((drain.stage(at(10)), drain.next_at(at(10))), (NoticeStage::Draining, Some(at(14))));
        assert_eq!((drain.stage(at(14)), drain.next_at(at(14))), (NoticeStage::Closing, Some(at(18))));
        assert!(!drain.order(at(15), at(100), ServerCounts::default));
        assert_eq!((drain.stage(at(18)), drain.next_at(at(18))), (NoticeStage::Cut, None));
        let mut drain = Drain::default();
        drain.order(at(10), at(8), ServerCounts::default);
        drain.order(at(11), at(0), ServerCounts::default);
        assert_eq!(drain.stage(at(11)), NoticeStage::Cut);
        drain.order(at(11), Duration::MAX, ServerCounts::default);
        assert_eq!(drain.stage(at(11)), NoticeStage::Cut);
    }
}
