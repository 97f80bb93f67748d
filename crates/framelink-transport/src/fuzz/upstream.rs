//! The addresses of a peer, checked against a model.

use std::time::Duration;

use crate::profile::{Policy, Reconnect};
use crate::upstream::{Addresses, Attempt, Choice, LeaseId, Probe};

/// Drives the addresses of a peer by random steps. No address is dialled before its time, or twice in an attempt. No
/// caller waits longer than the cap. Exchanges and connections are counted. A sticky policy never leaves an address
/// that serves, and no connection moves to a worse address.
///
/// # Panics
/// If an invariant does not hold.
pub fn upstream(data: &[u8]) {
    let Some((&[policy, count, seed], data)) = data.split_first_chunk::<3>() else { return };
    let mut model = Model::new(policy, usize::from(count % 5), seed);
    for bytes in data.chunks_exact(2) {
        let (what, which) = (bytes[0], usize::from(bytes[1]));
        match what % 8 {
            0 | 1 => model.wants_one(bytes[1]),
            2 => model.begins(which),
            3 => model.ends(which, what >= 128),
            4 => model.loses(which),
            5 => model.closes(which),
            6 => model.tries_in_background(which.is_multiple_of(2)),
            _ => model.now += Duration::from_millis(1 << (which % 17)),
        }
        model.check();
    }
    model.all_are_over();
}

struct Model {
    addresses: Addresses,
    reconnect: Reconnect,
    count: usize,
    now: Duration,
    leases: Vec<Held>,
}

struct Held {
    lease: LeaseId,
    at: usize,
    in_flight: usize,
}

impl Model {
    fn new(policy: u8, count: usize, seed: u8) -> Self {
        let policies = [Policy::PrimaryBackup, Policy::RoundRobin, Policy::LeastInFlight, Policy::Sticky];
        let reconnect = Reconnect::new(policies[usize::from(policy % 4)]);
        let addresses = Addresses::new(reconnect, count, u64::from(seed));
        Self { addresses, reconnect, count, now: Duration::ZERO, leases: Vec::new() }
    }

    /// The bits of `fate` say which dials succeed.
    fn wants_one(&mut self, fate: u8) {
        let (mut attempt, mut dialled) = (Attempt::new(), Vec::new());
        loop {
            let due = self.addresses.next_try();
            match self.addresses.choose(&mut attempt, self.now) {
                Choice::Dial { address, left } => {
                    assert!(due <= Some(self.now), "not before its time");
                    assert!(left as usize + dialled.len() <= self.count && left > 0);
                    assert!(!dialled.contains(&address), "once");
                    dialled.push(address);
                    if fate & (1 << address) != 0 {
                        let lease = self.addresses.on_connected(address, self.now);
                        self.leases.push(Held { lease, at: address, in_flight: 0 });
                        return;
                    }
                    let before = self.addresses.failures(address);
                    assert!(self.addresses.on_failed(address, self.now, self.now));
                    assert_eq!(self.addresses.failures(address), before + 1);
                }
                Choice::Wait { until } => {
                    assert!(until > self.now && until - self.now <= self.reconnect.cap, "no longer than the cap");
                    assert!(dialled.len() < self.count);
                    return;
                }
                Choice::Exhausted => {
                    let is_served = self.reconnect.policy == Policy::PrimaryBackup && !self.leases.is_empty();
                    assert!(dialled.len() == self.count || is_served, "each was tried, or one serves");
                    return;
                }
            }
        }
    }

    fn begins(&mut self, which: usize) {
        let count = self.leases.len().max(1);
        if let Some(held) = self.leases.get_mut(which % count) {
            held.in_flight += 1;
            self.addresses.begin(held.lease);
        }
    }

    fn ends(&mut self, which: usize, was_useful: bool) {
        let count = self.leases.len().max(1);
        let Some(held) = self.leases.get_mut(which % count) else { return };
        if held.in_flight > 0 {
            held.in_flight -= 1;
            let before = self.addresses.failures(held.at);
            let is_well = self.addresses.end(held.lease, was_useful);
            let after = self.addresses.failures(held.at);
            assert!(was_useful || !is_well);
            assert_eq!(after, if is_well { 0 } else { before }, "only a useful exchange resets the failures");
        }
    }

    fn loses(&mut self, which: usize) {
        if let Some(held) = self.take(which) {
            let before = self.addresses.failures(held.at);
            let was_early = self.addresses.on_lost(held.lease, self.now);
            assert_eq!(self.addresses.failures(held.at), before + u32::from(was_early));
            assert!(!self.addresses.on_lost(held.lease, self.now), "once");
        }
    }

    fn closes(&mut self, which: usize) {
        if let Some(held) = self.take(which) {
            let before = self.addresses.failures(held.at);
            self.addresses.on_closed(held.lease);
            assert_eq!(self.addresses.failures(held.at), before);
        }
    }

    fn take(&mut self, which: usize) -> Option<Held> {
        let count = self.leases.len().max(1);
        (which % count < self.leases.len()).then(|| self.leases.swap_remove(which % count))
    }

    fn tries_in_background(&mut self, succeeds: bool) {
        match self.addresses.probe(self.now) {
            Probe::Dial { address } => {
                assert!(!self.leases.is_empty(), "a connection is at another address");
                assert!(self.addresses.is_down(address) && self.reconnect.policy != Policy::Sticky);
                if succeeds {
                    let lease = self.addresses.on_connected(address, self.now);
                    self.leases.push(Held { lease, at: address, in_flight: 0 });
                } else {
                    self.addresses.on_failed(address, self.now, self.now);
                }
            }
            Probe::Wait { until } => {
                assert!(until > self.now && until - self.now <= self.reconnect.fail_back);
            }
            Probe::Nothing => assert!(!self.addresses.misses_any()),
        }
    }

    fn check(&self) {
        for at in 0..self.count {
            let here = || self.leases.iter().filter(|held| held.at == at);
            assert_eq!(self.addresses.connections(at), here().count());
            assert_eq!(self.addresses.in_flight(at), here().map(|held| held.in_flight).sum::<usize>());
            assert!(!self.addresses.is_ejected(at, self.now) || self.count > 1, "the only address is never ejected");
        }
        let far = self.now + Duration::from_secs(3600);
        for held in self.leases.iter().filter(|held| self.addresses.is_to_move(held.lease, far)) {
            assert_ne!(self.reconnect.policy, Policy::Sticky);
            if self.reconnect.policy == Policy::PrimaryBackup {
                assert!((0..held.at).any(|at| !self.addresses.is_down(at)), "connections move to a better address");
            }
        }
    }

    fn all_are_over(mut self) {
        while !self.leases.is_empty() {
            self.loses(0);
        }
        self.check();
    }
}
