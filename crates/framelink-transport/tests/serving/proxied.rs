//! Connections from proxies that begin with a PROXY protocol header: the client in it counts.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use framelink_transport::profile::{Access, ProxyProtocol, ProxyVersion};
use framelink_transport::proxy_protocol::{ProxyError, ProxyInfo};
use framelink_transport::session::Concurrency;
use framelink_transport::{Cause, Framing, Message, Profile, ProfileBuilder, blocking, tokio};

use crate::support::peer::{DEADLINE, Peer};
use crate::support::server::{Serve, on_every_driver};

on_every_driver!(
    a_header_in_any_pieces_comes_before_the_first_message,
    what_is_no_header_ends_the_connection,
    clients_behind_a_proxy_are_limited_one_by_one,
);

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 7000\r\n";

fn proxied() -> ProxyProtocol {
    let mut proxy = ProxyProtocol::new();
    proxy.accept_from = vec!["127.0.0.0/8".parse().unwrap()];
    proxy
}

fn profile() -> ProfileBuilder {
    Profile::builder("ascii:4".parse::<Framing>().unwrap())
        .proxy_protocol(proxied())
        .close_timeout(Duration::from_millis(300))
}

fn header_of(client: &str, version: ProxyVersion) -> Vec<u8> {
    ProxyInfo::new(client.parse().unwrap(), "192.0.2.1:7000".parse().unwrap()).header(version)
}

fn start<S: Serve>(profile: ProfileBuilder) -> crate::support::server::Server {
    S::start(profile.build().unwrap(), Concurrency::default(), Arc::new(|message| Some(message.to_vec())))
}

/// Writes the bytes, closes that direction, and returns what arrives until the server closes.
fn answer_to(address: SocketAddr, pieces: &[&[u8]]) -> Vec<u8> {
    let mut peer = Peer::dial(address).0;
    for piece in pieces {
        let _ = peer.write_all(piece);
    }
    let _ = peer.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = peer.read_to_end(&mut answer);
    answer
}

fn a_header_in_any_pieces_comes_before_the_first_message<S: Serve>() {
    let server = start::<S>(profile());
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    let v2 = header_of("[2001:db8::7]:5", ProxyVersion::V2);
    for header in [V1, &v2, local, b"PROXY UNKNOWN\r\n"] {
        let stream = [header, b"0002hi0003you"].concat();
        let (by_byte, cut) = (stream.chunks(1).collect::<Vec<_>>(), stream.split_at(header.len() - 1));
        for pieces in [&[&stream[..]][..], &[header, b"0002hi0003you"], &[cut.0, cut.1], &by_byte] {
            assert_eq!(answer_to(server.address, pieces), b"0002hi0003you", "{} in {}", S::NAME, pieces.len());
            assert!(matches!(server.outcome(), Ok(2)), "{}", S::NAME);
        }
    }
}

fn what_is_no_header_ends_the_connection<S: Serve>() {
    let mut proxy = proxied();
    (proxy.timeout, proxy.max_header) = (Duration::from_millis(50), 107);
    let server = start::<S>(profile().proxy_protocol(proxy));
    let mut long = header_of("[2001:db8::7]:5", ProxyVersion::V2);
    long[15] = 200; // its length
    for (bytes, expected) in [
        (&b"0002hi"[..], "must begin with a PROXY protocol header, and it begins with 30 30 30 32 68 69"),
        (b"PROXY TCP4 x y 1 2\r\n", "the PROXY protocol header is wrong: "),
        (b"PROXY TCP4 1.", "closed the connection after 13 bytes of a PROXY protocol header"),
        (&long, "the PROXY protocol header has 216 bytes or more, and 107 are allowed"),
    ] {
        assert_eq!(answer_to(server.address, &[bytes]), b"", "{}", S::NAME);
        let error = server.outcome().expect_err(expected);
        assert!(matches!(error.cause(), Cause::Proxy(_)), "{}: {error}", S::NAME);
        assert!(error.to_string().contains(expected), "{}: {error}", S::NAME);
    }
    // A peer that sends a part and then nothing is closed at the deadline of the header.
    let mut peer = Peer::dial(server.address).0;
    peer.write_all(&V1[..9]).unwrap();
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::Proxy(ProxyError::TimedOut { received: 9, .. })), "{}: {error}", S::NAME);
    assert!(error.to_string().contains("was not complete within 50ms: 9 bytes of it were received"), "{error}");
}

