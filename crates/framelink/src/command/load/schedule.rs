//! When a worker sends which message. Time arrives as an argument, counted from the start of the run.

use std::time::Duration;

/// Messages of an open loop that were due before the end are sent up to this long after it: a worker wakes up a little late.
const GRACE: Duration = Duration::from_millis(100);

/// The wait before a worker connects again after a connection of no use.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// What a run sends in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    /// Messages a second in an open loop; `None` is a closed loop.
    pub(super) rate: Option<u64>,
    /// The number of messages, or `u64::MAX`.
    pub(super) count: u64,
    /// Messages that are due in this time are sent first. They are checked, but not counted.
    pub(super) warm_up: Duration,
    /// When the last message may be sent. The time counts from the start of the warm-up.
    pub(super) until: Duration,
}

/// The messages of one worker: its numbers are `worker`, `worker + workers`, `worker + 2 * workers` and so on. The numbers begin
/// again after the warm-up.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    load: Workload,
    worker: u64,
    workers: u64,
    /// The number of the next message.
    next: u64,
    is_warming_up: bool,
}

/// What a schedule says of its next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The message with this number is to be sent; its latency counts from `intended`.
    Now { number: u64, intended: Duration },
    /// The next message is due at this time.
    At(Duration),
    /// No message is left.
    Over,
}

/// Messages that are sent together: their numbers are `step` apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) first: u64,
    pub(super) step: u64,
    pub(super) len: usize,
}

impl Schedule {
    pub(super) const fn new(load: Workload, worker: u64, workers: u64) -> Self {
        Self { load, worker, workers, next: worker, is_warming_up: !load.warm_up.is_zero() }
    }

    #[inline]
    pub(super) fn due(&mut self, now: Duration) -> Due {
        if self.is_warming_up {
            return self.due_in_warm_up(now);
        }
        if self.next >= self.load.count {
            return Due::Over;
        }
        match self.load.rate {
            None if now >= self.load.until => Due::Over,
            None => Due::Now { number: self.next, intended: now },
            Some(rate) => match self.load.warm_up.saturating_add(intended(self.next, rate)) {
                at if at >= self.load.until || now >= self.load.until.saturating_add(GRACE) => Due::Over,
                at if at <= now => Due::Now { number: self.next, intended: at },
                at => Due::At(at),
            },
        }
    }

    #[cold]
    fn due_in_warm_up(&mut self, now: Duration) -> Due {
        let at = self.load.rate.map_or(now, |rate| intended(self.next, rate));
        if now >= self.load.warm_up || at >= self.load.warm_up {
            (self.is_warming_up, self.next) = (false, self.worker);
            return self.due(now);
        }
        if at <= now { Due::Now { number: self.next, intended: at } } else { Due::At(at) }
    }

    /// The message of [`Due::Now`] is sent.
    #[inline]
    pub(super) const fn advance(&mut self) {
        self.next = self.next.saturating_add(self.workers);
    }

