//! The search for the highest rate that holds a latency.

/// A search ends when the lowest rate that does not hold is at most this much above the highest that holds.
const GAP: f64 = 1.03;
const MOST: u64 = 100_000_000;

/// Doubles the rate until it does not hold, and then halves the gap between the two rates.
#[derive(Clone, Debug)]
pub(super) struct Search {
    next: Option<u64>,
    holds: Option<u64>,
    fails: Option<u64>,
}

impl Search {
    pub(super) const fn new(first: u64) -> Self {
        Self { next: Some(first), holds: None, fails: None }
    }

    /// Returns the rate to try next; `None` at the end.
    pub(super) const fn next(&self) -> Option<u64> {
        self.next
    }

    /// Returns the highest rate that was tried and holds.
    pub(super) const fn best(&self) -> Option<u64> {
        self.holds
    }

    /// The trial with this rate is done.
    pub(super) fn on_trial(&mut self, rate: u64, holds: bool) {
        if holds {
            self.holds = self.holds.max(Some(rate));
        } else {
            self.fails = Some(self.fails.map_or(rate, |fails| fails.min(rate)));
        }
        self.next = match (self.holds, self.fails) {
            (Some(holds), None) => Some(holds.saturating_mul(2).min(MOST)).filter(|&next| next > holds),
            (None, Some(fails)) => Some(fails / 2).filter(|&next| next > 0),
            (Some(holds), Some(fails)) => between(holds, fails),
            (None, None) => None,
        };
    }
}

/// Returns the rate in the middle, by ratio; `None` if the two are close.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate to try"
)]
fn between(holds: u64, fails: u64) -> Option<u64> {
    let (low, high) = (holds as f64, fails as f64);
    let middle = (low * high).sqrt() as u64;
    (high / low > GAP && middle > holds && middle < fails).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that holds every rate up to its capacity. Returns what the search finds, and the number of trials.
    fn found(first: u64, capacity: u64) -> (Option<u64>, u32) {
        let (mut search, mut trials) = (Search::new(first), 0);
        while let Some(rate) = search.next() {
            trials += 1;
            assert!(trials < 100, "the search ends");
            search.on_trial(rate, rate <= capacity);
        }
        (search.best(), trials)
    }

    #[test]
    fn the_highest_rate_is_found_within_3_percent() {
        for capacity in [1, 2, 10, 999, 1000, 1001, 54_321, 1_000_000, 99_999_999] {
            for first in [1, 1000, 250_000] {
                let (best, trials) = found(first, capacity);
                let best = best.unwrap_or_else(|| panic!("{capacity} from {first}"));
                assert!(best <= capacity && (best + 1) * 103 / 100 >= capacity, "{best} for {capacity} from {first}");
                assert!(trials <= 36, "{trials} for {capacity} from {first}");
            }
        }
    }

    #[test]
    fn a_server_that_holds_no_rate_has_none() {
        assert_eq!(found(1000, 0), (None, 10));
    }

    #[test]
    fn a_server_that_holds_every_rate_has_the_highest() {
        assert_eq!(found(1000, u64::MAX).0, Some(MOST));
    }

    /// A trial that fails by chance below a rate that held ends the search, and does not confuse it.
    #[test]
    fn contradicting_trials_end_the_search() {
        let mut search = Search::new(1000);
        search.on_trial(1000, true);
        search.on_trial(2000, true);
        search.on_trial(1500, false);
        assert_eq!((search.next(), search.best()), (None, Some(2000)));
    }
}
