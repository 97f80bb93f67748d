//! Decides which address is dialled when.

use std::collections::BTreeMap;
use std::time::Duration;

use super::choice::{Attempt, Choice, Probe};
use super::health::{self, Health};
use super::random::Random;
use crate::profile::{Policy, Reconnect};

/// The addresses of a peer: their failures, their connections, and the policy that chooses among them.
///
/// ```
/// use std::time::Duration;
/// use framelink_transport::profile::{Policy, Reconnect};
/// use framelink_transport::upstream::{Addresses, Attempt, Choice};
///
/// let mut addresses = Addresses::new(Reconnect::new(Policy::PrimaryBackup), 2, 7);
/// let now = Duration::from_secs(1);
/// let mut attempt = Attempt::new();
/// assert_eq!(addresses.choose(&mut attempt, now), Choice::Dial { address: 0, left: 2 });
/// addresses.on_failed(0, now, now); // it refuses
/// assert_eq!(addresses.choose(&mut attempt, now), Choice::Dial { address: 1, left: 1 });
/// let lease = addresses.on_connected(1, now);
///
/// addresses.begin(lease);
/// assert_eq!(addresses.in_flight(1), 1);
/// addresses.end(lease, true);
/// assert!(addresses.is_down(0) && !addresses.is_down(1));
/// ```
#[derive(Clone, Debug)]
pub struct Addresses {
    pub(super) reconnect: Reconnect,
    pub(super) healths: Vec<Health>,
    pub(super) places: BTreeMap<LeaseId, AddressEntry>,
    pub(super) random: Random,
    /// The address whose turn it is, if the policy takes turns.
    next: usize,
    /// The address of the last connection.
    last: Option<usize>,
    leases: u64,
}

/// Identifies a connection at one of the addresses.
///
/// ```
/// use std::time::Duration;
/// use framelink_transport::{profile::Reconnect, upstream::Addresses};
///
/// let mut addresses = Addresses::new(Reconnect::default(), 1, 7);
/// let lease = addresses.on_connected(0, Duration::ZERO);
/// assert_eq!(addresses.address_of(lease), Some(0));
/// addresses.on_closed(lease);
/// assert_eq!(addresses.address_of(lease), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(u64);

#[derive(Clone, Debug)]
pub(super) struct AddressEntry {
    pub(super) at: usize,
    pub(super) in_flight: usize,
    /// Whether an exchange was begun on the connection.
    is_used: bool,
    /// Whether the connection has been useful: an exchange worked, or a message arrived.
    is_proved: bool,
    connected_at: Duration,
    /// From this time on the connection is wanted at another address.
    pub(super) move_at: Option<Duration>,
}

impl Addresses {
    /// Makes `count` addresses, none dialled yet. Random delays come from `seed`; use another seed for each client.
    #[must_use]
    pub fn new(reconnect: Reconnect, count: usize, seed: u64) -> Self {
        let (healths, random) = (vec![Health::default(); count], Random::new(seed));
        Self { reconnect, healths, places: BTreeMap::new(), random, next: 0, last: None, leases: 0 }
    }

    /// Chooses the address to dial for a connection. An address that is returned as [`Choice::Dial`] counts as dialled:
    /// report the result with [`on_connected`](Self::on_connected) or [`on_failed`](Self::on_failed).
    ///
    /// - An address that has failed is not dialled before its next try. The delay is random: between 0 and `first`,
    ///   then up to twice that, four times that, and so on up to `cap`.
    /// - The policy chooses among the addresses that can be dialled.
    /// - An address that failed `eject_after` times in a row comes last, until it was left alone for up to `fail_back`.
    pub fn choose(&mut self, attempt: &mut Attempt, now: Duration) -> Choice {
        let is_untried = |at: &usize| !attempt.tried.contains(at) && !self.healths[*at].is_stopped;
        let untried = self.in_order().into_iter().filter(is_untried).collect::<Vec<_>>();
        let ready = |at: &&usize| now >= self.healths[**at].next_try;
        let chosen = untried.iter().filter(ready).min_by_key(|at| self.is_ejected(**at, now)).copied();
        let Some(at) = chosen else {
            let until = untried.iter().map(|at| self.healths[*at].next_try).min();
            return until.map_or(Choice::Exhausted, |until| Choice::Wait { until });
        };
        let left = untried.iter().filter(|other| **other == at || !self.is_ejected(**other, now)).count();
        attempt.tried.push(at);
        self.next = (at + 1) % self.healths.len();
        self.healths[at].on_dialled(&self.reconnect, &mut self.random, now);
        Choice::Dial { address: at, left: u32::try_from(left).unwrap_or(u32::MAX) }
    }

