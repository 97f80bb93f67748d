//! First steps that a client may leave out, and one whose message goes from an accepted connection to another one.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use framelink_testkit::ReservedPort;
use framelink_transport::session::Relayed;
use framelink_transport::upstream::State;
use framelink_transport::{ConnectError, blocking, nonblocking, tokio};

use crate::party::{ALL, Driver, EVERY_SERVING, Echo, on_tokio, profile};
use crate::peer::{DEADLINE, Does, Peer, takes};

/// PostgreSQL behind a bridge: the client may ask for encryption, and gets none.
const POSTGRES: &str = r#"
    framing = "postgres"

    [[first]]
    send = "hex:0000000804d2162f"
    optional = true

    [[first]]
    expect = "0:1=text:N"
    say = "text:N"
    bytes = 1

    [[first]]
    send = "relay"
    framing = "net:4,counts=self"
"#;

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const STARTUP: &[u8] = b"\0\0\0\x12\0\x03\0\0user\0joe\0\0";
const QUERY: &[u8] = b"Q\0\0\0\x06;\0";

#[test]
fn a_server_serves_clients_with_and_without_the_optional_step() {
    for serving in EVERY_SERVING {
        for asks in [true, false] {
            let server = Echo::start(serving, &profile(POSTGRES));
            let mut client = TcpStream::connect(server.address).unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            if asks {
                client.write_all(SSL_REQUEST).unwrap();
                takes(&mut client, b"N", 0);
            }
            client.write_all(&[STARTUP, QUERY].concat()).unwrap();
            takes(&mut client, QUERY, 1);
            client.shutdown(Shutdown::Write).unwrap();
            client.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(server.finish(), Ok(1), "{serving:?} {asks}");
        }
    }
}

/// Accepts a client, and relays its first message and its request to the host with this name.
fn bridge(driver: Driver, host: &str, tell: &dyn Fn(std::net::SocketAddr)) {
    let profile = Arc::new(profile(POSTGRES));
    match driver {
        Driver::Blocking => {
            let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
            tell(listener.local_addr().unwrap());
            let mut client = listener.accept().unwrap().unwrap();
            client.finish_opening(DEADLINE).unwrap();
            let upstream = blocking::Upstream::new(&profile, [host]);
            let (mut host, _lease) = upstream.dial_relaying(client.take_relayed()).unwrap();
            let request = client.recv_within(DEADLINE).unwrap().into_message().unwrap();
            let reply = host.call(&request, DEADLINE).unwrap();
            client.send_within(&reply, DEADLINE).unwrap();
        }
        Driver::NonBlocking => {
            let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
            tell(listener.local_addr().unwrap());
            let mut client = loop {
                match listener.try_accept().unwrap() {
                    Some(client) => break client,
                    None => std::thread::yield_now(),
                }
            };
            client.finish_opening(DEADLINE).unwrap();
            let upstream = nonblocking::Upstream::new(&profile, [host]);
            let (mut host, _lease) = upstream.dial_relaying(client.take_relayed()).unwrap();
            let request = client.recv_within(DEADLINE).unwrap().into_message().unwrap();
            let reply = host.call(&request, DEADLINE).unwrap();
            client.send_within(&reply, DEADLINE).unwrap();
        }
        Driver::Tokio => on_tokio(async {
            let mut listener = tokio::Listener::bind_profile("127.0.0.1:0", &profile).await.unwrap();
            tell(listener.local_addr().unwrap());
            let mut client = listener.accept().await.unwrap();
            client.finish_opening(DEADLINE).await.unwrap();
            let upstream = tokio::Upstream::new(&profile, [host]);
            let (mut host, _lease) = upstream.dial_relaying(client.take_relayed()).await.unwrap();
            let request = client.recv_within(DEADLINE).await.unwrap().into_message().unwrap();
            let reply = host.call(&request, DEADLINE).await.unwrap();
            client.send_within(&reply, DEADLINE).await.unwrap();
        }),
    }
}

#[test]
fn the_first_message_of_a_client_reaches_the_host_unchanged() {
    for driver in ALL {
        let host = Peer::with(vec![vec![Does::Takes(STARTUP), Does::Takes(QUERY), Does::Says(b"Z\0\0\0\x05I")]]);
        let (tell, told) = std::sync::mpsc::channel();
        let name = host.name();
        let bridge = std::thread::spawn(move || bridge(driver, &name, &|address| tell.send(address).unwrap()));
        let mut client = TcpStream::connect(told.recv().unwrap()).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        client.write_all(SSL_REQUEST).unwrap();
        takes(&mut client, b"N", 0);
        client.write_all(&[STARTUP, QUERY].concat()).unwrap();
        takes(&mut client, b"Z\0\0\0\x05I", 1);
        bridge.join().unwrap();
        host.finish();
    }
}

/// A lost address is tried again in the background, where no client's message could be relayed: it is only opened.
#[test]
fn a_primary_that_is_back_is_dialled_again() {
    let port = ReservedPort::new().unwrap();
    let script = || vec![Does::Takes(STARTUP), Does::Says(b"R")];
    let backup = Peer::with(vec![script()]);
    let reconnect = "reconnect = { first = '1ms', cap = '1ms', fail-back = '10ms' }";
    let profile = Arc::new(profile(&format!("{reconnect}\n{POSTGRES}")));
    let startup = || -> Relayed { [STARTUP[4..].to_vec()].into_iter().collect() };
    on_tokio(async {
        let upstream = tokio::Upstream::new(&profile, [port.address().to_string(), backup.name()]);
        let mut states = upstream.states();
        let (first, lease) = upstream.dial_relaying(startup()).await.unwrap();
        assert_eq!(first.peer_addr(), Some(backup.address));
        // The first connection of the primary gets no byte.
        let primary = Peer::at(port.address(), vec![vec![Does::Ends], script()]);
        while matches!(upstream.state(), State::Degraded { down } if !down.is_empty()) {
            states.changed().await.unwrap();
        }
        let (second, _lease) = upstream.dial_relaying(startup()).await.unwrap();
        assert_eq!(second.peer_addr(), Some(primary.address));
        drop((first, lease, second));
        primary.finish();
    });
    backup.finish();
}

#[test]
fn without_a_message_to_relay_nothing_is_dialled() {
    let relaying = Arc::new(profile(POSTGRES));
    let why =
        "first.3.send does not go with the client: its message is that of another client, and only a bridge relays it";
    let error = blocking::Client::new(profile(POSTGRES), "127.0.0.1:1").unwrap_err();
    assert_eq!(error.to_string(), why);
    let error = blocking::Connector::with_profile(&relaying).connect("127.0.0.1:1").unwrap_err();
    assert_eq!(error.to_string(), format!("not dialled: {why}"));
    let upstream = blocking::Upstream::new(&relaying, ["127.0.0.1:1"]);
    for error in [upstream.dial().unwrap_err(), upstream.dial_relaying(Relayed::default()).unwrap_err()] {
        assert!(matches!(error, ConnectError::Profile(_)), "{error}");
        assert!(error.to_string().ends_with("messages to relay: 0, steps with send = \"relay\": 1"), "{error}");
    }
}
