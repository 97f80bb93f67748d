//! Empty messages, which cost their sender next to nothing.

use std::time::Duration;

/// How many empty messages came in this second, and how many may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Empties {
    most: u32,
    since: Duration,
    count: u32,
}

const SECOND: Duration = Duration::from_secs(1);

impl Empties {
    pub(super) const fn new(most: u32) -> Self {
        Self { most, since: Duration::ZERO, count: 0 }
    }

    /// Another one. False if that is one too many.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.since) >= SECOND {
            (self.since, self.count) = (now, 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= self.most
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
}
