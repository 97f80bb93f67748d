//! A process is stopped for a while: ours or the peer's.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::cell::{Cell, Done, Role, WIRES};
use crate::driver::{Blocking, Driver, NonBlocking, Tokio};
use crate::plain::{Plain, Seen};
use crate::program::Running;
use crate::programs::BEAT;
use crate::stage::{DEADLINE, NoticeStage};

/// The length of the stop, in which ten heartbeats would be due.
const STOPPED: Duration = Duration::from_millis(2000);

/// Our process is stopped and continues. The peer is healthy: it answers heartbeats, and counts them.
pub(crate) fn ours() -> Vec<Done> {
    let mut running = Vec::new();
    for wire in WIRES {
        for role in [Role::Client, Role::Server] {
            for driver in [Blocking::NAME, NonBlocking::NAME, Tokio::NAME] {
                let cell = Cell { wire, driver, role };
                running.push((cell, thread::spawn(move || goes_on(cell))));
            }
        }
    }
    running.into_iter().map(|(cell, thread)| Done { cell, ended: thread.join() }).collect()
}

/// Starts a program with our end of a connection. Returns the program and its peer.
fn start(Cell { wire, driver, role }: Cell) -> (Running, Plain) {
    let notation = wire.notation();
    match role {
        Role::Client => {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("an address");
            let program = Running::start(&format!("beat {driver} {notation} client {address}"));
            let peer = Plain::new(listener.accept().expect("accepting").0, wire);
            (program, peer)
        }
        Role::Server => {
            let program = Running::start(&format!("beat {driver} {notation} server -"));
            let peer = Plain::dial(program.addresses()[0], wire);
            (program, peer)
        }
    }
}

/// Answers heartbeats for this time, or until `most` have arrived. Returns their number.
fn beats(peer: &mut Plain, time: Duration, most: usize) -> usize {
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < time && count < most {
        match peer.read_any().expect("a connection that lives") {
            Seen::Message(message) if message == b"PING" => {
                count += 1;
                peer.write(b"PONG").expect("answering");
            }
            Seen::Nothing => {}
            other => panic!("{other:?}"),
        }
    }
    count
}

fn goes_on(cell: Cell) {
    let (mut program, mut peer) = start(cell);
    let part = Arc::new(NoticeStage::default()).part();
    assert_eq!(peer.call(b"hi", &part), b"hi");
    assert_eq!(beats(&mut peer, DEADLINE, 2), 2, "the process sends heartbeats");
    program.signal(Signal::SIGSTOP);
    // Reads the heartbeats that the process sent before the stop.
    beats(&mut peer, STOPPED, usize::MAX);
    program.signal(Signal::SIGCONT);
    let went_on = Instant::now();
    let count = beats(&mut peer, 3 * BEAT, usize::MAX);
    let at_most = 2 + went_on.elapsed().as_millis() / BEAT.as_millis();
    assert!(count as u128 <= at_most, "{count} heartbeats at once, {at_most} are due");
    assert_eq!(peer.call(b"still there", &part), b"still there");
    assert!(program.is_alive() && program.said("ended").is_empty());
}
