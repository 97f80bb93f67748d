//! The addresses of one peer are raced: an address that does not answer delays the others by 250 ms, on every driver.

#![cfg(target_os = "linux")] // a full accept queue answers no SYN on Linux

mod support;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::time::{Duration, Instant};

use framelink_transport::{ConnectError, blocking, nonblocking, tokio as on_tokio};
use support::framing;

const ANY: &str = "127.0.0.1:0";
/// The time to connect. If addresses were dialled one after the other, each would have `SHARE`, or `SHARE / 2`.
const WITHIN: Duration = Duration::from_secs(60);
const SHARE: Duration = Duration::from_secs(30);

/// An address that does not answer: its accept queue is full, and the system drops each SYN.
struct Silent {
    address: SocketAddr,
    _sockets: Vec<socket2::Socket>,
}

impl Silent {
    fn new() -> Self {
        let socket = || {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("a non-blocking socket");
            socket
        };
        let listener = socket();
        listener.bind(&ANY.parse::<SocketAddr>().expect("an address").into()).expect("a port");
        listener.listen(0).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let client = socket();
            let _ = client.connect(&address);
            sockets.push(client);
        }
        Self { address: address.as_socket().expect("an address"), _sockets: sockets }
    }
}

/// Connects to one of the addresses within this time, from a source address. Returns the address of the peer.
type Connect = fn(&[SocketAddr], Duration, SocketAddr) -> Result<Option<SocketAddr>, ConnectError>;

/// Any port of this machine.
const SOURCE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

const DRIVERS: [(&str, Connect); 3] = [
    ("blocking", |addresses, within, source| {
        let connector = blocking::Connector::new(framing("net:2")).within(within).source(source);
        connector.connect(addresses).map(|connection| connection.peer_addr())
    }),
    ("nonblocking", |addresses, within, source| {
        let connector = nonblocking::Connector::new(framing("net:2")).within(within).source(source);
        connector.connect(addresses).map(|connection| connection.peer_addr())
    }),
    ("tokio", |addresses, within, source| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connector = on_tokio::Connector::new(framing("net:2")).within(within).source(source);
        runtime.block_on(connector.connect(addresses)).map(|connection| connection.peer_addr())
    }),
];

#[test]
fn a_silent_address_does_not_delay_the_next_one_for_long() {
    let (silent, good) = (Silent::new(), TcpListener::bind(ANY).unwrap());
    let address = good.local_addr().unwrap();
    for (driver, connect) in DRIVERS {
        let began = Instant::now();
        let connected = connect(&[silent.address, address], WITHIN, SOURCE).unwrap();
        assert_eq!(connected, Some(address), "{driver}");
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(250) && took < SHARE / 2, "{driver}: {took:?}");
        // The connection is really to that listener.
        good.accept().unwrap();
    }
}

/// Several sockets dial from one fixed source port.
#[test]
fn addresses_are_raced_from_a_fixed_source_port() {
    let (silent, good) = (Silent::new(), TcpListener::bind(ANY).unwrap());
    let address = good.local_addr().unwrap();
    for (driver, connect) in DRIVERS {
        let source = TcpListener::bind(ANY).unwrap().local_addr().unwrap();
        let began = Instant::now();
        assert_eq!(connect(&[silent.address, address], WITHIN, source).unwrap(), Some(address), "{driver}");
        assert!(began.elapsed() < SHARE / 2, "{driver}: {:?}", began.elapsed());
        assert_eq!(good.accept().unwrap().1, source, "{driver}");
    }
}

#[test]
fn several_silent_addresses_are_dialled_at_one_time() {
    let (silent, good) = ([Silent::new(), Silent::new(), Silent::new()], TcpListener::bind(ANY).unwrap());
    let mut addresses: Vec<_> = silent.iter().map(|silent| silent.address).collect();
    addresses.push(good.local_addr().unwrap());
    for (driver, connect) in DRIVERS {
        let began = Instant::now();
        assert_eq!(connect(&addresses, WITHIN, SOURCE).unwrap(), addresses.last().copied(), "{driver}");
        assert!(began.elapsed() < SHARE / 4, "{driver}: {:?}", began.elapsed());
    }
}

#[test]
fn a_refusing_address_is_skipped_while_another_does_not_answer() {
    let silent = Silent::new();
    let good = TcpListener::bind(ANY).unwrap();
    // A bound socket that does not listen keeps the port.
    let refusing = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    refusing.bind(&ANY.parse::<SocketAddr>().unwrap().into()).unwrap();
    let refusing = refusing.local_addr().unwrap().as_socket().unwrap();
    let address = good.local_addr().unwrap();
    for (driver, connect) in DRIVERS {
        assert_eq!(connect(&[silent.address, refusing, address], WITHIN, SOURCE).unwrap(), Some(address), "{driver}");
        assert_eq!(connect(&[refusing, silent.address, address], WITHIN, SOURCE).unwrap(), Some(address), "{driver}");
    }
}

#[test]
fn the_deadline_covers_all_addresses_and_the_error_of_the_last_one_is_returned() {
    let silent = [Silent::new(), Silent::new()];
    let within = Duration::from_millis(300);
    for (driver, connect) in DRIVERS {
        let began = Instant::now();
        let error = connect(&[silent[0].address, silent[1].address], within, SOURCE).unwrap_err();
        assert!(began.elapsed() >= within && began.elapsed() < SHARE, "{driver}: {:?}", began.elapsed());
        assert!(
            matches!(error, ConnectError::TimedOut { address, after } if address == silent[1].address && after < within),
            "{driver}: {error}"
        );
    }
}
