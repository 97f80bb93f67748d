//! The system's timers: keepalive, and how long sent bytes may stay unacknowledged.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use framelink_transport::blocking::Connector;
use framelink_transport::{Framing, Keepalive, SocketOptions};

use crate::host::{Host, Network, Program, signal};

/// The allowance for a late system and a busy machine.
const LATE: Duration = Duration::from_secs(4);

fn keepalive() -> Keepalive {
    "1s/1s/2".parse().unwrap()
}

/// Connects a plain socket with our options.
fn connect(program: &Program) -> TcpStream {
    let options = SocketOptions::new().keepalive(Some(keepalive()));
    let framing: Framing = "net:2".parse().unwrap();
    let connection = Connector::new(framing).options(options).connect(program.address).unwrap();
    let stream = connection.stream().unwrap().try_clone().unwrap();
    assert_eq!(Keepalive::read_back(&stream).unwrap().unwrap().to_string(), "1s/1s/2/3s");
    stream
}

/// Returns how long the system takes to give the connection up, or `None` if it does not within this time.
fn given_up(stream: &mut TcpStream, within: Duration) -> Option<Duration> {
    let began = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while began.elapsed() < within {
        match stream.read(&mut [0; 64]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                println!("after {:.1?}: {error}", began.elapsed());
                assert!(matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable), "{error}");
                return Some(began.elapsed());
            }
            Ok(0) => panic!("closed"),
            Ok(_) => {}
        }
    }
    None
}

/// A program hangs while its system acknowledges.
#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_the_system_does_not_notice_a_program_that_is_stopped() {
    let network = Network::start();
    let mut host = Host::boot(&network);
    let program = host.start("answers");
    let mut stopped = connect(&program);
    signal(&program, "STOP");
    let bound = keepalive().detection_bound().unwrap();
    assert_eq!(
        given_up(&mut stopped, bound + Duration::from_secs(1)),
        None,
        "keepalive does not notice a stopped program"
    );
    signal(&program, "CONT");
}

/// The window stays full for longer than the user timeout.
#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_the_system_notices_a_window_that_stays_full() {
    let network = Network::start();
    let mut host = Host::boot(&network);
    let mut full = connect(&host.start("reads nothing"));
    let bound = keepalive().detection_bound().unwrap();
    full.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
    while full.write(&[b'x'; 60_000]).is_ok() {}
    let took = given_up(&mut full, bound + LATE).expect("the system notices a zero window");
    assert!(took <= bound + LATE, "a zero window: {took:?}");
}

#[test]
#[ignore = "needs a network of its own"]
fn in_namespaces_the_system_notices_a_cut() {
    let network = Network::start();
    let mut host = Host::boot(&network);
    let program = host.start("answers");
    let bound = keepalive().detection_bound().unwrap();
    let (mut idle, mut sending) = (connect(&program), connect(&program));
    network.cut();
    sending.write_all(b"\0\x02hi").unwrap();
    let watched = std::thread::spawn(move || given_up(&mut sending, bound + LATE));
    let took = given_up(&mut idle, bound + LATE).expect("the system notices a cut of an idle link");
    assert!(took <= bound + LATE, "idle: {took:?}");
    let took = watched.join().unwrap().expect("the system notices unacknowledged bytes");
    assert!(took <= bound + LATE, "unacknowledged: {took:?}");
}