    /// Notes a new connection, after its sign-on if it has one. If the address was down, connections may move back to
    /// it.
    ///
    /// # Panics
    /// When there is no such address.
    pub fn on_connected(&mut self, address: usize, now: Duration) -> LeaseId {
        if self.healths[address].on_connected() {
            self.plan_moves(address, now);
        }
        self.last = Some(address);
        self.healths[address].connections += 1;
        self.leases += 1;
        let lease = LeaseId(self.leases);
        let place = AddressEntry {
            at: address,
            in_flight: 0,
            is_used: false,
            is_proved: false,
            connected_at: now,
            move_at: None,
        };
        self.places.insert(lease, place);
        lease
    }

    /// Notes that a dial at the time `dialled_at` failed, or that the peer did not let us sign on. Returns false if
    /// that dial began before the last failure of the address: both count as one failure.
    ///
    /// # Panics
    /// When there is no such address.
    pub fn on_failed(&mut self, address: usize, dialled_at: Duration, now: Duration) -> bool {
        self.healths[address].on_failed(&self.reconnect, &mut self.random, dialled_at, now)
    }

    /// Notes that the address must not be dialled again. Call this after [`on_failed`](Self::on_failed).
    ///
    /// # Panics
    /// When there is no such address.
    pub fn stop(&mut self, address: usize) {
        self.healths[address].is_stopped = true;
    }

    /// Returns whether no address may be dialled again.
    #[must_use]
    pub fn are_stopped(&self) -> bool {
        !self.healths.is_empty() && self.healths.iter().all(|health| health.is_stopped)
    }

    /// Notes that an exchange begins on a connection.
    pub fn begin(&mut self, lease: LeaseId) {
        if let Some(place) = self.places.get_mut(&lease) {
            place.in_flight += 1;
            place.is_used = true;
            self.healths[place.at].in_flight += 1;
        }
    }

    /// Notes that an exchange has ended. If it was useful, this also does what [`on_useful`](Self::on_useful) does.
    pub fn end(&mut self, lease: LeaseId, was_useful: bool) -> bool {
        let Some(place) = self.places.get_mut(&lease) else { return false };
        if place.in_flight > 0 {
            place.in_flight -= 1;
            self.healths[place.at].in_flight -= 1;
        }
        was_useful && self.on_useful(lease)
    }

    /// Notes that a message arrived on a connection. If the connection was made after the last failure of its address,
    /// the failures are forgotten and this returns true.
    pub fn on_useful(&mut self, lease: LeaseId) -> bool {
        let Some(place) = self.places.get_mut(&lease) else { return false };
        place.is_proved = true;
        self.healths[place.at].on_useful(place.connected_at)
    }

    /// Notes that we closed a connection in good order.
    pub fn on_closed(&mut self, lease: LeaseId) {
        self.remove(lease);
    }

    /// Notes that a connection ended in another way. Returns true if that counts as a failure of the address. It does
    /// if the connection was not useful and ended within `cap`.
    ///
    /// A peer may close a connection on which no exchange was begun because it is idle. Such an end is a failure only
    /// if the connection did not last as long as the delay that the failure would bring.
    pub fn on_lost(&mut self, lease: LeaseId, now: Duration) -> bool {
        let Some(place) = self.remove(lease) else { return false };
        let soon = match place.is_used {
            true => self.reconnect.cap,
            false => Self::window(&self.reconnect, self.healths[place.at].failures.saturating_add(1)),
        };
        let was_early = !place.is_proved && now.saturating_sub(place.connected_at) < soon;
        was_early && self.on_failed(place.at, place.connected_at, now)
    }

    /// Returns the address to try in the background while another one serves: an address that is down and to which
    /// connections would return.
    ///
    /// An address that is returned as [`Probe::Dial`] counts as tried: report the result.
    pub fn probe(&mut self, now: Duration) -> Probe {
        let wanted = (0..self.healths.len()).filter(|at| self.is_missed(*at));
        let Some(at) = wanted.min_by_key(|at| self.healths[*at].probe_at) else { return Probe::Nothing };
        let until = self.healths[at].probe_at;
        if now < until {
            return Probe::Wait { until };
        }
        self.healths[at].on_dialled(&self.reconnect, &mut self.random, now);
        Probe::Dial { address: at }
    }

