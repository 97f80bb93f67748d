//! Row 25: empty messages without end.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{Form, Heartbeat, Role as Side};
use framelink_transport::{Blame, Cause, TryRecv};

use crate::cell::{Cell, Role};
use crate::driver::DEADLINE;
use crate::ends::Ends;
use crate::peer::{Task, ready};

/// Writes empty frames until the other side has closed.
fn flood(cell: Cell, mut peer: TcpStream) -> Task<u64> {
    let frames = cell.frame(b"").repeat(1000);
    Task::start(move || {
        let mut sent = 0;
        while peer.write_all(&frames).is_ok() {
            sent += 1000;
        }
        sent
    })
}

pub(crate) fn of_empty_messages<D: Ends>(cell: Cell) {
    match cell.role {
        Role::Server => a_server_closes::<D>(cell),
        Role::Client => a_client_keeps_its_timeout::<D>(cell),
    }
}

fn a_server_closes<D: Ends>(cell: Cell) {
    const MOST: u32 = 200;
    let heartbeat = Heartbeat::relaxed(Form::empty());
    let (address, server) = D::echo(cell.profile().heartbeat(heartbeat).empty_messages(MOST).build().unwrap());
    let flooding = flood(cell, ready(TcpStream::connect(address).unwrap()));
    let error = server.join().unwrap_err();
    assert!(matches!(error.cause(), Cause::TooManyEmpty { most: MOST }), "{error}");
    assert_eq!(error.blame(), Blame::Peer);
    flooding.join();
}

fn a_client_keeps_its_timeout<D: Ends>(cell: Cell) {
    const LIMIT: Duration = Duration::from_millis(50);
    let (mut ours, peer) = cell.pair::<D>();
    ours.watch(Heartbeat::relaxed(Form::empty()), Side::Client);
    let flooding = flood(cell, peer);
    for _ in 0..2 {
        let began = Instant::now();
        assert_eq!(
            ours.recv_within(LIMIT).unwrap(),
            TryRecv::Nothing,
            "empty frames are heartbeats here, and none is delivered"
        );
        assert!(began.elapsed() >= LIMIT && began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    }
    let error = ours.call(b"hello", LIMIT).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
    drop(ours);
    assert!(flooding.join() > 0);
}
