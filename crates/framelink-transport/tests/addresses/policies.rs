//! Tests of which address each policy dials at which time.

use std::time::Duration;

use framelink_transport::profile::{Policy, Reconnect};
use framelink_transport::upstream::{Addresses, Attempt, Choice, LeaseId, Probe};

const SECOND: Duration = Duration::from_secs(1);
const ALL: [Policy; 4] = [Policy::PrimaryBackup, Policy::RoundRobin, Policy::LeastInFlight, Policy::Sticky];

struct World {
    addresses: Addresses,
    alive: Vec<bool>,
    now: Duration,
    reconnect: Reconnect,
}

impl World {
    fn new(policy: Policy, count: usize) -> Self {
        let reconnect = Reconnect::new(policy);
        Self { addresses: Addresses::new(reconnect, count, 11), alive: vec![true; count], now: SECOND, reconnect }
    }

    /// Dials until a connection is made or no address is left, and waits where the policy says to. Returns the dialled
    /// addresses, and the lease and address of the connection.
    fn connect(&mut self) -> (Vec<usize>, Option<(LeaseId, usize)>) {
        let (mut attempt, mut dialled) = (Attempt::new(), Vec::new());
        loop {
            match self.addresses.choose(&mut attempt, self.now) {
                Choice::Dial { address, .. } => {
                    dialled.push(address);
                    if self.alive[address] {
                        return (dialled, Some((self.addresses.on_connected(address, self.now), address)));
                    }
                    self.addresses.on_failed(address, self.now, self.now);
                }
                Choice::Wait { until } => {
                    assert!(until - self.now <= self.reconnect.cap, "a wait is never longer than the cap");
                    self.now = until;
                }
                Choice::Exhausted => return (dialled, None),
            }
        }
    }

    /// Makes a connection and a useful exchange over it. Panics if no address can be connected to.
    fn serve(&mut self) -> (LeaseId, usize) {
        let (lease, address) = self.connect().1.unwrap();
        self.exchange(lease);
        (lease, address)
    }

    fn exchange(&mut self, lease: LeaseId) {
        self.addresses.begin(lease);
        self.addresses.end(lease, true);
    }

    fn lose(&mut self, address: usize, leases: &mut Vec<(LeaseId, usize)>) {
        self.alive[address] = false;
        for (lease, _) in leases.extract_if(.., |(_, at)| *at == address) {
            self.addresses.on_lost(lease, self.now);
        }
    }

    /// Runs the background probes until `end`, and moves the connections that are to move. Returns the time of each
    /// move.
    fn run_until(&mut self, end: Duration, leases: &mut [(LeaseId, usize)]) -> Vec<Duration> {
        let mut moved = Vec::new();
        while self.now < end {
            match self.addresses.probe(self.now) {
                Probe::Dial { address } if self.alive[address] => {
                    let lease = self.addresses.on_connected(address, self.now);
                    self.addresses.on_closed(lease);
                }
                Probe::Dial { address } => assert!(self.addresses.on_failed(address, self.now, self.now)),
                Probe::Wait { .. } | Probe::Nothing => {}
            }
            for held in leases.iter_mut() {
                if self.addresses.is_to_move(held.0, self.now) {
                    self.addresses.on_closed(held.0);
                    let (lease, address) = self.connect().1.unwrap();
                    self.addresses.begin(lease);
                    self.addresses.end(lease, true);
                    *held = (lease, address);
                    moved.push(self.now);
                }
            }
            self.now += Duration::from_millis(100);
        }
        moved
    }

    fn spread(&self) -> Vec<usize> {
        (0..self.alive.len()).map(|address| self.addresses.connections(address)).collect()
    }
}

#[test]
fn the_first_six_connections_go_to_the_addresses_of_the_policy() {
    for (policy, expected) in [
        (Policy::PrimaryBackup, [0, 0, 0, 0, 0, 0]),
        (Policy::RoundRobin, [0, 1, 2, 0, 1, 2]),
        (Policy::LeastInFlight, [0, 1, 2, 0, 1, 2]),
        (Policy::Sticky, [0, 0, 0, 0, 0, 0]),
    ] {
        let mut world = World::new(policy, 3);
        assert_eq!([(); 6].map(|()| world.serve().1), expected, "{policy:?}");
    }
}

