//! What the workers of one thread have counted.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::failures::{Failures, Kind};

/// The longest latency that is told from a longer one: an hour.
const MOST_NANOS: u64 = 3_600_000_000_000;
/// Replies are counted for each of these intervals.
pub(super) const INTERVAL: Duration = Duration::from_millis(INTERVAL_MILLIS);
const INTERVAL_MILLIS: u64 = 100;

#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// In nanoseconds, to three digits.
    pub(super) latency: Histogram<u64>,
    /// Right replies in each interval from the start of the run.
    pub(super) intervals: Vec<u64>,
    pub(super) sent: u64,
    /// Right replies.
    pub(super) replied: u64,
    /// Messages that were due and not sent.
    pub(super) unsent: u64,
    /// Bytes of messages and of right replies, without headers.
    pub(super) sent_bytes: u64,
    pub(super) received_bytes: u64,
    /// Connections that were made again.
    pub(super) reconnects: u64,
    pub(super) failures: Failures,
    /// When the last reply arrived, or the last message failed, counted from the end of the warm-up.
    pub(super) last: Duration,
    /// The end of the warm-up. Messages that were sent before are not counted.
    start: Duration,
    /// Replies in a row with the same times. Those to messages that were sent together often have them.
    row: Row,
}

#[derive(Clone, Debug, Default)]
struct Row {
    intended: Duration,
    now: Duration,
    nanos: u64,
    /// Their messages were due in the warm-up.
    is_early: bool,
    /// The replies that are not recorded yet.
    count: u64,
}

impl Tally {
    pub(super) fn new(start: Duration) -> Self {
        // The bounds are constants that the histogram accepts: a test makes one.
        #[expect(clippy::expect_used, reason = "the bounds are constants, and a test makes a histogram of them")]
        let latency = Histogram::new_with_bounds(1, MOST_NANOS, 3).expect("bounds that are known to be right");
        Self {
            latency,
            intervals: Vec::new(),
            sent: 0,
            replied: 0,
            unsent: 0,
            sent_bytes: 0,
            received_bytes: 0,
            reconnects: 0,
            failures: Failures::default(),
            last: Duration::ZERO,
            start,
            row: Row { is_early: !start.is_zero(), ..Row::default() },
        }
    }

    /// Counts messages that are sent at this time, and their bytes.
    #[inline]
    pub(super) fn on_sent(&mut self, count: u64, bytes: u64, now: Duration) {
        if now >= self.start {
            self.sent += count;
            self.sent_bytes += bytes;
        }
    }

    /// Counts a right reply to a message that was due at `intended`.
    #[inline]
    pub(super) fn on_reply(&mut self, intended: Duration, now: Duration, len: usize) {
        if intended != self.row.intended || now != self.row.now {
            self.begin_row(intended, now);
        }
        if self.row.is_early {
            return;
        }
        self.row.count += 1;
        self.replied += 1;
        self.received_bytes += len as u64;
    }

    #[inline(never)]
    fn begin_row(&mut self, intended: Duration, now: Duration) {
        self.record_row();
        let latency = now.saturating_sub(intended);
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(MOST_NANOS);
        self.row = Row { intended, now, nanos, is_early: intended < self.start, count: 0 };
    }

    /// Notes that this many right replies arrived at this time. It follows each row of [`Tally::on_reply`].
    #[inline]
    pub(super) fn on_replies_at(&mut self, count: u64, now: Duration) {
        let now = now.saturating_sub(self.start);
        self.record_row();
        let millis = now.as_secs().saturating_mul(1000).saturating_add(now.subsec_millis().into());
        let interval = usize::try_from(millis / INTERVAL_MILLIS).unwrap_or(usize::MAX);
        if interval >= self.intervals.len() && interval < usize::MAX {
            self.intervals.resize(interval + 1, 0);
        }
        if let Some(replies) = self.intervals.get_mut(interval) {
            *replies += count;
        }
        self.last = now;
    }

