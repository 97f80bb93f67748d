//! Empty messages, which cost their sender next to nothing.

use std::time::Duration;

/// Whether empty messages are limited, and whether one came too many.
#[derive(Clone, Copy, Debug)]
pub(super) enum EmptyMessages {
    Unlimited,
    Limited(Empties),
    /// One came too many for this limit. No message is delivered any more.
    Flooded {
        most: u32,
    },
}

impl EmptyMessages {
    pub(super) const fn limit(&mut self, most: u32) {
        *self = match self {
            Self::Unlimited | Self::Limited(_) => Self::Limited(Empties::new(most)),
            Self::Flooded { .. } => Self::Flooded { most },
        };
    }

    #[inline]
    pub(super) const fn is_limited(&self) -> bool {
        matches!(self, Self::Limited(_))
    }

    /// The limit, once one came too many.
    #[inline]
    pub(super) const fn flooded(&self) -> Option<u32> {
        match self {
            Self::Flooded { most } => Some(*most),
            Self::Unlimited | Self::Limited(_) => None,
        }
    }

    /// Another empty message came.
    pub(super) fn take(&mut self, now: Duration) {
        if let Self::Limited(empties) = self
            && !empties.take(now)
        {
            *self = Self::Flooded { most: empties.most };
        }
    }
}

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
    const fn new(most: u32) -> Self {
        Self { most, since: Duration::ZERO, count: 0, more: 0, more_next: 0 }
    }

    /// Nobody read for so long, and somebody does now.
    pub(super) fn on_unread(&mut self, time: Duration) {
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        self.more_next = self.most.saturating_mul(seconds);
    }

    /// Another one. False if that is one too many.
    fn take(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.since) >= SECOND {
            (self.since, self.count) = (now, 0);
            self.more = std::mem::take(&mut self.more_next);
        }
        self.count = self.count.saturating_add(1);
        self.count <= self.most.saturating_add(self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_stays_one() {
        let mut empties = EmptyMessages::Unlimited;
        empties.take(Duration::ZERO);
        assert_eq!(empties.flooded(), None);
        empties.limit(1);
        empties.take(Duration::ZERO);
        assert_eq!((empties.flooded(), empties.is_limited()), (None, true));
        empties.take(Duration::ZERO);
        assert_eq!(empties.flooded(), Some(1));
        empties.take(Duration::from_secs(9));
        assert_eq!(empties.flooded(), Some(1), "though the second is over");
    }

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