fn clients_behind_a_proxy_are_limited_one_by_one<S: Serve>() {
    let access = Access { allow: vec![], deny: vec!["203.0.113.0/24".parse().unwrap()] };
    let server = start::<S>(profile().connections_per_client(1).access(access));
    let connect = |client: &str| {
        let mut peer = Peer::dial(server.address).0;
        peer.write_all(&header_of(client, ProxyVersion::V2)).unwrap();
        peer.write_all(b"0002hi").unwrap();
        let mut answer = [0; 6];
        peer.read_exact(&mut answer).map(|()| peer)
    };
    let first = connect("192.0.2.7:1").expect("the first connection of a client");
    let other = connect("192.0.2.8:1").expect("another client of the same proxy");
    connect("192.0.2.7:2").expect_err("the client has its maximum");
    let error = server.outcome().unwrap_err();
    assert!(error.to_string().contains("limits.connections-per-client"), "{}: {error}", S::NAME);
    assert_eq!(error.peer(), "192.0.2.7:2".parse().ok(), "{}", S::NAME);
    connect("203.0.113.9:1").expect_err("the access rules are for the client");
    assert!(server.outcome().unwrap_err().to_string().contains("its client may not connect (access)"));
    drop(first);
    assert!(server.outcome().is_ok());
    drop(connect("192.0.2.7:3").expect("there is room for the client again"));
    drop(other);
}

/// The handler and the log get the address of the client.
fn assert_seen(address: SocketAddr, peers: &mpsc::Receiver<Option<SocketAddr>>, events: &mpsc::Receiver<String>) {
    let client = "192.0.2.7:56324".parse().ok();
    assert_eq!(answer_to(address, &[V1, b"0002hi"]), b"0002hi");
    assert_eq!(peers.recv_timeout(DEADLINE).unwrap(), client);
    assert_eq!(events.recv_timeout(DEADLINE).unwrap(), "192.0.2.7:56324: connected");
    assert_eq!(events.recv_timeout(DEADLINE).unwrap(), "192.0.2.7:56324: closed after 1 message");
    // A health check of the proxy itself keeps the address of the socket.
    assert_eq!(answer_to(address, &[b"PROXY UNKNOWN\r\n", b"0002hi"]), b"0002hi");
    assert!(peers.recv_timeout(DEADLINE).unwrap().is_some_and(|peer| peer.ip().is_loopback()));
}

#[test]
fn handlers_and_logs_of_a_server_on_threads_see_the_client() {
    let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let ((tell, events), (see, peers)) = (mpsc::channel(), mpsc::channel());
    let server = server.observe(move |event| tell.send(event.to_string()).unwrap());
    let running = thread::spawn(move || {
        server.run_with_peer(move |message: Message, peer| {
            see.send(peer).unwrap();
            Some(message.to_vec())
        })
    });
    assert_seen(address, &peers, &events);
    handle.drain(DEADLINE);
    running.join().unwrap();
}

#[test]
fn handlers_and_logs_of_a_server_on_tokio_see_the_client() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(tokio::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap()))).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let ((tell, events), (see, peers)) = (mpsc::channel(), mpsc::channel());
    let serving = server.observe(move |event| tell.send(event.to_string()).unwrap()).run_with_peer(
        move |message: Message, peer| {
            see.send(peer).unwrap();
            async move { Some(message.to_vec()) }
        },
    );
    let running = thread::spawn(move || runtime.block_on(serving));
    assert_seen(address, &peers, &events);
    handle.drain(DEADLINE);
    running.join().unwrap();
}

/// A client sends a header before its preamble and its first message.
#[test]
fn a_client_sends_a_header_first() {
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let mut proxy = ProxyProtocol::new();
        proxy.send = Some(version);
        let framing = "ascii:4".parse::<Framing>().unwrap();
        let profile = Arc::new(Profile::builder(framing).preamble(b"PRE", b"").proxy_protocol(proxy).build().unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut about = ProxyInfo::new("192.0.2.7:9".parse().unwrap(), "192.0.2.1:8".parse().unwrap());
        about.authority = Some("switch.example".to_owned());
        for client in [None, Some(about)] {
            let mut connector = blocking::Connector::with_profile(&profile);
            if let Some(client) = &client {
                connector = connector.on_behalf_of(client.clone());
            }
            let mut connection = connector.connect(address).unwrap();
            connection.send(b"hi").unwrap();
            let local = connection.stream().unwrap().local_addr().unwrap();
            drop(connection);
            let mut received = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut received).unwrap();
            let header = client.unwrap_or_else(|| ProxyInfo::new(local, address)).header(version);
            assert_eq!(received, [&header[..], b"PRE0002hi"].concat(), "{version:?}");
        }
    }
}
