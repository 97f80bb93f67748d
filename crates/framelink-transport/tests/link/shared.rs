//! A link over one connection, or over several that share the requests.

use std::collections::HashMap;
use std::time::Duration;

use framelink_transport::profile::{ConnectionKind, Duplex, ExchangeKind, Shared, Simplex};
use framelink_transport::session::{Key, KeyRule, Sent};
use framelink_transport::tokio::{Link, LinkEvent, Links};
use framelink_transport::{Cause, ConnectError, Incoming};
use tokio::task::JoinSet;

use super::host::{DEADLINE, accept, by_key, echo, event, listener, profile, read};

#[tokio::test]
async fn requests_go_over_one_connection_which_is_dialled_when_needed() {
    let (mut listener, address) = listener().await;
    let (link, mut inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    assert_eq!(link.connections(), 0);
    let serving = tokio::spawn(async move {
        echo(accept(&mut listener).await).await;
        listener
    });
    let mut calls = JoinSet::new();
    for call in 0..50 {
        let link = link.clone();
        calls.spawn(async move {
            let request = format!("{call:02} hello");
            assert_eq!(&link.call(request.as_bytes()).await.unwrap()[..], request.as_bytes());
        });
    }
    calls.join_all().await;
    assert_eq!((link.connections(), link.in_flight()), (1, 0));
    assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
    drop((link, inbox));
    serving.await.unwrap();
}

/// The key stands behind a field of variable length. The host answers in the opposite order.
#[tokio::test]
async fn a_function_of_the_profile_finds_keys_without_a_place() {
    let (mut listener, address) = listener().await;
    let key = KeyRule::by(|message| Key::new(message.rsplit(|byte| *byte == b'|').next()?));
    let profile = profile(ConnectionKind::Long, Duplex::new()).key_rule(key).build().unwrap();
    let (link, _inbox) = Link::new(profile, address).unwrap();
    let serving = tokio::spawn(async move {
        let mut host = accept(&mut listener).await;
        let (first, second) = (read(&mut host).await, read(&mut host).await);
        host.send(&second).await.unwrap();
        host.send(&first).await.unwrap();
        host
    });
    let (one, other) = tokio::join!(link.call(b"4111|01"), link.call(b"37|02"));
    assert_eq!((&one.unwrap()[..], &other.unwrap()[..]), (&b"4111|01"[..], &b"37|02"[..]));
    drop(serving.await.unwrap());
}

#[tokio::test]
async fn unsolicited_messages_and_the_end_are_events() {
    let (mut listener, address) = listener().await;
    let (link, mut inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    link.connect().await.unwrap();
    let mut host = accept(&mut listener).await;
    host.send(b"99 news").await.unwrap();
    assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
    assert!(
        matches!(event(&mut inbox).await, LinkEvent::Incoming(Incoming::Message(message)) if &message[..] == b"99 news")
    );
    link.send(b"ours").await.unwrap();
    assert_eq!(&read(&mut host).await[..], b"ours");
    drop(host);
    assert!(matches!(event(&mut inbox).await, LinkEvent::Lost(None)));
    // The next request dials again.
    let serving = tokio::spawn(async move { echo(accept(&mut listener).await).await });
    assert_eq!(&link.call(b"01 again").await.unwrap()[..], b"01 again");
    drop(link);
    serving.await.unwrap();
}

#[tokio::test]
async fn requests_in_flight_fail_with_the_loss_and_later_ones_dial_again() {
    let (mut listener, address) = listener().await;
    let (link, _inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    let calls: Vec<_> = (0..3)
        .map(|call| {
            let link = link.clone();
            tokio::spawn(async move { link.call(format!("{call:02}").as_bytes()).await })
        })
        .collect();
    let mut host = accept(&mut listener).await;
    for _ in 0..3 {
        read(&mut host).await;
    }
    drop(host);
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.sent(), Sent::Perhaps);
        assert!(matches!(error.error().cause(), Cause::NoReply), "{error}");
    }
    tokio::spawn(async move { echo(accept(&mut listener).await).await });
    assert_eq!(&link.call(b"00 again").await.unwrap()[..], b"00 again");
}

#[tokio::test]
async fn several_connections_share_the_requests_up_to_their_limit() {
    const CONNECTIONS: usize = 3;
    let (mut listener, address) = listener().await;
    let profile = profile(Shared::new(3), by_key()).build().unwrap();
    let (link, _inbox) = Link::new(profile, address).unwrap();
    let (held, mut requests) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 0.. {
            let (mut receiver, sender) = accept(&mut listener).await.split();
            let (held, sender) = (held.clone(), std::sync::Arc::new(tokio::sync::Mutex::new(sender)));
            tokio::spawn(async move {
                while let Ok(Some(request)) = receiver.recv().await {
                    held.send((number, request, sender.clone())).unwrap();
                }
            });
        }
    });
    let mut calls = JoinSet::new();
    let mut per_connection: HashMap<usize, usize> = HashMap::new();
    let mut replies = Vec::new();
    for call in 0..60 {
        let calling = link.clone();
        calls.spawn(async move { calling.call(format!("{call:02}").as_bytes()).await.unwrap() });
        let (number, request, sender) = tokio::time::timeout(DEADLINE, requests.recv()).await.unwrap().unwrap();
        *per_connection.entry(number).or_default() += 1;
        replies.push((request, sender));
        // Another connection is dialled while requests are in flight.
        let wanted = CONNECTIONS.min(call + 1);
        let began = std::time::Instant::now();
        while link.connections() < wanted.saturating_sub(1) && began.elapsed() < DEADLINE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!(link.connections(), CONNECTIONS);
    assert_eq!(per_connection.len(), CONNECTIONS, "{per_connection:?}");
    let (least, most) = (per_connection.values().min().unwrap(), per_connection.values().max().unwrap());
    assert!(most - least <= 2, "the least busy connection takes the next request: {per_connection:?}");
    for (request, sender) in replies {
        sender.lock().await.send(&request).await.unwrap();
    }
    assert_eq!(calls.join_all().await.len(), 60);
}

