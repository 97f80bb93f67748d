//! Rows 23 and 24: heartbeats beside messages, and two ends that both send heartbeats.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{By, Form, Heartbeat, Role as Side};
use framelink_transport::{Framing, TryRecv};

use crate::cell::{Cell, Role};
use crate::driver::{Blocking, DEADLINE, Driver};
use crate::echo::echo_in;
use crate::ends::Ends;
use crate::peer::{Task, ready};

fn heartbeat(interval: Duration) -> Heartbeat {
    let heartbeat = Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).by(By::Both);
    heartbeat.interval(interval).unwrap().timeout(DEADLINE).unwrap()
}

fn side(role: Role) -> Side {
    match role {
        Role::Client => Side::Client,
        Role::Server => Side::Server,
    }
}

/// Enough messages for the peer to send some heartbeats of each kind meanwhile.
const MESSAGES: u64 = 600;

/// The peer sends heartbeats between its replies, and our side sends them between its requests.
pub(crate) fn beside_messages<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    ours.watch(heartbeat(Duration::from_millis(1)), side(cell.role));
    let beats = [cell.frame(b"PING"), cell.frame(b"PONG")];
    let echoing = Task::start(move || echo_in(peer, cell.wire.notation(), beats));
    for number in 0..MESSAGES {
        let reply = ours.call(&number.to_be_bytes(), DEADLINE).unwrap();
        assert_eq!(reply[..], number.to_be_bytes(), "the reply is the message, and not a heartbeat");
    }
    assert!(
        matches!(ours.recv_within(Duration::from_millis(5)).unwrap(), TryRecv::Nothing),
        "no heartbeat is delivered"
    );
    drop(ours);
    let counts = echoing.join();
    assert_eq!(counts.messages, MESSAGES);
    assert!(counts.beats_sent > 100 && counts.answers_came > 0, "{counts:?}");
}

/// The driver has the end of this role. The blocking driver has the other end.
pub(crate) fn from_both_ends<D: Ends>(cell: Cell) {
    const INTERVAL: Duration = Duration::from_millis(40);
    let (dialled, accepted, beats) = counted(cell);
    let (ours, theirs) = match cell.role {
        Role::Client => (dialled, accepted),
        Role::Server => (accepted, dialled),
    };
    let (mut ours, mut theirs) = (D::adopt(ours, cell.framing()), Blocking::adopt(theirs, cell.framing()));
    let other = match cell.role {
        Role::Client => Side::Server,
        Role::Server => Side::Client,
    };
    ours.watch(heartbeat(INTERVAL), side(cell.role));
    theirs.watch(heartbeat(INTERVAL), other);
    let began = Instant::now();
    let idle = Task::start(move || {
        assert_eq!(theirs.recv_within(INTERVAL * 8).unwrap(), TryRecv::Nothing, "no heartbeat is delivered");
        theirs
    });
    assert_eq!(ours.recv_within(INTERVAL * 8).unwrap(), TryRecv::Nothing, "no heartbeat is delivered");
    drop(idle.join());
    let intervals = u64::try_from(began.elapsed().as_millis() / INTERVAL.as_millis()).unwrap() + 1;
    let beats = beats.load(Ordering::SeqCst);
    assert!(beats >= 2, "{beats} heartbeats in {intervals} intervals");
    assert!(beats <= 2 * intervals, "{beats} heartbeats in {intervals} intervals");
}

/// Connects two sockets through a proxy that counts the frames in both directions. Returns the socket that dialled, the
/// socket that was accepted, and the count.
fn counted(cell: Cell) -> (TcpStream, TcpStream, Arc<AtomicU64>) {
    let (front, back) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let dial = |address: SocketAddr| ready(TcpStream::connect(address).unwrap());
    let dialled = dial(front.local_addr().unwrap());
    let near = front.accept().unwrap().0;
    let far = dial(back.local_addr().unwrap());
    let accepted = back.accept().unwrap().0;
    let count = Arc::new(AtomicU64::new(0));
    for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
        let count = Arc::clone(&count);
        thread::spawn(move || forward(cell, &from, &to, &count));
    }
    dialled.set_read_timeout(None).unwrap();
    dialled.set_write_timeout(None).unwrap();
    (dialled, accepted, count)
}

fn forward(cell: Cell, mut from: &TcpStream, mut to: &TcpStream, count: &AtomicU64) {
    use std::io::{Read, Write};
    let framing: Framing = cell.wire.notation().parse().unwrap();
    let (mut unread, mut space) = (Vec::new(), [0; 1024]);
    while let Ok(came @ 1..) = from.read(&mut space) {
        unread.extend_from_slice(&space[..came]);
        let frames = framelink_transport::Frames::new(&framing, &unread).map(|frame| frame.unwrap().wire.len());
        let lens: Vec<_> = frames.collect();
        count.fetch_add(lens.len() as u64, Ordering::SeqCst);
        unread.drain(..lens.iter().sum::<usize>());
        if to.write_all(&space[..came]).is_err() {
            return;
        }
    }
}
