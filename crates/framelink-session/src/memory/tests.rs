use std::sync::Arc;

use super::budget::Budget;
use super::{Account, Held};
use crate::lifetime::{Ending, Notice};
use crate::memory::Network;

const KIB: usize = 1024;

/// A connection of a client, and its notice.
struct Connection {
    account: Arc<Account>,
    held: Held,
    notice: Arc<Notice>,
}

impl Connection {
    fn open(budget: &Arc<Budget>, id: u64, client: u8) -> Self {
        let notice = Arc::new(Notice::new());
        let account = budget.open(id, network(client), Arc::clone(&notice));
        Self { held: account.place(), account, notice }
    }

    fn ending(&self) -> Option<Ending> {
        self.notice.abrupt()
    }
}

fn network(client: u8) -> Network {
    Network::of_client([10, 0, 0, client].into())
}

#[test]
fn the_largest_connection_of_the_largest_client_is_told_to_end() {
    let budget = Budget::new(100 * KIB, 100 * KIB);
    // The third connection is the largest, but the client of the first two holds more.
    let mut all: Vec<_> = [(0, 1), (1, 1), (2, 2), (3, 3)].map(|(id, of)| Connection::open(&budget, id, of)).into();
    for (connection, kib) in all.iter_mut().zip([28, 32, 40, 0]) {
        assert!(connection.held.try_set(kib * KIB));
    }
    assert!(!all[3].held.try_set(4 * KIB), "it waits for what the second holds");
    let told: Vec<_> = all.iter().map(Connection::ending).collect();
    assert_eq!(told, [None, Some(Ending::Memory { limit: 100 * KIB }), None, None]);
    all[1].held.set(0);
    assert!(all[3].held.try_set(4 * KIB));
    assert_eq!((budget.held(), budget.evicted()), (72 * KIB, 1));
}

#[test]
fn a_client_has_a_share_and_other_clients_are_not_affected() {
    let budget = Budget::new(100 * KIB, 50 * KIB);
    let mut all: Vec<_> = [(0, 1), (1, 1), (2, 2)].map(|(id, of)| Connection::open(&budget, id, of)).into();
    for (connection, kib) in all.iter_mut().zip([20, 24, 32]) {
        assert!(connection.held.try_set(kib * KIB));
    }
    assert!(all[0].held.try_set(28 * KIB) || all[0].ending().is_some());
    let told: Vec<_> = all.iter().map(Connection::ending).collect();
    assert_eq!(told, [Some(Ending::ClientMemory { limit: 50 * KIB }), None, None], "what it wants counts");
    assert!(all[1].held.try_set(48 * KIB), "the share is the other's now");
}

#[test]
fn less_than_a_page_is_not_counted() {
    let budget = Budget::new(4 * KIB, 4 * KIB);
    let mut all: Vec<_> = (0..100).map(|id| Connection::open(&budget, id, 1)).collect();
    for connection in &mut all {
        connection.held.set(4 * KIB - 1);
        assert!(connection.held.try_set(100));
    }
    assert_eq!((budget.held(), budget.evicted()), (0, 0));
}

#[test]
fn a_connection_that_was_told_to_end_keeps_others_waiting_only_until_their_patience_ends() {
    let budget = Budget::new(100 * KIB, 100 * KIB);
    let mut stuck = Connection::open(&budget, 0, 1);
    let mut other = Connection::open(&budget, 1, 2);
    stuck.held.set(104 * KIB);
    assert!(stuck.ending().is_some(), "more than the budget by itself");
    assert!(!other.held.try_set(0), "nothing is read while more than the budget is held");
    assert!(!stuck.held.try_set_at_last(8 * KIB), "told to end");
    assert!(other.held.try_set_at_last(8 * KIB));
    assert!(!other.held.try_set_at_last(104 * KIB), "not more than the budget");
    drop(stuck);
    assert_eq!(budget.held(), 8 * KIB);
}

/// The machine is slow, or handlers are busy, for longer than other connections wait.
#[test]
fn connections_that_were_told_to_end_and_stay_hold_at_most_twice_the_budget() {
    let budget = Budget::new(100 * KIB, 100 * KIB);
    let mut quiet = Connection::open(&budget, 1000, 200);
    let mut stuck = Vec::new();
    for id in 0..100 {
        let mut connection = Connection::open(&budget, id, u8::try_from(id).unwrap());
        for kib in (8..=64).step_by(8) {
            if !connection.held.try_set(kib * KIB) {
                connection.held.try_set_at_last(kib * KIB);
            }
        }
        stuck.push(connection);
        assert!(budget.held() <= 200 * KIB, "{} KiB are held", budget.held() / KIB);
    }
    assert!(budget.held() > 100 * KIB && budget.evicted() > 0);
    assert!(!quiet.held.try_set(0) && quiet.held.try_set_at_last(0), "a connection that holds nothing goes on");
    drop(stuck);
    assert!(quiet.held.try_set(64 * KIB));
}

#[test]
fn a_shared_frame_is_counted_once_and_held_against_each_connection() {
    let budget = Budget::new(100 * KIB, 100 * KIB);
    let all: Vec<_> = (0..10).map(|id| Connection::open(&budget, id, u8::try_from(id).unwrap())).collect();
    let charge = all[0].held.charge(80 * KIB);
    let mut waiting: Vec<_> = all.iter().map(|connection| connection.held.another_shared()).collect();
    waiting.iter_mut().for_each(|held| held.note(80 * KIB));
    waiting[7].note(84 * KIB);
    assert_eq!((budget.held(), budget.evicted()), (80 * KIB, 0), "counted once");
    let mut other = Connection::open(&budget, 10, 10);
    assert!(!other.held.try_set(24 * KIB));
    assert_eq!(all[7].ending(), Some(Ending::Memory { limit: 100 * KIB }), "the slowest");
    drop(charge);
    assert!(other.held.try_set(24 * KIB));
    drop((waiting, all, other));
    assert_eq!(budget.held(), 0);
}

#[test]
fn all_memory_is_released_after_any_interleaving_of_threads() {
    let budget = Budget::new(256 * KIB, 128 * KIB);
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let budget = &budget;
            threads.spawn(move || {
                for round in 0..500_u64 {
                    let id = thread * 1000 + round;
                    let client = u8::try_from(id % 3).unwrap();
                    let mut connection = Connection::open(budget, id, client);
                    let mut queue = connection.account.place();
                    for step in 1..20 {
                        let bytes = usize::try_from((id * 7919 + step * 104_729) % 100).unwrap() * KIB;
                        if !connection.held.try_set(bytes) && connection.ending().is_some() {
                            break;
                        }
                        queue.set(bytes / 3);
                    }
                    budget.close(id, network(client));
                }
            });
        }
    });
    assert_eq!(budget.held(), 0);
    assert!(!budget.is_full());
}
