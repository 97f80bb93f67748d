//! A run with restarts of the server and of the bridge, and an exact account of each INSERT.

use std::io::Write as _;
use std::process::Stdio;
use std::thread;

use framelink_testkit::ReservedPort;

use super::bridge;
use super::psql::Psql;
use super::server::Server;
use crate::common::Running;
use crate::ledger::{Ledger, Outcome};
use crate::rounds::{Round, Rounds};

/// How many programs insert rows at a time, and how many rows each inserts in a round.
const CLIENTS: u64 = 3;
const PLAIN: u64 = 100;
/// More than are inserted until the restart.
const CUT: u64 = 100_000;
/// A restart comes after so many rows of each program.
const BEFORE: usize = 50;

/// What is stopped in the middle.
#[derive(Clone, Copy)]
enum Stopped {
    Server,
    BridgeKilled,
    BridgeDrained,
}

const ORDER: [Stopped; 3] = [Stopped::Server, Stopped::BridgeKilled, Stopped::BridgeDrained];

/// A psql that inserts the rows of a round, one in each transaction. It stops at the first failure.
struct Client {
    running: Running,
    rows: std::ops::Range<u64>,
    inserted: usize,
}

impl Client {
    fn start(psql: Psql, rows: std::ops::Range<u64>) -> Self {
        let mut running = Running::start(psql.command().args(["-v", "ON_ERROR_STOP=1"]).stdin(Stdio::piped()));
        let (mut stdin, inserted) = (running.stdin(), rows.clone());
        thread::spawn(move || {
            // A psql that has failed reads no more.
            for row in inserted {
                if writeln!(stdin, "insert into ledger values ({row});").is_err() {
                    return;
                }
            }
        });
        Self { running, rows, inserted: 0 }
    }

    /// Waits until the server has reported this many rows.
    fn reaches(&mut self, count: usize) {
        while self.inserted < count {
            assert_eq!(self.running.stdout_line(), "INSERT 0 1");
            self.inserted += 1;
        }
    }

    /// Waits for the end, and returns whether all rows were reported. Rows are reported in order. After a failure the outcome
    /// of one is unknown, and no other is sent: the ledger refuses one that is there.
    fn finish(self, ledger: &mut Ledger) -> bool {
        let done = self.running.finish();
        let answered = done.stdout.lines().filter(|line| *line == "INSERT 0 1").count();
        assert_eq!(answered, done.stdout.lines().count(), "{done:?}");
        for (at, row) in self.rows.take(answered + 1).enumerate() {
            ledger.ended(row, if at < answered { Outcome::Answered } else { Outcome::Unknown });
        }
        done.code == Some(0)
    }
}

#[test]
fn each_insert_that_was_reported_is_there_after_restarts_and_no_other() {
    let Some(mut server) = Server::start() else { return };
    server.psql().rows("create table ledger (row bigint)");
    let port = ReservedPort::new().expect("a free port");
    let mut running = bridge(port.address(), server.address());
    let (mut ledger, mut next) = (Ledger::default(), 0);
    for round in Rounds::begin() {
        let count = if round == Round::Plain { PLAIN } else { CUT };
        let mut clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                next += count;
                Client::start(Psql::new(port.address()), next - count..next)
            })
            .collect();
        if let Round::Restart(number) = round {
            clients.iter_mut().for_each(|client| client.reaches(BEFORE));
            match ORDER[number as usize % ORDER.len()] {
                Stopped::Server => {
                    server.crash();
                    server.start_again();
                }
                Stopped::BridgeKilled => {
                    drop(running);
                    running = bridge(port.address(), server.address());
                }
                Stopped::BridgeDrained => {
                    running.signal("TERM");
                    running.finish();
                    running = bridge(port.address(), server.address());
                }
            }
        }
        for client in clients {
            assert_eq!(client.finish(&mut ledger), round == Round::Plain, "{round:?}");
        }
    }
    for row in server.psql().rows("select row from ledger").lines() {
        ledger.received(row.parse().expect("a number"));
    }
    let sums = ledger.settle();
    println!("psql through a bridge: {sums}");
    let restarts = std::env::var("FRAMELINK_PEERS_RESTARTS").map_or(2, |text| text.parse().expect("a number"));
    assert_eq!(sums.unknown as u64, CLIENTS * restarts, "{sums}");
}
