//! Connections that move back, one by one, to an address that has returned.

use std::time::Duration;

use super::addresses::{Addresses, LeaseId};
use crate::profile::Policy;

impl Addresses {
    /// Plans the moves to an address that has returned and has no connection yet, one after the other over `fail_back`.
    pub(super) fn plan_moves(&mut self, back: usize, now: Duration) {
        let leases = self.that_are_to_move(back);
        let slot = self.reconnect.fail_back / u32::try_from(leases.len().max(1)).unwrap_or(u32::MAX);
        let mut begin = now;
        for lease in leases {
            let move_at = begin + self.random.up_to(slot);
            begin += slot;
            if let Some(place) = self.places.get_mut(&lease) {
                place.move_at = Some(move_at);
            }
        }
    }

    fn that_are_to_move(&self, back: usize) -> Vec<LeaseId> {
        let leases = self.places.iter();
        match self.reconnect.policy {
            Policy::Sticky => Vec::new(),
            Policy::PrimaryBackup => leases.filter(|(_, place)| place.at > back).map(|(lease, _)| *lease).collect(),
            Policy::RoundRobin | Policy::LeastInFlight => {
                let share = self.share();
                let mut stay = vec![share; self.healths.len()];
                let too_many = leases.filter(|(_, place)| {
                    let left = stay[place.at].checked_sub(1);
                    stay[place.at] = left.unwrap_or(0);
                    left.is_none()
                });
                too_many.map(|(lease, _)| *lease).collect()
            }
        }
    }

    /// Returns how many connections each address has if they are spread evenly over the addresses that are not down.
    fn share(&self) -> usize {
        let up = self.healths.iter().filter(|health| !health.is_down()).count();
        self.places.len().div_ceil(up.max(1))
    }

    /// Returns whether a connection is to move to another address. Close it in good order when no exchange uses it.
    #[must_use]
    pub fn is_to_move(&self, lease: LeaseId, now: Duration) -> bool {
        let Some(place) = self.places.get(&lease) else { return false };
        place.move_at.is_some_and(|at| now >= at)
            && match self.reconnect.policy {
                Policy::Sticky => false,
                Policy::PrimaryBackup => self.healths[..place.at].iter().any(|health| !health.is_down()),
                Policy::RoundRobin | Policy::LeastInFlight => self.healths[place.at].connections > self.share(),
            }
    }

    /// Returns whether any connection is to move, now or later.
    #[must_use]
    pub fn has_moves(&self) -> bool {
        self.places.values().any(|place| place.move_at.is_some())
    }
}
