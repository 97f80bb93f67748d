//! Empty messages, which cost their sender next to nothing.

use std::time::Duration;

/// How many empty messages came in this second, and how many may. What came while nobody read is seen all at once, and is counted for
/// as many seconds as nobody read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Empties {
    most: u32,
    since: Duration,
    count: u32,
    /// How many more may be seen in this second, and in the next one.
    more: u32,
    more_next: u32,
}

const SECOND: Duration = Duration::from_secs(1);

impl Empties {
    pub(super) const fn new(most: u32) -> Self {
        Self { most, since: Duration::ZERO, count: 0, more: 0, more_next: 0 }
    }

    /// Nobody read for so long, and somebody does now.
    pub(super) fn on_unread(&mut self, time: Duration) {
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        self.more_next = self.most.saturating_mul(seconds);
    }

    /// Another one. False if that is one too many.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.since) >= SECOND {
            (self.since, self.count) = (now, 0);
            self.more = std::mem::take(&mut self.more_next);
        }
        self.count = self.count.saturating_add(1);
        self.count <= self.most.saturating_add(self.more)
    }

    pub(super) const fn most(&self) -> u32 {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_second_and_no_more() {
        let mut empties = Empties::new(3);
        let at = Duration::from_millis;
        assert!([0, 0, 999].into_iter().all(|time| empties.take(at(time))));
        assert!(!empties.take(at(999)));
        assert!([1000, 1500, 1999].into_iter().all(|time| empties.take(at(time))), "another second");
        assert!(!empties.take(at(1999)));
    }

    #[test]
    fn what_came_while_nobody_read_is_counted_for_that_time() {
        let mut empties = Empties::new(3);
        let at = Duration::from_secs;
        assert!(empties.take(at(0)));
        empties.on_unread(at(2));
        assert!((0..9).all(|_| empties.take(at(2))), "those of two seconds, and of this one");
        assert!(!empties.take(at(2)));
        assert!((0..3).all(|_| empties.take(at(3))));
        assert!(!empties.take(at(3)), "and then no more than ever");
    }
}
