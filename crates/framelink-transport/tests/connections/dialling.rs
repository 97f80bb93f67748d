//! Dialling and accepting: source address, interface, socket options, and addresses that fail.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use framelink_testkit::ReservedPort;
use framelink_transport::SocketOptions;
use framelink_transport::tokio::{ConnectError, Connection, Connector, Listener};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use crate::support::framing;

const SECOND: Duration = Duration::from_secs(1);

async fn in_time<F: Future>(test: F) -> F::Output {
    timeout(20 * SECOND, test).await.expect("within the deadline")
}

fn connector() -> Connector {
    Connector::new(framing("net:2"))
}

async fn listener() -> (Listener, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0", framing("net:2")).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Sends a message from one connection to the other, to show that they are connected.
async fn assert_connected(one: &mut Connection, other: &mut Connection) {
    one.send(b"hello").await.expect("the message is sent");
    assert_eq!(&other.recv().await.expect("it comes").expect("it comes")[..], b"hello");
}

#[cfg(target_os = "linux")] // Linux has all of 127.0.0.0/8 on loopback
#[tokio::test]
async fn a_connection_comes_from_its_source_address() {
    in_time(async {
        let (mut listener, address) = listener().await;
        let connector = connector().source("127.0.0.2:0".parse().unwrap());
        let mut connection = connector.connect(address).await.unwrap();
        let mut accepted = listener.accept().await.unwrap();
        assert_eq!(connection.local_addr().unwrap().ip().to_string(), "127.0.0.2");
        assert_eq!(accepted.peer_addr(), Some(connection.local_addr().unwrap()));
        assert_eq!(connection.peer_addr(), Some(address));
        assert_connected(&mut connection, &mut accepted).await;
    })
    .await;
}

#[tokio::test]
async fn a_source_address_of_another_family_is_an_error() {
    in_time(async {
        let (_listener, address) = listener().await;
        let error = connector().source("[::1]:0".parse().unwrap()).connect(address).await.unwrap_err();
        assert!(matches!(error, ConnectError::NoAddress { source: Some(_) }), "{error:?}");
        assert_eq!(error.to_string(), "the peer has no address of the same family as the source address ::1");
        // Of two addresses, the one of the right family is dialled.
        let both = ["[::1]:1".parse().unwrap(), address];
        let connector = connector().source("127.0.0.1:0".parse().unwrap());
        assert_eq!(connector.connect(&both[..]).await.unwrap().peer_addr(), Some(address));
        let error = self::connector().connect(&[][..]).await.unwrap_err();
        assert_eq!(error.to_string(), "the peer's name has no address");
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_goes_through_its_interface() {
    in_time(async {
        let (mut listener, address) = listener().await;
        let mut connection = connector().interface("lo").connect(address).await.unwrap();
        let mut accepted = listener.accept().await.unwrap();
        assert_connected(&mut connection, &mut accepted).await;
        let device = socket2::SockRef::from(connection.stream().unwrap()).device().unwrap();
        assert_eq!(device.as_deref(), Some(&b"lo"[..]));

        let error = connector().interface("no-such-card").connect(address).await.unwrap_err();
        let ConnectError::Dial { address: dialled, error: cause } = &error else { panic!("{error:?}") };
        assert_eq!(*dialled, address);
        assert!(error.to_string().starts_with(&format!("connecting to {address}: ")), "{error}");
        assert_eq!(cause.raw_os_error(), Some(19), "ENODEV: {cause}");
    })
    .await;
}

#[tokio::test]
async fn an_address_without_a_listener_refuses() {
    in_time(async {
        let (listener, address) = listener().await;
        drop(listener);
        let error = connector().connect(address).await.unwrap_err();
        let ConnectError::Dial { address: dialled, error: cause } = &error else { panic!("{error:?}") };
        assert_eq!((*dialled, cause.kind()), (address, io::ErrorKind::ConnectionRefused));
        assert!(error.to_string().starts_with(&format!("connecting to {address}: ")), "{error}");
    })
    .await;
}

#[tokio::test]
async fn the_first_address_that_answers_is_used() {
    in_time(async {
        let (gone, refusing) = listener().await;
        drop(gone);
        let (mut listener, address) = listener().await;
        let mut connection = connector().connect(&[refusing, address][..]).await.unwrap();
        assert_eq!(connection.peer_addr(), Some(address));
        let mut accepted = listener.accept().await.unwrap();
        assert_connected(&mut connection, &mut accepted).await;
    })
    .await;
}

/// An address that does not answer: its accept queue is full, so Linux drops every SYN.
#[cfg(target_os = "linux")]
fn silent() -> (SocketAddr, Vec<socket2::Socket>) {
    let socket = || {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("no waiting");
        socket
    };
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let listener = socket();
    listener.bind(&any.into()).expect("a port");
    listener.listen(0).expect("no backlog");
    let address = listener.local_addr().expect("an address");
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let client = socket();
        let _ = client.connect(&address);
        sockets.push(client);
    }
    (address.as_socket().expect("an address"), sockets)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_silent_address_ends_at_the_deadline_and_leaves_time_for_the_others() {
    in_time(async {
        let (silent, _sockets) = silent();
        let within = Duration::from_millis(200);
        let started = Instant::now();
        let error = connector().within(within).connect(silent).await.unwrap_err();
        assert!(started.elapsed() >= within);
        let text = error.to_string();
        assert!(matches!(error, ConnectError::TimedOut { address, .. } if address == silent), "{error:?}");
        assert!(text.starts_with(&format!("connecting to {silent}: no answer within ")), "{text}");

        let (_listener, address) = listener().await;
        let connection = connector().within(within).connect(&[silent, address][..]).await.unwrap();
        assert_eq!(connection.peer_addr(), Some(address));
    })
    .await;
}

#[tokio::test]
async fn a_timeout_too_long_for_the_clock_means_no_deadline() {
    in_time(async {
        let (_listener, address) = listener().await;
        assert!(connector().within(Duration::MAX).connect(address).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn small_writes_are_sent_at_once_by_default() {
    in_time(async {
        let nodelay = |connection: &Connection| connection.stream().unwrap().nodelay().unwrap();
        let (mut listener, address) = listener().await;
        let connection = connector().connect(address).await.unwrap();
        let accepted = listener.accept().await.unwrap();
        assert!(nodelay(&connection) && nodelay(&accepted), "TCP_NODELAY is on by default, on both sides");

        let mut options = SocketOptions::new();
        options.nodelay = false;
        let mut listener = Listener::bind_with("127.0.0.1:0", framing("net:2"), options.clone()).await.unwrap();
        let connector = connector().options(options.clone());
        let connection = connector.connect(listener.local_addr().unwrap()).await.unwrap();
        let accepted = listener.accept().await.unwrap();
        assert!(!nodelay(&connection) && !nodelay(&accepted));
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_the_application_keeps_its_options() {
    in_time(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for nodelay in [false, true] {
            let stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            stream.set_nodelay(nodelay).unwrap();
            let connection = Connection::from_stream(stream, framing("net:2"));
            assert_eq!(connection.stream().unwrap().nodelay().unwrap(), nodelay);
        }
    })
    .await;
}

#[tokio::test]
async fn a_thousand_clients_reconnect_at_once() {
    in_time(async {
        const CLIENTS: usize = 1000;
        let (mut listener, address) = listener().await;
        let mut dialling = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            dialling.spawn(async move { connector().connect(address).await });
        }
        // The listener does not accept yet.
        let mut connections = Vec::new();
        while let Some(connection) = dialling.join_next().await {
            connections.push(connection.unwrap().unwrap());
        }
        for _ in 0..CLIENTS {
            let accepted = listener.accept().await.unwrap();
            assert!(
                connections.iter().any(|connection| Some(connection.local_addr().unwrap()) == accepted.peer_addr())
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_listener_binds_the_first_address_that_can_be_bound() {
    in_time(async {
        let port = ReservedPort::new().unwrap();
        let address = port.address();
        let taken = Listener::bind(address, framing("net:2")).await.unwrap();
        let error = Listener::bind(address, framing("net:2")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let addresses = [address, "127.0.0.1:0".parse().unwrap()];
        let other = Listener::bind(&addresses[..], framing("net:2")).await.unwrap();
        assert_ne!(other.local_addr().unwrap(), address);
        let error = Listener::bind(&[][..], framing("net:2")).await.unwrap_err();
        assert_eq!(error.to_string(), "the name has no address");
        drop(taken);
        // Connections of the earlier listener may linger.
        assert_eq!(Listener::bind(address, framing("net:2")).await.unwrap().local_addr().unwrap(), address);
    })
    .await;
}
