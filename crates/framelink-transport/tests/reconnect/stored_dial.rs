//! The dial that a non-blocking client stores between its methods.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use framelink_transport::profile::Sign;
use framelink_transport::upstream::State;
use framelink_transport::{Cause, ConnectError, ProfileBuilder, nonblocking};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{self, Client, Driver, Names, parts};
use crate::host::{Does, Host, Silent};

/// A name that only the resolver of a row knows.
const NAME: &str = "switch.test:7000";

fn long() -> ProfileBuilder {
    client::profile().keep_up(true)
}

fn signing_on() -> ProfileBuilder {
    long().sign_on(Sign::new(b"on").expect(b"ok"))
}

/// A peer that answers when the row tells it to.
struct ByHand {
    listener: TcpListener,
    address: SocketAddr,
}

impl ByHand {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// Returns the connection of a client that has sent its sign-on.
    async fn signed_on_to(&self) -> TcpStream {
        let mut stream = self.listener.accept().await.unwrap().0;
        takes(&mut stream, b"0002on").await;
        stream
    }

    /// Returns whether no other client waits to be accepted.
    async fn is_alone(&self) -> bool {
        tokio::time::timeout(Duration::from_millis(20), self.listener.accept()).await.is_err()
    }
}

async fn takes(stream: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    stream.read_exact(&mut read).await.unwrap();
    assert_eq!(read, bytes);
}

impl Client {
    async fn is_connected(&mut self) {
        while inner(self).connection_mut().is_none() {
            self.idle_until(tokio::task::yield_now()).await;
        }
    }
}

fn inner(client: &mut Client) -> &mut nonblocking::Client {
    let Client::NonBlocking(Some(client)) = client else { panic!("another driver") };
    client
}

pub(crate) async fn an_exchange_takes_over_a_dial_that_signs_on(driver: Driver) {
    let peer = ByHand::start().await;
    let mut client = parts(&signing_on(), [peer.address.to_string()]).client(driver);
    let mut stream = client.idle_until(peer.signed_on_to()).await;
    assert_eq!(client.state(), State::Connecting);
    assert!(inner(&mut client).connection_mut().is_none(), "the client has not signed on yet");
    let answers = async {
        stream.write_all(b"0002ok").await.unwrap();
        takes(&mut stream, b"00040200").await;
        stream.write_all(b"00040210").await.unwrap();
    };
    let (reply, ()) = tokio::join!(client.call(b"0200"), answers);
    assert_eq!(reply.unwrap(), b"0210");
    assert!(peer.is_alone().await, "there is one connection");
    assert_eq!((client.counts().dials, client.counts().connected), (1, 1));
    assert_eq!(client.state(), State::Up);
}

pub(crate) async fn an_exchange_dials_again_when_the_stored_dial_fails(driver: Driver) {
    let peer = ByHand::start().await;
    let mut client = parts(&signing_on(), [peer.address.to_string()]).client(driver);
    let stream = client.idle_until(peer.signed_on_to()).await;
    let answers = async {
        drop(stream);
        let mut stream = peer.signed_on_to().await;
        stream.write_all(b"0002ok").await.unwrap();
        takes(&mut stream, b"00040200").await;
        stream.write_all(b"00040210").await.unwrap();
        stream
    };
    let (reply, _stream) = tokio::join!(client.call(b"0200"), answers);
    assert_eq!(reply.unwrap(), b"0210");
    let counts = client.counts();
    assert_eq!((counts.dials, counts.connected, counts.failures.sign_on), (2, 1, 1));
}

pub(crate) async fn a_sign_on_whose_reply_arrives_in_parts_ends_in_a_later_turn(driver: Driver) {
    let peer = ByHand::start().await;
    let mut client = parts(&signing_on(), [peer.address.to_string()]).client(driver);
    let mut stream = client.idle_until(peer.signed_on_to()).await;
    stream.write_all(b"0002o").await.unwrap();
    for _ in 0..50 {
        inner(&mut client).maintain();
        assert!(inner(&mut client).connection_mut().is_none());
    }
    stream.write_all(b"k").await.unwrap();
    client.is_connected().await;
    assert_eq!((client.counts().dials, client.counts().connected), (1, 1));
}