#[test]
fn connections_go_to_other_addresses_when_the_first_is_dead() {
    for (policy, expected) in [
        // The addresses that each of four connections dials. A dead address is dialled when its delay is over, and is
        // ejected after three failures.
        (Policy::PrimaryBackup, vec![vec![0, 1], vec![0, 1], vec![0, 1], vec![1], vec![1]]),
        (Policy::RoundRobin, vec![vec![0, 1], vec![2], vec![0, 1], vec![2], vec![0, 1]]),
        (Policy::LeastInFlight, vec![vec![0, 1], vec![2], vec![0, 1], vec![2], vec![0, 1]]),
        (Policy::Sticky, vec![vec![0, 1], vec![1], vec![1], vec![1], vec![1]]),
    ] {
        let mut world = World::new(policy, 3);
        world.alive[0] = false;
        for (number, expected) in expected.into_iter().enumerate() {
            // No delay is longer than this after so few failures.
            world.now += SECOND;
            let (dialled, lease) = world.connect();
            assert_eq!(dialled, expected, "{policy:?}, connection {number}");
            world.exchange(lease.unwrap().0);
            // Each round makes a new connection, because the earlier ones are closed.
            let lease = lease.unwrap().0;
            world.addresses.on_closed(lease);
        }
    }
}

#[test]
fn least_in_flight_counts_the_exchanges_of_each_address() {
    let mut world = World::new(Policy::LeastInFlight, 3);
    let leases = [(); 3].map(|()| world.serve());
    for (lease, busy) in leases.iter().zip([2, 1, 3]) {
        (0..busy).for_each(|_| world.addresses.begin(lease.0));
    }
    assert_eq!(world.serve().1, 1);
    world.addresses.end(leases[2].0, false);
    world.addresses.end(leases[2].0, false);
    world.addresses.end(leases[2].0, false);
    assert_eq!(world.serve().1, 2);
    for (lease, _) in leases {
        world.addresses.on_lost(lease, world.now);
    }
    assert_eq!(
        [0, 1, 2].map(|address| world.addresses.in_flight(address)),
        [0; 3],
        "a lost connection has no exchange in flight"
    );
}

#[test]
fn an_address_that_failed_too_often_is_ejected_and_returns() {
    let mut world = World::new(Policy::PrimaryBackup, 2);
    world.alive[0] = false;
    for failures in 1..=3 {
        let (dialled, _) = world.connect();
        assert_eq!(dialled, [0, 1]);
        assert_eq!(world.addresses.failures(0), failures);
        assert_eq!(world.addresses.is_ejected(0, world.now), failures == 3);
        world.now += SECOND;
    }
    assert_eq!(world.connect().0, [1]);
    // Short connections have no background task: the next connection tries the address when `fail_back` has passed.
    world.now += world.reconnect.fail_back;
    assert!(!world.addresses.is_ejected(0, world.now));
    world.alive[0] = true;
    let (dialled, lease) = world.connect();
    assert_eq!(dialled, [0]);
    world.exchange(lease.unwrap().0);
    assert_eq!(world.addresses.failures(0), 0);
}

#[test]
fn an_only_address_is_never_ejected_for_longer_than_its_delay() {
    let mut world = World::new(Policy::PrimaryBackup, 1);
    world.alive[0] = false;
    for failures in 1..20 {
        assert_eq!(world.connect().0, [0]);
        assert!(!world.addresses.is_ejected(0, world.now));
        let until = match world.addresses.choose(&mut Attempt::new(), world.now) {
            Choice::Wait { until } => until,
            Choice::Dial { .. } => world.now,
            Choice::Exhausted => panic!(),
        };
        assert!(until - world.now <= Addresses::window(&world.reconnect, failures));
    }
}

