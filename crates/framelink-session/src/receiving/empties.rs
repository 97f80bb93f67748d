//! Limits empty messages, which cost their sender almost nothing.

use std::time::Duration;

use framelink_heartbeat::Moment;

/// Counts the empty messages of each second. Messages that arrived while the connection was not read are all seen at
/// once, so they are counted for as many seconds as it was not read. After a flood, no message is delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Empties {
    pub(super) most: u32,
    since: Moment,
    count: u32,
    /// How many more messages may be seen in this second, and in the next one.
    more: u32,
    more_next: u32,
}

const SECOND: u64 = 1_000_000_000;

impl Empties {
    pub(super) const fn new(most: u32) -> Self {
        Self { most, since: Moment::START, count: 0, more: 0, more_next: 0 }
    }

    /// Records that the connection was not read for `time` and is read again.
    pub(super) fn on_unread(&mut self, time: Duration) {
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        self.more_next = self.most.saturating_mul(seconds);
    }

    /// Counts an empty message.
    pub(super) fn take(&mut self, now: Moment) {
        if self.is_flooded() {
            return;
        }
        if now.since(self.since) >= SECOND {
            (self.since, self.count) = (now, 0);
            self.more = std::mem::take(&mut self.more_next);
        }
        self.count = self.count.saturating_add(1);
    }

    /// Returns whether more messages arrived than allowed.
    #[inline]
    pub(super) const fn is_flooded(&self) -> bool {
        self.count > self.most.saturating_add(self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a message, and returns whether it is allowed.
    fn takes(empties: &mut Empties, now: Duration) -> bool {
        empties.take(Moment::at(now));
        !empties.is_flooded()
    }

    #[test]
    fn a_flood_stays_a_flood() {
        let mut empties = Empties::new(1);
        assert!(!empties.is_flooded());
        assert!(takes(&mut empties, Duration::ZERO));
        assert!(!takes(&mut empties, Duration::ZERO));
        assert!(!takes(&mut empties, Duration::from_secs(9)), "though the second is over");
    }

    #[test]
    fn the_limit_holds_for_each_second() {
        let mut empties = Empties::new(3);
        let at = Duration::from_millis;
        assert!([0, 0, 999, 1000, 1500, 1999].into_iter().all(|time| takes(&mut empties, at(time))), "in two seconds");
        assert!(!takes(&mut empties, at(1999)));
        let mut empties = Empties::new(3);
        assert!([0, 0, 999].into_iter().all(|time| takes(&mut empties, at(time))));
        assert!(!takes(&mut empties, at(999)));
    }

    #[test]
    fn messages_that_arrived_while_the_connection_was_not_read_are_counted_for_that_time() {
        let at = Duration::from_secs;
        let after_unread = || {
            let mut empties = Empties::new(3);
            assert!(takes(&mut empties, at(0)));
            empties.on_unread(at(2));
            assert!((0..9).all(|_| takes(&mut empties, at(2))), "for the two seconds, and for this one");
            empties
        };
        assert!(!takes(&mut after_unread(), at(2)));
        let mut empties = after_unread();
        assert!((0..3).all(|_| takes(&mut empties, at(3))));
        assert!(!takes(&mut empties, at(3)), "the limit is back to normal");
    }
}
