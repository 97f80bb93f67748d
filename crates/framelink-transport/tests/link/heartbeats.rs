//! A link whose host goes silent.

use std::time::Duration;

use framelink_transport::heartbeat::{Heartbeat, Role};
use framelink_transport::profile::{ConnectionKind, Duplex, Simplex};
use framelink_transport::session::Sent;
use framelink_transport::tokio::{Connection, Link, LinkEvent};
use framelink_transport::{Cause, blocking};

use super::host::{DEADLINE, accept, by_key, event, framing, listener, profile, read};

fn heartbeat() -> Heartbeat {
    "literal:3f..21,interval=150ms,timeout=150ms".parse().unwrap()
}

/// A host that answers heartbeats and this many messages. Then it sends nothing more, and keeps the connection open.
async fn host(mut connection: Connection, messages: usize) -> Connection {
    connection.watch(heartbeat(), Role::Server);
    for _ in 0..messages {
        let message = read(&mut connection).await;
        connection.send(&message).await.unwrap();
    }
    connection
}

#[tokio::test]
async fn a_silent_host_is_lost_and_dialled_again() {
    let (mut listener, address) = listener().await;
    let profile = profile(ConnectionKind::Long, by_key()).heartbeat(heartbeat()).build().unwrap();
    let (link, mut inbox) = Link::new(profile, address).unwrap();
    let serving = tokio::spawn(async move {
        let silent = host(accept(&mut listener).await, 1).await;
        let answering = host(accept(&mut listener).await, 1).await;
        (silent, answering)
    });
    assert_eq!(&link.call(b"00 hello").await.unwrap()[..], b"00 hello");
    assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
    let error = link.call(b"01 are you there?").await.unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Dead(verdict) if verdict.probes == 1), "{error}");
    assert_eq!(error.sent(), Sent::Perhaps);
    let LinkEvent::Lost(Some(lost)) = event(&mut inbox).await else { panic!("not lost") };
    assert!(matches!(lost.cause(), Cause::Dead(_)), "{lost}");
    assert_eq!(&link.call(b"02 hello").await.unwrap()[..], b"02 hello", "the call uses a new connection");
    serving.await.unwrap();
}

#[tokio::test]
async fn an_idle_link_stays_open_as_long_as_its_host_answers() {
    let (mut listener, address) = listener().await;
    let profile = profile(ConnectionKind::Long, by_key()).heartbeat(heartbeat()).build().unwrap();
    let (link, mut inbox) = Link::new(profile, address).unwrap();
    let serving = tokio::spawn(async move {
        let mut connection = host(accept(&mut listener).await, 1).await;
        let liveness = connection.liveness().unwrap().clone();
        // The host waits for another message, and answers heartbeats meanwhile.
        let message = read(&mut connection).await;
        connection.send(&message).await.unwrap();
        (connection, liveness.counts().1)
    });
    assert_eq!(&link.call(b"00 hello").await.unwrap()[..], b"00 hello");
    assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
    let waited = tokio::time::timeout(Duration::from_millis(1500), inbox.recv()).await;
    assert!(waited.is_err(), "{waited:?}");
    assert_eq!(&link.call(b"01 hello").await.unwrap()[..], b"01 hello", "the call uses the old connection");
    let (_connection, seen) = serving.await.unwrap();
    assert!(seen >= 5, "{seen} heartbeats in a second and a half");
}

/// On a pair, our side sends heartbeats on one connection, and the host sends its own on the other.
#[tokio::test]
async fn a_pair_whose_host_goes_silent_is_lost() {
    let ((mut requests, sending), (mut replies, receiving)) = (listener().await, listener().await);
    let simplex = Simplex::new(by_key());
    let profile = profile(ConnectionKind::Long, simplex).heartbeat(heartbeat()).build().unwrap();
    let (link, mut inbox) = Link::simplex(profile, &sending, &receiving).await.unwrap();
    let serving = tokio::spawn(async move {
        let (mut requests, mut replies) = (accept(&mut requests).await, accept(&mut replies).await);
        for _ in 0..6 {
            // This receiver has no heartbeat rule, so it receives heartbeats as messages.
            let message = read(&mut requests).await;
            let reply = if &message[..] == b"?" { b"!".to_vec() } else { message.to_vec() };
            replies.send(&reply).await.unwrap();
        }
        (requests, replies)
    });
    assert_eq!(&link.call(b"00 hello").await.unwrap()[..], b"00 hello");
    assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
    let LinkEvent::Lost(Some(lost)) = event(&mut inbox).await else { panic!("not lost") };
    assert!(matches!(lost.cause(), Cause::Dead(_)), "{lost}");
    serving.await.unwrap();
}

#[test]
fn on_threads_a_silent_host_is_lost_and_dialled_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let profile = profile(ConnectionKind::Long, Duplex::new()).heartbeat(heartbeat()).build().unwrap();
    let (link, mut inbox) = blocking::Link::new(profile, listener.local_addr().unwrap().to_string()).unwrap();
    let serving = std::thread::spawn(move || {
        [0, 1].map(|_| {
            let stream = listener.accept().unwrap().0;
            let mut connection = blocking::Connection::from_stream(stream, framing());
            connection.watch(heartbeat(), Role::Server);
            let message = connection.recv().unwrap().unwrap();
            connection.send(&message).unwrap();
            connection
        })
    });
    assert_eq!(&link.call(b"hello").unwrap()[..], b"hello");
    let lost = loop {
        match inbox.recv_within(DEADLINE).into_message() {
            Some(blocking::LinkEvent::Lost(lost)) => break lost.expect("why"),
            Some(blocking::LinkEvent::Up) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(lost.cause(), Cause::Dead(_)), "{lost}");
    assert_eq!(&link.call(b"hello").unwrap()[..], b"hello", "the call uses a new connection");
    serving.join().unwrap();
}
