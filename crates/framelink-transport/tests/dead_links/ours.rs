//! The timers of framelink: heartbeats.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{Form, Heartbeat, Role, Standing};
use framelink_transport::{Cause, TryRecv};

use crate::driver::{Blocking, Driver, NonBlocking, Tokio, framing};
use crate::host::{Host, Network, Program, signal};

/// The allowance for a busy machine. Exact times are tested on a virtual clock (`tests/liveness` of
/// `framelink-session`).
const LATE: Duration = Duration::from_secs(3);

fn heartbeat() -> Heartbeat {
    let heartbeat = Heartbeat::relaxed(Form::literal(b"PING", b"PONG"));
    heartbeat.interval(Duration::from_millis(600)).unwrap().timeout(Duration::from_millis(400)).unwrap()
}

/// What our side does while the link dies.
#[derive(Clone, Copy, PartialEq)]
enum Doing {
    Nothing,
    /// It sends, and its bytes are not acknowledged.
    Sending,
    /// It has filled the window of a peer that does not read.
    Filling,
}

/// Starts a program on a host of its own, and runs every driver against it while the program or the wire dies.
fn with_program(what: &str, doing: Doing, kill: impl FnOnce(&Network, &Program)) {
    let network = Network::start();
    let mut host = Host::boot(&network);
    let program = host.start(what);
    on_all(program.address, doing, || kill(&network, &program));
}

/// Runs all drivers at once. Each prints its verdict, and how long after the death of the link it came.
fn on_all(address: SocketAddr, doing: Doing, kill: impl FnOnce()) {
    let ready = Arc::new(Barrier::new(4));
    let start = |work: fn(SocketAddr, Doing, Arc<Barrier>)| {
        let ready = Arc::clone(&ready);
        thread::spawn(move || work(address, doing, ready))
    };
    let all = [start(dies::<Blocking>), start(dies::<NonBlocking>), start(dies::<Tokio>)];
    ready.wait();
    kill();
    ready.wait();
    for one in all {
        one.join().unwrap();
    }
}

fn dies<D: Driver>(address: SocketAddr, doing: Doing, ready: Arc<Barrier>) {
    let heartbeat = heartbeat();
    let mut ours = D::connect(address, framing("net:2")).unwrap();
    ours.watch(heartbeat.clone(), Role::Client);
    if doing == Doing::Filling {
        while ours.send_within(&[b'x'; 60_000], Duration::from_millis(20)).is_ok() {}
    } else {
        assert_eq!(&ours.call(b"hi", Duration::from_secs(5)).unwrap()[..], b"hi", "{}: alive", D::NAME);
        // The connection is alive before the link dies.
        assert!(matches!(ours.recv_within(Duration::from_millis(700)).unwrap(), TryRecv::Nothing));
        assert!(matches!(ours.standing(), Some(Standing::Alive { .. } | Standing::Asked { .. })));
    }
    ready.wait();
    ready.wait();
    let began = Instant::now();
    let error = loop {
        if doing == Doing::Sending {
            let _ = ours.send_within(b"are you there?", Duration::from_millis(20));
        }
        match ours.recv_within(Duration::from_millis(100)) {
            Ok(TryRecv::Nothing) => {
                assert!(began.elapsed() < Duration::from_secs(10), "{}: the death is not noticed", D::NAME)
            }
            Ok(TryRecv::Message(_)) => {}
            Ok(TryRecv::Closed) => panic!("{}: closed", D::NAME),
            Err(error) => break error,
        }
    };
    let (took, bound) = (began.elapsed(), heartbeat.detection_bound(Role::Client).unwrap());
    let Cause::Dead(verdict) = error.cause() else { panic!("{}: {error}", D::NAME) };
    println!("{:<12} noticed after {took:.0?}, at most {bound:?}: {verdict}", D::NAME);
    assert!(took <= bound + LATE, "{}: {took:?}", D::NAME);
}

#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_an_idle_link_that_is_cut() {
    with_program("answers", Doing::Nothing, |network, _| network.cut());
}

#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_a_link_that_is_cut_while_we_send() {
    with_program("answers", Doing::Sending, |network, _| network.cut());
}

#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_a_peer_that_reads_nothing() {
    with_program("reads nothing", Doing::Filling, |_, _| {});
}

/// The program's system acknowledges all bytes that we send.
#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_a_program_that_is_stopped() {
    with_program("answers", Doing::Sending, |_, program| signal(program, "STOP"));
}

/// Returns a connection with heartbeats that is alive.
fn watched(program: &Program) -> Blocking {
    let mut ours = Blocking::connect(program.address, framing("net:2")).unwrap();
    ours.watch(heartbeat(), Role::Client);
    assert_eq!(&ours.call(b"hi", Duration::from_secs(5)).unwrap()[..], b"hi");
    ours
}

/// The host crashes and starts again: its system does not know the connection, and resets it.
#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_a_host_that_restarts() {
    let network = Network::start();
    let mut host = Host::boot(&network);
    let mut ours = watched(&host.start("answers"));
    network.cut();
    drop(host);
    let _host = Host::boot(&network);
    let began = Instant::now();
    let error = ours.recv_within(Duration::from_secs(5)).expect_err("the connection is gone");
    println!("restarted: after {:.0?}: {error}", began.elapsed());
    let is_reset = matches!(error.cause(), Cause::Reset(error) if error.kind() == ErrorKind::ConnectionReset);
    assert!(is_reset, "the first heartbeat is answered with a reset: {error}");
    assert!(began.elapsed() <= Duration::from_millis(600) + LATE, "{:?}", began.elapsed());
}

#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_a_cut_that_heals_in_time() {
    let network = Network::start();
    let mut host = Host::boot(&network);
    let mut ours = watched(&host.start("answers"));
    network.cut();
    // The length of the cut: shorter than the bound, and counted by the kernel's clock.
    thread::sleep(Duration::from_millis(200));
    network.heal();
    assert!(matches!(ours.recv_within(Duration::from_secs(2)).unwrap(), TryRecv::Nothing));
    assert_eq!(&ours.call(b"still", Duration::from_secs(5)).unwrap()[..], b"still");
}