    /// Returns how many messages, up to `most`, are due at the time of [`Due::Now`]: in a closed loop, as many as may be
    /// in flight. Their numbers are [`step`](Self::step) apart.
    #[inline]
    pub(super) fn due_together(&self, most: usize) -> usize {
        if self.load.rate.is_some() || self.is_warming_up {
            return most.min(1);
        }
        if self.load.count == u64::MAX {
            return most;
        }
        let left = self.load.count.saturating_sub(self.next).div_ceil(self.workers);
        most.min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    #[inline]
    pub(super) const fn step(&self) -> u64 {
        self.workers
    }

    /// The messages of [`due_together`](Self::due_together) are sent.
    #[inline]
    pub(super) const fn advance_by(&mut self, count: usize) {
        self.next = self.next.saturating_add(self.workers.saturating_mul(count as u64));
    }

    /// Returns how many messages should have been sent in the whole run and were not.
    pub(super) fn unsent(&self) -> u64 {
        let due = match self.load.rate {
            None if self.load.count == u64::MAX => return 0,
            None => self.load.count,
            Some(rate) => self.load.count.min(due_before(self.load.until.saturating_sub(self.load.warm_up), rate)),
        };
        let next = if self.is_warming_up { self.worker } else { self.next };
        due.saturating_sub(next).div_ceil(self.workers)
    }
}

/// Returns when the message with this number is due, to the nanosecond.
#[inline]
fn intended(number: u64, rate: u64) -> Duration {
    let (secs, rest) = (number / rate, number % rate);
    // The rate is at most 100000000, so the product has room.
    Duration::from_secs(secs).saturating_add(Duration::from_nanos(rest * 1_000_000_000 / rate))
}

/// Returns how many messages are due before this time.
fn due_before(until: Duration, rate: u64) -> u64 {
    let count = (until.as_nanos() * u128::from(rate)).div_ceil(1_000_000_000);
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Returns when a connection is to be dialled, counted from the first.
pub(super) fn connect_at(worker: u64, connect_rate: Option<u64>) -> Duration {
    connect_rate.map_or(Duration::ZERO, |rate| intended(worker, rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn open(rate: u64, count: u64, until: Duration) -> Workload {
        Workload { rate: Some(rate), count, warm_up: Duration::ZERO, until }
    }

    #[test]
    fn an_open_loop_sends_at_fixed_times_whatever_the_replies_do() {
        let mut schedule = Schedule::new(open(1000, u64::MAX, ms(5)), 0, 1);
        assert_eq!(schedule.due(ms(0)), Due::Now { number: 0, intended: ms(0) });
        schedule.advance();
        assert_eq!(schedule.due(ms(0)), Due::At(ms(1)));
        // The server stalls until 4 ms: the messages that waited keep the times at which they were due.
        for number in 1..=4 {
            assert_eq!(schedule.due(ms(4)), Due::Now { number, intended: ms(number) });
            schedule.advance();
        }
        assert_eq!((schedule.due(ms(4)), schedule.unsent()), (Due::Over, 0));
    }

    #[test]
    fn messages_that_were_due_and_are_not_sent_are_counted() {
        let mut schedule = Schedule::new(open(1000, u64::MAX, ms(10)), 0, 1);
        schedule.advance();
        assert_eq!(schedule.due(ms(109)), Due::Now { number: 1, intended: ms(1) });
        assert_eq!((schedule.due(ms(110)), schedule.unsent()), (Due::Over, 9));
        let three = |count| Schedule::new(open(1000, count, ms(10)), 1, 3).unsent();
        assert_eq!((three(u64::MAX), three(4), three(1)), (3, 1, 0));
        assert_eq!(
            Schedule::new(Workload { rate: None, count: u64::MAX, warm_up: Duration::ZERO, until: ms(10) }, 0, 1)
                .unsent(),
            0
        );
    }

    #[test]
    fn workers_share_numbers_times_and_the_count() {
        let load = open(1000, 10, Duration::MAX);
        let mut numbers = Vec::new();
        for worker in 0..3 {
            let mut schedule = Schedule::new(load, worker, 3);
            while let Due::Now { number, intended } = schedule.due(ms(1000)) {
                assert_eq!(intended, ms(number));
                numbers.push(number);
                schedule.advance();
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_loop_sends_at_once_until_its_time_or_its_count_is_over() {
        let load = Workload { rate: None, count: 2, warm_up: Duration::ZERO, until: ms(10) };
        let mut schedule = Schedule::new(load, 0, 1);
        assert_eq!(schedule.due(ms(7)), Due::Now { number: 0, intended: ms(7) });
        assert_eq!(schedule.due(ms(10)), Due::Over);
        schedule.advance();
        schedule.advance();
        assert_eq!(schedule.due(ms(8)), Due::Over);
    }

    #[test]
    fn messages_of_a_closed_loop_are_due_together() {
        let load = |rate, count, warm_up| Workload { rate, count, warm_up, until: ms(10) };
        let mut counted = Schedule::new(load(None, 7, ms(0)), 1, 3);
        assert_eq!((counted.due_together(9), counted.due_together(1)), (2, 1), "numbers 1 and 4");
        counted.advance_by(2);
        assert_eq!((counted.due(ms(0)), counted.due_together(9)), (Due::Over, 0));
        let together = |load| Schedule::new(load, 0, 1).due_together(9);
        assert_eq!(together(load(None, u64::MAX, ms(0))), 9);
        assert_eq!(together(load(None, u64::MAX, ms(1))), 1, "the numbers begin again after the warm-up");
        assert_eq!(together(load(Some(1000), u64::MAX, ms(0))), 1, "each has its own time");
    }

    #[test]
    fn times_stay_exact_after_many_messages() {
        assert_eq!(intended(3_000_000_000, 3_000_000), Duration::from_secs(1000));
        assert_eq!(due_before(Duration::from_secs(1000), 3_000_000), 3_000_000_000);
    }

    #[test]
    fn connections_begin_at_the_connect_rate() {
        assert_eq!(
            (0..4).map(|worker| connect_at(worker, Some(100))).collect::<Vec<_>>(),
            [ms(0), ms(10), ms(20), ms(30)]
        );
        assert_eq!(connect_at(1000, None), ms(0));
    }

    /// The numbers, the times and the count begin again when the warm-up is over.
    #[test]
    fn messages_of_the_warm_up_are_sent_before_all_others() {
        let load = Workload { warm_up: ms(20), ..open(100, 2, ms(50)) };
        let mut schedule = Schedule::new(load, 0, 1);
        for now in [0, 10] {
            assert_eq!(schedule.due(ms(now)), Due::Now { number: now / 10, intended: ms(now) });
            schedule.advance();
        }
        assert_eq!((schedule.due(ms(15)), schedule.unsent()), (Due::At(ms(20)), 2));
        for now in [20, 30] {
            assert_eq!(schedule.due(ms(now)), Due::Now { number: now / 10 - 2, intended: ms(now) });
            schedule.advance();
        }
        assert_eq!((schedule.due(ms(40)), schedule.unsent()), (Due::Over, 0));
        // Messages that were due in the warm-up and could not be sent are dropped with it.
        let mut late = Schedule::new(load, 0, 1);
        assert_eq!(late.due(ms(25)), Due::Now { number: 0, intended: ms(20) });
        let mut closed = Schedule::new(Workload { rate: None, ..load }, 0, 1);
        assert_eq!(closed.due(ms(19)), Due::Now { number: 0, intended: ms(19) });
        closed.advance();
        assert_eq!(closed.due(ms(21)), Due::Now { number: 0, intended: ms(21) });
    }
}