    #[inline]
    fn record_row(&mut self) {
        let count = std::mem::take(&mut self.row.count);
        if count > 0 {
            self.latency.saturating_record_n(self.row.nanos, count);
        }
    }

    /// Counts a failure at this time.
    #[cold]
    pub(super) fn on_failure(&mut self, kind: Kind, now: Duration, text: impl FnOnce() -> String) {
        let now = now.saturating_sub(self.start);
        self.failures.add(kind, now, text);
        self.last = self.last.max(now);
    }

    /// Adds what another thread has counted.
    pub(super) fn merge(&mut self, other: Self) {
        // Both histograms have the same bounds, so every value fits.
        let _ = self.latency.add(&other.latency);
        if other.intervals.len() > self.intervals.len() {
            self.intervals.resize(other.intervals.len(), 0);
        }
        for (ours, theirs) in self.intervals.iter_mut().zip(&other.intervals) {
            *ours += theirs;
        }
        self.sent += other.sent;
        self.replied += other.replied;
        self.unsent += other.unsent;
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.reconnects += other.reconnects;
        self.failures.merge(other.failures);
        self.last = self.last.max(other.last);
    }

    /// Returns the latency that this many percent of the replies do not exceed.
    pub(super) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.latency.value_at_percentile(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(millis: impl Iterator<Item = u64>) -> Tally {
        let mut tally = Tally::new(Duration::ZERO);
        for millis in millis {
            tally.sent += 1;
            tally.on_reply(Duration::ZERO, Duration::from_millis(millis), 10);
            tally.on_replies_at(1, Duration::from_millis(millis));
        }
        tally
    }

    /// Three digits are kept.
    fn is_close(found: Duration, millis: u64) -> bool {
        found.abs_diff(Duration::from_millis(millis)) * 1000 <= Duration::from_millis(millis)
    }

    #[test]
    fn merged_threads_have_the_percentiles_of_all_replies() {
        let mut all = tally((1..=1000).filter(|millis| millis % 2 == 0));
        all.merge(tally((1..=1000).filter(|millis| millis % 2 == 1)));
        let one = tally(1..=1000);
        for (percent, millis) in [(50.0, 500), (90.0, 900), (99.0, 990), (99.5, 995), (100.0, 1000)] {
            assert!(is_close(all.percentile(percent), millis), "{percent}: {:?}", all.percentile(percent));
            assert_eq!(all.percentile(percent), one.percentile(percent));
        }
        assert_eq!((all.sent, all.replied, all.received_bytes), (1000, 1000, 10_000));
        assert_eq!((all.latency.len(), all.last), (1000, Duration::from_secs(1)));
    }

    #[test]
    fn intervals_of_threads_add_up() {
        let mut all = tally([50, 150, 160].into_iter());
        all.merge(tally([10, 350].into_iter()));
        assert_eq!(all.intervals, [2, 2, 0, 1]);
    }

    #[test]
    fn a_latency_beyond_every_bound_counts_as_the_longest() {
        let mut tally = Tally::new(Duration::ZERO);
        tally.on_reply(Duration::ZERO, Duration::MAX, 0);
        tally.on_reply(Duration::ZERO, Duration::ZERO, 0);
        tally.on_replies_at(2, Duration::ZERO);
        assert!(is_close(tally.percentile(100.0), 3_600_000));
        assert_eq!(tally.latency.len(), 2);
    }

    #[test]
    fn messages_of_the_warm_up_are_not_counted() {
        let ms = Duration::from_millis;
        let mut tally = Tally::new(ms(200));
        tally.on_sent(3, 30, ms(199));
        tally.on_sent(1, 10, ms(200));
        tally.on_reply(ms(199), ms(250), 10);
        tally.on_reply(ms(200), ms(250), 10);
        tally.on_replies_at(1, ms(250));
        assert_eq!((tally.sent, tally.sent_bytes, tally.replied, tally.received_bytes), (1, 10, 1, 10));
        assert!(is_close(tally.percentile(100.0), 50));
        assert_eq!((tally.intervals, tally.last), (vec![1], ms(50)));
    }
}