    /// Returns whether [`probe`](Self::probe) has an address to try, now or later.
    #[must_use]
    pub fn misses_any(&self) -> bool {
        (0..self.healths.len()).any(|at| self.is_missed(at))
    }

    /// Returns whether the policy would use this address if it were not down.
    fn is_missed(&self, at: usize) -> bool {
        let serving = self.healths.iter().position(|health| health.connections > 0);
        let Some(serving) = serving else { return false };
        self.healths[at].is_down()
            && !self.healths[at].is_stopped
            && match self.reconnect.policy {
                Policy::PrimaryBackup => at < serving,
                Policy::RoundRobin | Policy::LeastInFlight => true,
                Policy::Sticky => false,
            }
    }

    /// Returns whether the address is ejected: it failed so often that it is left alone for up to `fail_back`. If all
    /// addresses have failed so often, none is ejected.
    ///
    /// # Panics
    /// When there is no such address. All methods with the parameter `address` panic then.
    #[must_use]
    pub fn is_ejected(&self, address: usize, now: Duration) -> bool {
        let failed_often = |health: &Health| {
            health.is_down() && health.failures >= self.reconnect.eject_after && now < health.probe_at
        };
        failed_often(&self.healths[address]) && !self.healths.iter().all(failed_often)
    }

    /// Returns whether the last try of the address failed and it has no connection.
    #[must_use]
    pub fn is_down(&self, address: usize) -> bool {
        self.healths[address].is_down()
    }

    /// Returns how often the address failed in a row.
    #[must_use]
    pub fn failures(&self, address: usize) -> u32 {
        self.healths[address].failures
    }

    /// Returns how many exchanges are under way at the address.
    #[must_use]
    pub fn in_flight(&self, address: usize) -> usize {
        self.healths[address].in_flight
    }

    /// Returns how many connections the address has.
    #[must_use]
    pub fn connections(&self, address: usize) -> usize {
        self.healths[address].connections
    }

    /// Returns how many addresses there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.healths.len()
    }

    /// Returns the address of a connection. `None` when the connection is over.
    #[must_use]
    pub fn address_of(&self, lease: LeaseId) -> Option<usize> {
        self.places.get(&lease).map(|place| place.at)
    }

    /// Returns when the next address can be dialled. `None` if none can be.
    #[must_use]
    pub fn next_try(&self) -> Option<Duration> {
        self.healths.iter().filter(|health| !health.is_stopped).map(|health| health.next_try).min()
    }

    /// Returns whether connections are not where the policy prefers, or an address that it would use is down.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        match self.reconnect.policy {
            Policy::PrimaryBackup => self.places.values().any(|place| place.at > 0),
            Policy::RoundRobin | Policy::LeastInFlight => self.healths.iter().any(Health::is_down),
            Policy::Sticky => false,
        }
    }

    /// Returns the addresses in the order of the policy.
    fn in_order(&self) -> Vec<usize> {
        let count = self.healths.len();
        let from = |start: usize| (0..count).map(move |at| (start + at) % count);
        match self.reconnect.policy {
            // While an address serves, the addresses after it are not used: its next try is waited for.
            Policy::PrimaryBackup => from(0).take(self.serving().map_or(count, |at| at + 1)).collect(),
            Policy::Sticky => from(self.last.unwrap_or(0)).collect(),
            // The sort is stable: among addresses with equal load the next one in turn comes first.
            Policy::RoundRobin => self.sorted(from(self.next), |health| (0, health.connections)),
            Policy::LeastInFlight => self.sorted(from(self.next), |health| (health.in_flight, health.connections)),
        }
    }

    /// Returns the first address that serves, unless dialling it fails again and again.
    fn serving(&self) -> Option<usize> {
        let serves = |health: &Health| health.connections > 0 && health.failures < self.reconnect.eject_after;
        self.healths.iter().position(serves)
    }

    fn sorted(&self, order: impl Iterator<Item = usize>, load: impl Fn(&Health) -> (usize, usize)) -> Vec<usize> {
        let mut order = order.collect::<Vec<_>>();
        order.sort_by_key(|at| load(&self.healths[*at]));
        order
    }

    fn remove(&mut self, lease: LeaseId) -> Option<AddressEntry> {
        let place = self.places.remove(&lease)?;
        let health = &mut self.healths[place.at];
        health.connections -= 1;
        health.in_flight -= place.in_flight;
        Some(place)
    }

    /// Returns the longest delay before the next try of an address, after this many failures in a row.
    #[must_use]
    pub fn window(reconnect: &Reconnect, failures: u32) -> Duration {
        health::window(reconnect, failures)
    }
}
