//! Handlers that panic, hang, or return a reply that cannot be sent: the fault affects one connection, and is counted.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::session::Concurrency;
use framelink_transport::{ServerCounts, blocking, tokio};

use crate::gates::Gates;
use crate::peer::Peer;
use crate::server::profile;

const DRAIN: Duration = Duration::from_millis(200);

/// Waits until the counts satisfy the condition.
#[track_caller]
fn eventually(counts: impl Fn() -> ServerCounts, said: impl Fn(&ServerCounts) -> bool) -> ServerCounts {
    let began = Instant::now();
    loop {
        let counts = counts();
        if said(&counts) {
            return counts;
        }
        assert!(began.elapsed() < crate::peer::DEADLINE, "{counts:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Makes one connection for each fault, beside a healthy one.
fn misbehave(address: std::net::SocketAddr, counts: impl Fn() -> ServerCounts) -> [Peer; 2] {
    let mut well = Peer::dial(address);
    well.write(&[b"hello"]);
    assert_eq!(well.read(), b"hello");
    for fault in [&b"panic"[..], b"too long"] {
        let mut peer = Peer::dial(address);
        peer.write(&[fault]);
        assert_eq!(peer.read_to_end(), b"", "the connection of the fault ends");
    }
    let counted = eventually(&counts, |counts| counts.closed.all() == 2);
    assert_eq!((counted.closed.panicked, counted.closed.bad_reply), (1, 1), "{counted:?}");
    assert_eq!((counted.lost, counted.in_flight), (2, 0), "{counted:?}");
    let mut hangs = Peer::dial(address);
    hangs.write(&[b"hang"]);
    eventually(&counts, |counts| counts.in_flight == 1);
    well.write(&[b"still there"]);
    assert_eq!(well.read(), b"still there");
    // The client may have the reply before the server has counted it.
    eventually(&counts, |counts| counts.answered == 2);
    [well, hangs]
}

fn answer(message: &[u8]) -> Option<Vec<u8>> {
    match message {
        b"panic" => panic!("a panic on purpose"),
        b"too long" => Some(vec![0; 70_000]),
        message => Some(message.to_vec()),
    }
}

#[test]
fn on_tokio() {
    let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let profile = Arc::new(profile().build().unwrap());
    let server = runtime.block_on(tokio::Server::bind("127.0.0.1:0", &profile)).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = runtime.spawn(server.concurrency(Concurrency::new(4)).run(|message| async move {
        if message[..] == *b"hang" {
            std::future::pending::<()>().await;
        }
        answer(&message)
    }));
    let [well, mut hangs] = misbehave(address, || handle.counts());
    let began = Instant::now();
    handle.drain(DRAIN);
    drop(well);
    assert_eq!(hangs.read_to_end(), b"");
    let report = runtime.block_on(running).unwrap();
    assert!(began.elapsed() >= DRAIN && began.elapsed() < crate::peer::DEADLINE, "{:?}", began.elapsed());
    assert_eq!((report.answered, report.cut, report.connections_cut, report.closed), (0, 1, 1, 1), "{report:?}");
    assert!(!report.is_clean());
    // A cut task ends when its thread has polled it once more.
    let metrics = runtime.metrics();
    while metrics.num_alive_tasks() > 0 {
        assert!(began.elapsed() < crate::peer::DEADLINE, "{} tasks are left", metrics.num_alive_tasks());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn on_threads() {
    for concurrency in [1, 4] {
        let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).unwrap();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let gates = Gates::default();
        let (tell, told) = mpsc::channel();
        let waiting = gates.clone();
        let server = server.concurrency(Concurrency::new(concurrency));
        thread::spawn(move || {
            let report = server.run(move |message| {
                if message[..] == *b"hang" {
                    waiting.pass(b"hang");
                }
                answer(&message)
            });
            tell.send(report).unwrap();
        });
        let [well, mut hangs] = misbehave(address, || handle.counts());
        let began = Instant::now();
        handle.drain(DRAIN);
        drop(well);
        let report = told.recv_timeout(crate::peer::DEADLINE).expect("the server ends although a handler hangs");
        assert!(began.elapsed() >= DRAIN && began.elapsed() < crate::peer::DEADLINE, "{:?}", began.elapsed());
        assert_eq!(hangs.read_to_end(), b"", "the socket of the hanging handler is closed");
        assert_eq!((report.cut, report.connections_cut, report.closed), (1, 1, 1), "{report:?}");
        gates.open(b"hang");
        eventually(|| handle.counts(), |counts| counts.connections == 0);
    }
}

/// The number of unread replies when the handler of the last request fails.
const WAITING: u64 = 10;

/// The last handler fails or panics after a delay. By then the server has received bytes that it does not read.
fn give_up(message: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    thread::sleep(if message.len() == 1 { Duration::ZERO } else { Duration::from_millis(100) });
    match message {
        b"fail" => Err("the host is gone"),
        b"panic" => panic!("a panic on purpose"),
        _ => Ok(Some(vec![b'r'; 20_000])),
    }
}

/// A close with unread bytes resets the connection, and the replies that the peer has not read are lost. The server
/// must avoid that.
fn read_late(address: std::net::SocketAddr, last: &[u8], counts: impl Fn() -> ServerCounts) {
    let mut peer = Peer::dial(address);
    for _ in 0..WAITING {
        peer.write(&[b"?"]);
    }
    eventually(&counts, |counts| counts.answered == WAITING);
    peer.write(&[last]);
    eventually(&counts, |counts| counts.in_flight == 1);
    peer.write(&[b"too late"]);
    thread::sleep(Duration::from_millis(300));
    for _ in 0..WAITING {
        assert_eq!(peer.read().len(), 20_000, "an earlier reply is not lost");
    }
    assert_eq!(peer.read_to_end(), b"");
    drop(peer);
    let counted = eventually(&counts, |counts| counts.closed.all() == 1);
    assert_eq!((counted.answered, counted.lost, counted.discarded), (WAITING, 1, 1), "{counted:?}");
}

#[test]
fn a_failing_handler_destroys_no_earlier_reply() {
    for last in [&b"fail"[..], b"panic"] {
        let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let profile = Arc::new(profile().build().unwrap());
        let server = runtime.block_on(tokio::Server::bind("127.0.0.1:0", &profile)).unwrap();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        runtime.spawn(server.run(|message| async move { give_up(&message) }));
        read_late(address, last, || handle.counts());

        let server = blocking::Server::bind("127.0.0.1:0", &profile).unwrap();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        thread::spawn(move || server.run(|message| give_up(&message)));
        read_late(address, last, || handle.counts());
    }
}
