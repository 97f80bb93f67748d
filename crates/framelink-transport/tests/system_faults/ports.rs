//! Rows with one host: no local port is left, and a client uses many addresses.

use std::io::Read;
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::{ConnectError, Framing, Profile, SocketOptions};

use crate::cell::{Cell, Done, Role, WIRES};
use crate::driver::{Blocking, Driver, NonBlocking, Tokio};
use crate::namespace::Namespace;
use crate::ours::Serves;
use crate::plain::Plain;
use crate::stage::{DEADLINE, NoticeStage};
use crate::wire::Wire;

/// The function of a cell on one driver.
type OnHost = fn(Wire, &Namespace);

/// Runs the cells. Each has a host of its own.
fn on_all(role: Role, play: [OnHost; 3]) -> Vec<Done> {
    let names = [Blocking::NAME, NonBlocking::NAME, Tokio::NAME];
    let cells = WIRES.into_iter().flat_map(|wire| names.into_iter().zip(play).map(move |on| (wire, on)));
    let begin = |(wire, (driver, play)): (Wire, (&'static str, OnHost))| {
        let thread = thread::spawn(move || {
            let host = Namespace::new().expect("a network of our own");
            host.enter();
            play(wire, &host);
        });
        (Cell { wire, driver, role }, thread)
    };
    let running: Vec<_> = cells.map(begin).collect();
    running.into_iter().map(|(cell, thread)| Done { cell, ended: thread.join() }).collect()
}

pub(crate) fn exhausted() -> Vec<Done> {
    on_all(Role::Client, [runs_out::<Blocking>, runs_out::<NonBlocking>, runs_out::<Tokio>])
}

const PORTS: usize = 16;

/// Returns a peer that accepts all connections, and its address.
fn accepts(port: u16) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn is_exhausted<T>(tried: Result<T, ConnectError>) -> bool {
    match tried {
        Err(ConnectError::NoLocalPort { error, .. }) => {
            matches!(error.kind(), std::io::ErrorKind::AddrNotAvailable | std::io::ErrorKind::AddrInUse)
        }
        Err(other) => panic!("{other}"),
        Ok(_) => false,
    }
}

/// Uses up the ports, without and with a source address, which is bound before the connection is made.
fn runs_out<D: Serves>(wire: Wire, host: &Namespace) {
    host.shell("echo 40000 40015 > /proc/sys/net/ipv4/ip_local_port_range").expect("a range of 16 ports");
    let (first, second) = (accepts(7000), accepts(7001));
    let framing: Framing = wire.notation().parse().expect("a notation");
    for source in [None, Some(SocketAddr::from(([127, 0, 0, 1], 0)))] {
        let options = source.map_or_else(SocketOptions::new, |source| SocketOptions::new().source(source));
        let profile = Arc::new(Profile::builder(framing).socket(options).build().expect("a profile"));
        // Connections of the last round may still be closing.
        let mut ours: Vec<D> = (0..PORTS).map(|_| connect_when_free(&profile, first.1)).collect();
        let peers: Vec<TcpStream> = (0..PORTS).map(|_| first.0.accept().expect("accepting").0).collect();
        assert!(is_exhausted(D::connect_as(&profile, first.1)), "from {source:?}: the ports are used up");
        ours.push(D::connect_as(&profile, second.1).expect("another peer has ports of its own"));
        let accepted = second.0.accept().expect("accepting").0;
        // The peers close first, so that no port of ours stays in TIME_WAIT.
        drop((peers, accepted));
        for connection in &mut ours {
            assert!(connection.recv().expect("an end in good order").is_none());
        }
    }
    dials_with_growing_delays::<D>(&framing, &first, second.1);
}

/// Connects as soon as a port is free.
fn connect_when_free<D: Serves>(profile: &Arc<Profile>, address: SocketAddr) -> D {
    let began = Instant::now();
    loop {
        match D::connect_as(profile, address) {
            Ok(connection) => return connection,
            Err(error) => assert!(began.elapsed() < DEADLINE, "{error}"),
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A client that is used again and again dials less and less often.
fn dials_with_growing_delays<D: Serves>(framing: &Framing, first: &(TcpListener, SocketAddr), second: SocketAddr) {
    let profile = Profile::builder(*framing).reply_timeout(Duration::from_millis(200)).build().expect("a profile");
    let profile = Arc::new(profile);
    let held: Vec<D> = (0..PORTS).map(|_| connect_when_free(&profile, first.1)).collect();
    let counts = D::call_for(&profile, first.1, Duration::from_millis(600));
    assert!((1..=30).contains(&counts.dials), "{counts:?}");
    assert_eq!(counts.connected, 0, "{counts:?}");
    drop(D::connect_as(&profile, second).expect("another peer has ports of its own"));
    drop(held);
}

pub(crate) fn many_addresses() -> Vec<Done> {
    on_all(Role::Server, [shares::<Blocking>, shares::<NonBlocking>, shares::<Tokio>])
}

/// The number of connections that one client may have.
const SHARE: u32 = 2;

fn shares<D: Serves>(wire: Wire, host: &Namespace) {
    host.shell(
        "for net in a b; do for last in 1 2 3; do ip addr add 2001:db8:0:$net::$last/64 dev lo nodad; done; done",
    )
    .expect("addresses");
    let framing: Framing = wire.notation().parse().expect("a notation");
    let profile = Profile::builder(framing).connections_per_client(SHARE).build().expect("a profile");
    let address = D::serve_all("::", Arc::new(profile));
    let part = Arc::new(NoticeStage::default()).part();
    // The client dials from an IPv4 address, and from its IPv4-mapped IPv6 address.
    let ipv4: SocketAddr = ([127, 0, 0, 1], address.port()).into();
    let mapped: SocketAddr = (Ipv6Addr::from_bits(0xffff_7f00_0001), address.port()).into();
    let mut held = vec![Plain::dial(ipv4, wire), Plain::dial(mapped, wire)];
    held.iter_mut().for_each(|peer| assert_eq!(peer.call(b"hi", &part), b"hi"));
    for third in [ipv4, mapped] {
        expect_refused(&TcpStream::connect(third).expect("dialling"));
    }
    // Three addresses in each of two networks: each network counts as one client.
    for net in ["a", "b"] {
        let from = |last: u8| dial_from(&format!("2001:db8:0:{net}::{last}"), address.port());
        let mut admitted = [from(1), from(2)].map(|stream| Plain::new(stream, wire));
        admitted.iter_mut().for_each(|peer| assert_eq!(peer.call(b"hi", &part), b"hi", "of {net}"));
        expect_refused(&from(3));
        held.extend(admitted);
    }
    held.iter_mut().for_each(|peer| assert_eq!(peer.call(b"still there", &part), b"still there"));
}

fn dial_from(source: &str, port: u16) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::STREAM, None).expect("a socket");
    let source: Ipv6Addr = source.parse().expect("an address");
    socket.bind(&SocketAddr::from((source, 0)).into()).expect("binding");
    socket.connect(&SocketAddr::from((Ipv6Addr::LOCALHOST, port)).into()).expect("dialling");
    socket.into()
}

#[track_caller]
fn expect_refused(mut stream: &TcpStream) {
    stream.set_read_timeout(Some(DEADLINE)).expect("a read timeout");
    let read = stream.read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(read, Ok(0) | Err(std::io::ErrorKind::ConnectionReset)), "not refused: {read:?}");
}