#[test]
fn delays_double_up_to_the_cap() {
    let reconnect = Reconnect::default();
    let windows = [0, 1, 2, 3, 4, 10, 11, 12, 1000, u32::MAX].map(|failures| Addresses::window(&reconnect, failures));
    let expected = [0, 100, 200, 400, 800, 51_200, 60_000, 60_000, 60_000, 60_000].map(Duration::from_millis);
    assert_eq!(windows, expected);
}

/// A server that accepts, and closes before a useful exchange, again and again.
#[test]
fn only_a_useful_exchange_resets_the_delay() {
    let mut world = World::new(Policy::PrimaryBackup, 1);
    for failures in 1..=15 {
        let (lease, _) = world.connect().1.unwrap();
        assert!(world.addresses.on_lost(lease, world.now));
        assert_eq!(world.addresses.failures(0), failures);
    }
    let (lease, _) = world.connect().1.unwrap();
    world.exchange(lease);
    assert_eq!(world.addresses.failures(0), 0);
    // A connection that has made a useful exchange may end at any time, and is replaced at once.
    assert!(!world.addresses.on_lost(lease, world.now));
    let before = world.now;
    assert_eq!((world.connect().0, world.now), (vec![0], before));
}

/// A healthy peer closes connections that are kept ready and are not used.
#[test]
fn a_peer_that_closes_idle_connections_has_not_failed() {
    let mut world = World::new(Policy::PrimaryBackup, 1);
    for _ in 0..20 {
        let before = world.now;
        let (lease, _) = world.connect().1.unwrap();
        assert_eq!(world.now, before, "the address is dialled again at once");
        world.now += 10 * SECOND;
        assert!(!world.addresses.on_lost(lease, world.now));
    }
    // A connection that ends with a request in flight has failed.
    let (lease, _) = world.connect().1.unwrap();
    world.addresses.begin(lease);
    world.now += 10 * SECOND;
    assert!(world.addresses.on_lost(lease, world.now));
}

/// A server at its limit of connections: an exchange over an old connection does not show that new ones are accepted.
#[test]
fn an_old_connection_does_not_reset_the_delay_of_new_ones() {
    let mut world = World::new(Policy::PrimaryBackup, 1);
    let (lease, _) = world.serve();
    world.alive[0] = false;
    for failures in 1..=5 {
        world.now += 10 * SECOND;
        assert_eq!(world.connect().1, None);
        world.exchange(lease);
        assert_eq!(world.addresses.failures(0), failures);
    }
    assert!(!world.addresses.is_down(0), "the primary still serves");
}

/// Connections that are lost at one moment count as one failure.
#[test]
fn connections_that_are_lost_together_are_one_failure() {
    let mut world = World::new(Policy::PrimaryBackup, 1);
    let leases = [(); 8].map(|()| world.connect().1.unwrap().0);
    leases.iter().for_each(|lease| world.addresses.begin(*lease));
    world.now += SECOND;
    let counted = leases.map(|lease| world.addresses.on_lost(lease, world.now));
    assert_eq!((counted.iter().filter(|counted| **counted).count(), world.addresses.failures(0)), (1, 1));
    // Dials that fail at one moment also count as one failure.
    let dialled_at = world.now + SECOND;
    world.now += 2 * SECOND;
    assert!(world.addresses.on_failed(0, dialled_at, world.now));
    assert!(!world.addresses.on_failed(0, dialled_at, world.now));
    assert_eq!(world.addresses.failures(0), 2);
}

/// A primary at its limit of connections still serves the old ones, so the backup is not used.
#[test]
fn a_primary_that_still_serves_is_not_ejected() {
    let mut world = World::new(Policy::PrimaryBackup, 2);
    let (lease, _) = world.serve();
    world.alive[0] = false;
    for _ in 0..2 {
        assert_eq!(world.connect(), (vec![0], None));
    }
    assert_eq!(world.connect().0, [0, 1], "after the third failure the backup is dialled too");
    world.addresses.on_lost(lease, world.now);
}