#[tokio::test]
async fn a_request_without_a_listening_peer_is_not_sent() {
    let (listener, address) = listener().await;
    drop(listener);
    let (link, _inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    let error = link.call(b"01").await.unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    assert!(matches!(error.error().cause(), Cause::Connect(ConnectError::Dial { .. })), "{error}");
}

#[tokio::test]
async fn a_profile_with_one_exchange_at_a_time_is_refused() {
    let sync = profile(ConnectionKind::Long, ExchangeKind::Sync).build().unwrap();
    assert_eq!(Link::new(sync.clone(), "localhost:1").unwrap_err().key(), "exchange");
    assert!(Link::simplex(sync, "localhost:1", "localhost:2").await.is_err());
    let pair = profile(ConnectionKind::Long, Simplex::new(Duplex::new())).build().unwrap();
    assert_eq!(Link::new(pair, "localhost:1").unwrap_err().key(), "exchange");
}

#[tokio::test]
async fn a_dropped_link_closes_its_connections() {
    let (mut listener, address) = listener().await;
    let (link, mut inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    link.connect().await.unwrap();
    let mut host = accept(&mut listener).await;
    drop(link);
    assert!(tokio::time::timeout(DEADLINE, host.recv()).await.unwrap().unwrap().is_none());
    assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
    assert!(matches!(event(&mut inbox).await, LinkEvent::Lost(None)));
    assert!(tokio::time::timeout(DEADLINE, inbox.recv()).await.unwrap().is_none());
}

#[tokio::test]
async fn one_client_has_a_link_to_each_of_many_peers() {
    let (links, mut inbox) = Links::new(profile(ConnectionKind::Long, by_key()).build().unwrap()).unwrap();
    let mut hosts = Vec::new();
    for _ in 0..5 {
        let (mut listener, address) = listener().await;
        let name = address.clone();
        let serving = tokio::spawn(async move {
            let mut connection = accept(&mut listener).await;
            connection.send(b"99 welcome").await.unwrap();
            while let Ok(Some(request)) = connection.recv().await {
                connection.send(&[&request[..], b" from ", name.as_bytes()].concat()).await.unwrap();
            }
        });
        hosts.push((address, serving));
    }
    for round in 0..3 {
        for (address, _) in &hosts {
            // The requests to all peers have equal keys, because the links are independent.
            let reply = links.call(address, b"01").await.unwrap();
            assert_eq!(&reply[..], format!("01 from {address}").as_bytes(), "round {round}");
        }
    }
    assert_eq!(links.len(), 5);
    let mut welcomes: Vec<String> = Vec::new();
    while welcomes.len() < 5 {
        if let Some((from, LinkEvent::Incoming(_))) = tokio::time::timeout(DEADLINE, inbox.recv_from()).await.unwrap() {
            welcomes.push(from.to_string());
        }
    }
    welcomes.sort();
    let mut addresses: Vec<_> = hosts.iter().map(|(address, _)| address.clone()).collect();
    addresses.sort();
    assert_eq!(welcomes, addresses);
    // One host goes away, and the others stay.
    let (gone, serving) = hosts.remove(0);
    assert!(links.forget(&gone) && !links.forget(&gone));
    serving.await.unwrap();
    for (address, _) in &hosts {
        links.call(address, b"02").await.unwrap();
    }
}

#[tokio::test]
async fn a_close_that_is_dropped_leaves_no_connection_open() {
    let (mut listener, address) = listener().await;
    let (link, mut inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    link.connect().await.unwrap();
    let _host = accept(&mut listener).await;
    assert!(matches!(event(&mut inbox).await, LinkEvent::Up));
    // The host does not close its side.
    let closing = tokio::time::timeout(Duration::from_millis(20), link.clone().close(DEADLINE));
    assert!(closing.await.is_err());
    assert!(
        matches!(event(&mut inbox).await, LinkEvent::Lost(_)),
        "the connection is closed, although the link is not"
    );
    assert_eq!(link.connections(), 0);
}
