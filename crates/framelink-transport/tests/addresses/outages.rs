//! Many clients lose one server at one moment: tests of how they reconnect.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use framelink_transport::profile::{Policy, Reconnect};
use framelink_transport::upstream::{Addresses, Attempt, Choice};

const CLIENTS: usize = 1000;
const SECOND: Duration = Duration::from_secs(1);

/// A server that is down until `back_at`, and then accepts at most `accepts_a_second` connections in each second.
struct Server {
    back_at: Duration,
    accepts_a_second: usize,
    /// The number of accepted connections in each second since `back_at`.
    accepted: Vec<usize>,
    refused: usize,
}

impl Server {
    fn new(back_at: Duration, accepts_a_second: usize) -> Self {
        Self { back_at, accepts_a_second, accepted: Vec::new(), refused: 0 }
    }

    fn is_dialled(&mut self, now: Duration) -> bool {
        let Some(since) = now.checked_sub(self.back_at) else {
            self.refused += 1;
            return false;
        };
        let second = usize::try_from(since.as_secs()).unwrap();
        if self.accepted.len() <= second {
            self.accepted.resize(second + 1, 0);
        }
        let accepts = self.accepted[second] < self.accepts_a_second;
        self.accepted[second] += usize::from(accepts);
        self.refused += usize::from(!accepts);
        accepts
    }

    fn most_in_a_second(&self) -> usize {
        self.accepted.iter().copied().max().unwrap_or(0)
    }
}

/// Has all clients lose the server at time 0 and reconnect. Returns the time at which the last client is connected
/// again.
fn lose(server: &mut Server, cap: Duration, seed: u64) -> Duration {
    let mut reconnect = Reconnect::new(Policy::PrimaryBackup);
    reconnect.cap = cap;
    let of_client = |number| Addresses::new(reconnect, 1, seed * CLIENTS as u64 + number as u64);
    let mut clients = (0..CLIENTS).map(of_client).collect::<Vec<_>>();
    let mut tries = (0..CLIENTS).map(|client| Reverse((Duration::ZERO, client))).collect::<BinaryHeap<_>>();
    let mut last = Duration::ZERO;
    while let Some(Reverse((now, number))) = tries.pop() {
        let client = &mut clients[number];
        match client.choose(&mut Attempt::new(), now) {
            Choice::Wait { until } => tries.push(Reverse((until, number))),
            Choice::Dial { .. } if server.is_dialled(now) => {
                let lease = client.on_connected(0, now);
                client.begin(lease);
                client.end(lease, true);
                assert_eq!(client.failures(0), 0);
                last = now;
            }
            Choice::Dial { .. } => {
                client.on_failed(0, now, now);
                tries.push(Reverse((now, number)));
            }
            Choice::Exhausted => panic!("a new attempt has addresses left"),
        }
    }
    assert_eq!(server.accepted.iter().sum::<usize>(), CLIENTS, "all clients are connected again");
    last
}

#[test]
fn a_thousand_clients_reconnect_spread_over_time_after_an_outage_of_a_minute() {
    let mut most = Vec::new();
    for seed in 0..10 {
        let mut server = Server::new(60 * SECOND, usize::MAX);
        let last = lose(&mut server, 60 * SECOND, seed);
        assert!(last <= 120 * SECOND, "the last client connects within one `cap` of the server's return: {last:?}");
        most.push(server.most_in_a_second());
    }
    println!("most of {CLIENTS} in one second after 60 s, by seed: {most:?}");
    assert!(most.iter().all(|most| *most <= CLIENTS * 5 / 100), "{most:?}");
}

/// With a cap of 5 s, a client waits at most 5 s before it dials again.
#[test]
fn after_a_short_outage_all_clients_reconnect_soon_after_the_server_can_accept_them() {
    for (outage, seed) in [1, 5, 10].into_iter().flat_map(|outage| [0, 1, 2].map(|seed| (outage, seed))) {
        let mut server = Server::new(outage * SECOND, 100);
        let last = lose(&mut server, 5 * SECOND, seed);
        let possible = (outage + 10) * SECOND;
        println!(
            "{outage} s: all back {:.1} s after they could be, {} refused",
            last.saturating_sub(possible).as_secs_f64(),
            server.refused
        );
        assert!(server.most_in_a_second() <= 100);
        assert!(last <= possible + 10 * SECOND, "{outage} s: {last:?}");
    }
}

/// A longer cap means fewer dials to a server that is down, and a later last client.
#[test]
fn a_longer_cap_means_fewer_dials_and_a_later_last_client() {
    let caps = [5, 15, 60].map(|cap| {
        let mut server = Server::new(60 * SECOND, usize::MAX);
        let last = lose(&mut server, cap * SECOND, 1);
        println!(
            "cap {cap:2} s: {:5} failed dials in 60 s, at most {:3} back in one second, the last after {:.1} s",
            server.refused,
            server.most_in_a_second(),
            (last - 60 * SECOND).as_secs_f64()
        );
        assert!(last - 60 * SECOND <= cap * SECOND);
        (server.refused, Reverse(server.most_in_a_second()))
    });
    assert!(caps.windows(2).all(|pair| pair[0].0 > pair[1].0), "{caps:?}");
}