pub(crate) async fn a_dial_ends_with_its_client(driver: Driver) {
    let peer = ByHand::start().await;
    for by_close in [false, true] {
        let mut client = parts(&signing_on(), [peer.address.to_string()]).client(driver);
        let mut stream = client.idle_until(peer.signed_on_to()).await;
        let upstream = inner(&mut client).upstream().clone();
        assert_eq!(upstream.state(), State::Connecting);
        match by_close {
            true => client.close().await,
            false => drop(client),
        }
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0, "the socket of the dial is closed");
        assert_eq!((upstream.state(), upstream.counts().losses), (State::Idle, 0), "the dial was given up");
    }
}

pub(crate) async fn a_lookup_that_hangs_blocks_no_turn_of_the_loop(driver: Driver) {
    let released = Arc::new(AtomicBool::new(false));
    let mut client = parts(&long(), [NAME.to_owned()]).names(Names::Hang(Arc::clone(&released))).client(driver);
    for _ in 0..100 {
        let again = inner(&mut client).maintain().unwrap();
        assert!(!again.is_zero() && again <= Duration::from_millis(100), "{again:?}");
    }
    assert_eq!((client.state(), client.counts().dials), (State::Connecting, 1), "one lookup");
    released.store(true, Ordering::Release);
    while client.counts().failures.resolve == 0 {
        client.idle_until(tokio::task::yield_now()).await;
    }
}

pub(crate) async fn a_lookup_that_fails_or_panics_is_a_failure_of_the_address(driver: Driver) {
    for names in [Names::Fail, Names::Panic, Names::Are(Arc::default())] {
        let panics = matches!(names, Names::Panic);
        let host = Host::start(Does::Echo).await;
        let mut client = parts(&long(), [NAME.to_owned()]).names(names).client(driver);
        while client.counts().failures.resolve < 2 {
            client.idle_until(tokio::task::yield_now()).await;
        }
        assert_eq!(client.counts().resolver_panics > 0, panics);
        assert!(host.accepts().is_empty());
    }
    // The next lookup finds a host.
    let host = Host::start(Does::Echo).await;
    let addresses = Arc::new(Mutex::new(Vec::new()));
    let mut client = parts(&long(), [NAME.to_owned()]).names(Names::Are(Arc::clone(&addresses))).client(driver);
    while client.counts().failures.resolve == 0 {
        client.idle_until(tokio::task::yield_now()).await;
    }
    addresses.lock().unwrap().push(host.address);
    client.idle_until(host.has_seen(|seen| seen.accepts.len() == 1)).await;
    assert_eq!(client.call(b"0200").await.unwrap(), b"0200");
}

pub(crate) async fn a_silent_address_leaves_time_for_the_backup(driver: Driver) {
    let (silent, backup) = (Silent::new(), Host::start(Does::Echo).await);
    let profile = long().connect_timeout(Duration::from_millis(200));
    let mut client = parts(&profile, [silent.name(), backup.name()]).client(driver);
    client.idle_until(backup.has_seen(|seen| seen.accepts.len() == 1)).await;
    assert_eq!(client.call(b"0200").await.unwrap(), b"0200");
    assert_eq!((backup.accepts().len(), client.counts().failures.timed_out), (1, 1));
    assert_eq!(client.address().unwrap(), backup.name());
}

pub(crate) async fn an_upstream_without_an_address_does_not_spin(driver: Driver) {
    let mut client = parts(&long(), []).client(driver);
    let (began, mut turns) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(100) {
        let again = inner(&mut client).maintain().unwrap();
        tokio::time::sleep(again).await;
        turns += 1;
    }
    assert!(turns < 12, "{turns} turns");
    let error = client.call(b"0200").await.unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Connect(ConnectError::NoAddress { .. })), "{error}");
}

/// The turns follow each other without a pause.
pub(crate) async fn the_next_address_is_dialled_in_the_turn_in_which_one_fails(driver: Driver) {
    let (gone, backup) = (Host::stopped(Does::Echo).await, Host::start(Does::Echo).await);
    let mut client = parts(&long(), [gone.name(), backup.name()]).client(driver);
    client.idle_until(backup.has_seen(|seen| seen.accepts.len() == 1)).await;
    client.is_connected().await;
    assert_eq!((client.counts().dials, client.counts().failures.refused), (2, 1));
    assert_eq!(client.address().unwrap(), backup.name());
}
