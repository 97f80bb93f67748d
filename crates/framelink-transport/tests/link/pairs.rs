//! Pairs: two connections with one peer, made in each possible way.

use std::net::SocketAddr;
use std::time::Duration;

use framelink_transport::profile::{ConnectionKind, Reach, Simplex};
use framelink_transport::session::{Leg, Sent};
use framelink_transport::tokio::{Connection, Connector, Link, LinkEvent, Listener};
use framelink_transport::{Cause, ConnectError, Incoming};

use super::host::{DEADLINE, accept, by_key, event, framing, listener, profile, read};

/// The host's side of one of the connections: our side dials it, or it dials our listener.
enum Side {
    Listens(Box<Listener>),
    Dials(String),
}

impl Side {
    async fn of(reach: Reach) -> (Self, String) {
        match reach {
            Reach::Dial => {
                let (listener, address) = listener().await;
                (Self::Listens(Box::new(listener)), address)
            }
            // A port that was free a moment ago.
            Reach::Accept => {
                let (_, address) = listener().await;
                (Self::Dials(address.clone()), address)
            }
        }
    }

    async fn connect(&mut self) -> Connection {
        match self {
            Self::Listens(listener) => accept(listener).await,
            Self::Dials(address) => loop {
                match Connector::new(framing()).connect(&**address).await {
                    Ok(connection) => return connection,
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            },
        }
    }
}

const WAYS: [(Reach, Reach); 4] = [
    (Reach::Dial, Reach::Dial),
    (Reach::Dial, Reach::Accept),
    (Reach::Accept, Reach::Dial),
    (Reach::Accept, Reach::Accept),
];

/// Returns a link over a pair, and the host's side of both connections.
async fn pair(send: Reach, receive: Reach) -> (Link, framelink_transport::tokio::Inbox, Side, Side) {
    let simplex = Simplex::new(by_key()).send(send).receive(receive);
    let profile = profile(ConnectionKind::Long, simplex).build().unwrap();
    let ((requests, to), (replies, from)) = (Side::of(send).await, Side::of(receive).await);
    let (link, inbox) = Link::simplex(profile, &to, &from).await.unwrap();
    (link, inbox, requests, replies)
}

#[tokio::test]
async fn requests_and_replies_pass_over_a_pair_made_in_each_way() {
    for (send, receive) in WAYS {
        let (link, mut inbox, mut requests, mut replies) = pair(send, receive).await;
        let calling = link.clone();
        let call = tokio::spawn(async move { calling.call(b"01 hello").await });
        let (mut requests, mut replies) = tokio::join!(requests.connect(), replies.connect());
        assert_eq!(&read(&mut requests).await[..], b"01 hello", "{send:?} {receive:?}");
        replies.send(b"99 news").await.unwrap();
        replies.send(b"01 good day").await.unwrap();
        assert_eq!(&call.await.unwrap().unwrap()[..], b"01 good day");
        assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
        assert!(matches!(event(&mut inbox).await, LinkEvent::Incoming(Incoming::Message(_))));
    }
}

#[tokio::test]
async fn the_loss_of_a_connection_is_one_event_and_the_next_request_has_a_new_pair() {
    for (send, receive) in WAYS {
        for loses_requests in [true, false] {
            let (link, mut inbox, mut requests, mut replies) = pair(send, receive).await;
            let calling = link.clone();
            let call = tokio::spawn(async move { calling.call(b"01 lost").await });
            let (mut one, other) = tokio::join!(requests.connect(), replies.connect());
            read(&mut one).await;
            // One connection ends, and the link closes the other.
            let mut left = if loses_requests { (drop(one), other).1 } else { (drop(other), one).1 };
            let error = call.await.unwrap().unwrap_err();
            assert_eq!(error.sent(), Sent::Perhaps, "{send:?} {receive:?} {loses_requests}: {error}");
            let end = tokio::time::timeout(DEADLINE, left.recv()).await.expect("the other connection ends");
            assert!(!matches!(end, Ok(Some(_))));
            drop(left);
            assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
            assert!(matches!(event(&mut inbox).await, LinkEvent::Lost(_)));
            let calling = link.clone();
            let call = tokio::spawn(async move { calling.call(b"02 again").await });
            let (mut one, mut other) = tokio::join!(requests.connect(), replies.connect());
            assert_eq!(&read(&mut one).await[..], b"02 again", "{send:?} {receive:?} {loses_requests}");
            other.send(b"02 yes").await.unwrap();
            assert_eq!(&call.await.unwrap().unwrap()[..], b"02 yes");
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_before_the_peer_has_dialled_its_connection() {
    let simplex = Simplex::new(by_key()).receive(Reach::Accept);
    let built = profile(ConnectionKind::Long, simplex).connect_timeout(Duration::from_millis(100)).build().unwrap();
    let (mut requests, to) = Side::of(Reach::Dial).await;
    let (link, _inbox) = Link::simplex(built, &to, "127.0.0.1:0").await.unwrap();
    let error = link.call(b"01").await.unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    let Cause::Connect(not_dialled) = error.error().cause() else { panic!("{error}") };
    assert!(matches!(not_dialled, ConnectError::NotDialled { leg: Leg::Receive, .. }), "{error}");
    assert!(error.to_string().contains("the peer has not dialled the connection that we receive on within 100ms"));
    let mut requests = requests.connect().await;
    drop(link);
    assert!(
        tokio::time::timeout(DEADLINE, requests.recv()).await.unwrap().unwrap().is_none(),
        "no message arrives before the end"
    );
}

#[tokio::test]
async fn a_stranger_does_not_end_a_pair() {
    let (link, _inbox, mut requests, mut replies) = pair(Reach::Dial, Reach::Accept).await;
    let calling = link.clone();
    let call = tokio::spawn(async move { calling.call(b"01 hello").await });
    let (mut one, mut other) = tokio::join!(requests.connect(), replies.connect());
    read(&mut one).await;
    let Side::Dials(address) = &replies else { unreachable!() };
    let source: SocketAddr = "127.0.0.2:0".parse().unwrap();
    let mut stranger = Connector::new(framing()).source(source).connect(&**address).await.unwrap();
    let seen = tokio::time::timeout(DEADLINE, stranger.recv()).await.expect("the stranger's connection is closed");
    assert!(!matches!(seen, Ok(Some(_))));
    other.send(b"01 reply").await.unwrap();
    assert_eq!(&call.await.unwrap().unwrap()[..], b"01 reply");
}

#[tokio::test]
async fn a_peer_that_dials_again_has_a_new_pair() {
    let (link, mut inbox, mut requests, mut replies) = pair(Reach::Dial, Reach::Accept).await;
    let calling = link.clone();
    let call = tokio::spawn(async move { calling.call(b"01 lost").await });
    let (mut one, _half_open) = tokio::join!(requests.connect(), replies.connect());
    read(&mut one).await;
    // The peer has restarted without a close: the old connections still look alive.
    let mut anew = replies.connect().await;
    assert_eq!(call.await.unwrap().unwrap_err().sent(), Sent::Perhaps);
    let calling = link.clone();
    let call = tokio::spawn(async move { calling.call(b"02 again").await });
    let mut one = requests.connect().await;
    assert_eq!(&read(&mut one).await[..], b"02 again");
    anew.send(b"02 yes").await.unwrap();
    assert_eq!(&call.await.unwrap().unwrap()[..], b"02 yes");
    assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
}

#[tokio::test]
async fn connections_of_different_hosts_are_not_a_pair() {
    let (link, _inbox, mut requests, mut replies) = pair(Reach::Dial, Reach::Accept).await;
    let Side::Dials(address) = &replies else { unreachable!() };
    let source: SocketAddr = "127.0.0.2:0".parse().unwrap();
    // A stranger dials first.
    let mut stranger = Connector::new(framing()).source(source).connect(&**address).await.unwrap();
    let calling = link.clone();
    let call = tokio::spawn(async move { calling.call(b"01 pay 1000").await });
    let mut one = requests.connect().await;
    let early = tokio::time::timeout(Duration::from_millis(300), one.recv()).await;
    assert!(early.is_err(), "nothing is sent before the host has dialled: {early:?}");
    let _ = stranger.send(b"01 approved").await;
    let mut other = replies.connect().await;
    assert_eq!(&read(&mut one).await[..], b"01 pay 1000");
    other.send(b"01 declined").await.unwrap();
    assert_eq!(&call.await.unwrap().unwrap()[..], b"01 declined");
}

#[tokio::test]
async fn a_request_right_after_a_loss_has_a_new_pair_soon() {
    let (link, _inbox, mut requests, mut replies) = pair(Reach::Dial, Reach::Dial).await;
    for round in 0..3 {
        let calling = link.clone();
        let call = tokio::spawn(async move { calling.call(b"01").await });
        let (mut one, mut other) = tokio::join!(requests.connect(), replies.connect());
        assert_eq!(&read(&mut one).await[..], b"01", "round {round}");
        other.send(b"01").await.unwrap();
        call.await.unwrap().unwrap();
        // The receiving task does not know of the loss yet.
        link.disconnect();
    }
}
