//! What has arrived at our sides.

use std::collections::BTreeMap;

use super::bearerbox::WINDOW;

/// What has arrived: how often each message at the centre, and each report at the box.
#[derive(Default)]
pub(super) struct Arrived {
    pub(super) submitted: BTreeMap<u64, usize>,
    pub(super) reported: BTreeMap<u64, usize>,
    /// Whether the bearerbox has said that it ends.
    pub(super) end: bool,
}

/// How often a side was killed.
#[derive(Default)]
pub(super) struct Kills {
    pub(super) of_bearerbox: usize,
    pub(super) of_centre: usize,
}

impl Arrived {
    /// Returns how many messages were submitted more than once.
    pub(super) fn check(&self, kills: &Kills) -> usize {
        let is_submitted = |number| self.submitted.contains_key(number);
        assert!(self.reported.keys().all(is_submitted), "a report without a message");
        // What has no reply when a side is killed is submitted again.
        let again: usize = self.submitted.values().map(|times| times - 1).sum();
        assert!(again <= (kills.of_bearerbox + kills.of_centre) * WINDOW, "{again} messages were submitted again");
        again
    }
}
