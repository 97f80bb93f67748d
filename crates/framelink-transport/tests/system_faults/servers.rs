//! A server as a process of its own: told to end under load, and with little memory and many strangers.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::cell::{Cell, Done, Role, WIRES};
use crate::driver::{Blocking, Driver, NonBlocking, Tokio};
use crate::plain::{Plain, Seen};
use crate::program::Running;
use crate::stage::{NoticeStage, Part};
use crate::wire::Wire;

fn on_all(play: fn(Cell)) -> Vec<Done> {
    let mut running = Vec::new();
    for wire in WIRES {
        for driver in [Blocking::NAME, NonBlocking::NAME, Tokio::NAME] {
            let cell = Cell { wire, driver, role: Role::Server };
            running.push((cell, thread::spawn(move || play(cell))));
        }
    }
    running.into_iter().map(|(cell, thread)| Done { cell, ended: thread.join() }).collect()
}

fn start(cell: Cell) -> (Running, SocketAddr) {
    let program = Running::start(&format!("serve {} {}", cell.driver, cell.wire.notation()));
    let address = program.addresses()[0];
    (program, address)
}

pub(crate) fn told_to_end() -> Vec<Done> {
    on_all(|cell| {
        let (mut program, address) = start(cell);
        let stage = Arc::new(NoticeStage::default());
        let clients: Vec<_> = (1..=3)
            .map(|window| {
                let (wire, part) = (cell.wire, stage.part());
                thread::spawn(move || ask(address, wire, window, &part))
            })
            .collect();
        stage.wait_for_ready(clients.len());
        assert_eq!(program.said("failed"), Vec::<String>::new());
        program.signal(Signal::SIGTERM);
        let replied: u64 = clients.into_iter().map(|client| client.join().expect("a client")).sum();
        assert_eq!(program.finish(), Some(0), "the server ends in time, and cuts no request");
        let handled: u64 = program.wait_for("handled ", 1)[0].parse().expect("a count");
        assert_eq!(handled, replied, "every accepted request is answered, and the reply arrives");
    })
}

/// Sends `window` requests and reads their replies, again and again until the server ends its side in an orderly way.
/// Returns the number of replies.
fn ask(address: SocketAddr, wire: Wire, window: u64, part: &Part) -> u64 {
    let mut peer = Plain::dial(address, wire);
    let (mut sent, mut replied) = (0_u64, 0_u64);
    loop {
        let mut is_open = true;
        while is_open && sent < replied + window {
            // A server that has ended may reset the connection when later requests arrive.
            is_open = peer.write(&sent.to_be_bytes()).is_ok();
            sent += 1;
        }
        match peer.read() {
            Ok(Seen::Message(reply)) => {
                assert_eq!(reply, replied.to_be_bytes(), "the replies are in order, and none arrives twice");
                replied += 1;
                if replied == 20 {
                    part.is_ready();
                }
            }
            Ok(Seen::Nothing) => part.must_go_on("a reply"),
            Ok(Seen::End) => return replied,
            Err(error) => panic!("after {replied} replies: {error}"),
        }
    }
}

/// The number of strangers in a row.
const STRANGERS: usize = 150;

pub(crate) fn short_of_memory() -> Vec<Done> {
    on_all(|cell| {
        let (mut program, address) = start(cell);
        let part = Arc::new(NoticeStage::default()).part();
        let mut honest = Plain::dial(address, cell.wire);
        assert_eq!(honest.call(b"hi", &part), b"hi");
        // Each stranger sends the longest message except for its last byte.
        let longest = if cell.wire == Wire::Net4 { 1024 * 1024 } else { 9999 };
        let mut frame = cell.wire.frame(&vec![b'x'; longest]);
        frame.pop();
        let strangers: Vec<_> = (0..STRANGERS).filter_map(|_| stranger(address, &frame)).collect();
        assert!(program.is_alive(), "the server survives the strangers");
        for _ in 0..20 {
            assert_eq!(honest.call(b"still there", &part), b"still there");
        }
        drop(strangers);
        assert_eq!(Plain::dial(address, cell.wire).call(b"and others", &part), b"and others");
        program.signal(Signal::SIGTERM);
        drop(honest);
        program.finish();
        program.wait_for("handled ", 1);
    })
}

/// Dials and writes the bytes. Returns `None` if the server has closed the connection because of its memory limit.
fn stranger(address: SocketAddr, bytes: &[u8]) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).expect("dialling");
    stream.set_write_timeout(Some(Duration::from_secs(2))).expect("a write timeout");
    stream.write_all(bytes).ok().map(|()| stream)
}