#[test]
fn connections_return_to_the_primary_one_by_one() {
    let mut world = World::new(Policy::PrimaryBackup, 2);
    let mut leases = Vec::new();
    world.alive[0] = false;
    (0..20).for_each(|_| leases.push(world.serve()));
    assert_eq!(world.spread(), [0, 20]);
    assert!(world.addresses.is_degraded());
    let fail_back = world.reconnect.fail_back;
    assert_eq!(
        world.run_until(world.now + 10 * fail_back, &mut leases),
        [],
        "no connection moves while the primary is down"
    );
    world.alive[0] = true;
    let returned = world.now;
    let moved = world.run_until(returned + 3 * fail_back, &mut leases);
    assert_eq!((moved.len(), world.spread()), (20, vec![20, 0]), "all connections end on the primary");
    assert!(!world.addresses.is_degraded());
    let (first, last) = (moved[0], moved[19]);
    assert!(first - returned <= fail_back + fail_back / 20 + SECOND, "{first:?}");
    assert!(last - first >= fail_back * 8 / 10 && last - first <= fail_back, "{:?}", last - first);
    let most = moved.iter().map(|at| moved.iter().filter(|other| **other >= *at && **other < *at + SECOND).count());
    assert!(most.max() <= Some(3), "the connections move one by one: {moved:?}");
}

#[test]
fn no_connection_moves_to_a_primary_that_is_lost_again() {
    let mut world = World::new(Policy::PrimaryBackup, 2);
    let mut leases = Vec::new();
    world.alive[0] = false;
    (0..10).for_each(|_| leases.push(world.serve()));
    world.alive[0] = true;
    let fail_back = world.reconnect.fail_back;
    world.run_until(world.now + fail_back, &mut leases);
    let at_primary = world.spread()[0];
    world.lose(0, &mut leases);
    world.addresses.on_failed(0, world.now, world.now);
    let moved = world.run_until(world.now + 2 * fail_back, &mut leases);
    assert_eq!((moved.len(), world.spread()), (0, vec![0, 10 - at_primary]));
}

#[test]
fn connections_are_rebalanced_when_an_address_returns() {
    for policy in [Policy::RoundRobin, Policy::LeastInFlight] {
        let mut world = World::new(policy, 3);
        let mut leases = (0..12).map(|_| world.serve()).collect::<Vec<_>>();
        assert_eq!(world.spread(), [4, 4, 4], "{policy:?}");
        world.lose(1, &mut leases);
        (0..4).for_each(|_| leases.push(world.serve()));
        assert_eq!(world.spread(), [6, 0, 6], "{policy:?}");
        world.alive[1] = true;
        let fail_back = world.reconnect.fail_back;
        let moved = world.run_until(world.now + 3 * fail_back, &mut leases);
        assert_eq!(
            (moved.len(), world.spread()),
            (4, vec![4, 4, 4]),
            "{policy:?}: the connections move gradually, and no more of them than needed"
        );
        assert!(moved[3] - moved[0] >= fail_back / 3, "{policy:?}: {moved:?}");
    }
}

#[test]
fn sticky_never_moves() {
    let mut world = World::new(Policy::Sticky, 3);
    world.alive[0] = false;
    let mut leases = vec![world.serve()];
    assert_eq!(leases[0].1, 1);
    world.alive[0] = true;
    assert_eq!(world.run_until(world.now + Duration::from_secs(3600), &mut leases), []);
    assert_eq!(world.serve().1, 1, "new connections go to the address of the last one");
    world.lose(1, &mut leases);
    assert_eq!(world.serve().1, 2);
}

#[test]
fn a_connection_is_made_while_one_address_is_alive() {
    for policy in ALL {
        for alive in 0..5 {
            let mut world = World::new(policy, 5);
            world.alive = (0..5).map(|address| address == alive).collect();
            for round in 0..100 {
                let began = world.now;
                let (dialled, lease) = world.connect();
                let (lease, address) = lease.unwrap_or_else(|| panic!("{policy:?} {alive} {round}: {dialled:?}"));
                assert_eq!(address, alive);
                assert!(world.now - began <= world.reconnect.cap);
                world.exchange(lease);
                world.addresses.on_closed(lease);
                world.now += Duration::from_millis(37);
            }
        }
    }
}
