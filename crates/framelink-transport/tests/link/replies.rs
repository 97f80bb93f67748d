//! Messages of the peer are answered on the connection on which they arrived.

use std::net::TcpListener;
use std::thread;

use framelink_transport::profile::{ConnectionKind, Shared, Simplex};
use framelink_transport::session::Sent;
use framelink_transport::tokio::{CallError, Connection, Inbox, Link, LinkEvent, Links, Listener, ReplySender};
use framelink_transport::{Cause, FramingPair, Incoming, Message, blocking};
use tokio::time::timeout;

use super::host::{DEADLINE, accept, by_key, framing, listener, profile, read};

/// Returns the next message of the peer, and what answers it. Skips other events.
async fn message(inbox: &mut Inbox) -> (Message, ReplySender) {
    loop {
        let received = timeout(DEADLINE, inbox.recv_with_sender()).await.expect("an event");
        if let (LinkEvent::Incoming(Incoming::Message(message)), sender) = received.expect("a link") {
            return (message, sender);
        }
    }
}

fn assert_is_gone(sender: &ReplySender, sent: Result<(), CallError>) {
    let error = sent.unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    assert!(matches!(error.error().cause(), Cause::ConnectionGone), "{error}");
    assert_eq!(error.to_string(), "sending to the peer: the connection of the received message has ended (not sent)");
    assert!(!sender.is_open());
}

/// Returns the host's ends of two connections of one link: a call is in flight on the first, so the second is dialled.
async fn two_connections(link: &Link, listener: &mut Listener) -> (Connection, Connection) {
    link.connect().await.unwrap();
    let mut first = accept(listener).await;
    for key in ["01", "02"] {
        let link = link.clone();
        tokio::spawn(async move { link.call(key.as_bytes()).await });
        assert_eq!(&read(&mut first).await[..], key.as_bytes());
    }
    (first, accept(listener).await)
}

#[tokio::test]
async fn each_reply_leaves_on_the_connection_of_its_message() {
    let (mut listener, address) = listener().await;
    let (link, mut inbox) = Link::new(profile(Shared::new(2), by_key()).build().unwrap(), address.clone()).unwrap();
    let (mut busy, mut idle) = two_connections(&link, &mut listener).await;
    for round in ["1", "2"] {
        // `Link::send` would take the idle connection for both.
        for (host, name) in [(&mut busy, "busy"), (&mut idle, "idle")] {
            host.send(format!("{name} {round}").as_bytes()).await.unwrap();
            let (message, sender) = message(&mut inbox).await;
            assert_eq!((sender.peer(), sender.is_open()), (&*address, true));
            sender.send(&[b"re: ", &message[..]].concat()).await.unwrap();
            assert_eq!(&read(host).await[..], format!("re: {name} {round}").as_bytes());
        }
    }
}

#[tokio::test]
async fn a_reply_to_a_lost_connection_is_not_sent_on_the_next_one() {
    let (mut listener, address) = listener().await;
    let (link, mut inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    link.connect().await.unwrap();
    let mut host = accept(&mut listener).await;
    host.send(b"99 old").await.unwrap();
    let (_, old) = message(&mut inbox).await;
    drop(host);
    while !matches!(timeout(DEADLINE, inbox.recv()).await.unwrap(), Some(LinkEvent::Lost(_))) {}
    assert_is_gone(&old, old.send(b"99 late").await);

    link.connect().await.unwrap();
    let mut host = accept(&mut listener).await;
    host.send(b"98 new").await.unwrap();
    let (_, new) = message(&mut inbox).await;
    assert_is_gone(&old, old.clone().send(b"99 late").await);
    new.send(b"98 reply").await.unwrap();
    assert_eq!(&read(&mut host).await[..], b"98 reply", "nothing came before it");
}

#[tokio::test]
async fn a_reply_on_one_connection_fails_while_the_other_one_is_open() {
    let (mut listener, address) = listener().await;
    let (link, mut inbox) = Link::new(profile(Shared::new(2), by_key()).build().unwrap(), address).unwrap();
    let (mut busy, mut idle) = two_connections(&link, &mut listener).await;
    idle.send(b"99 idle").await.unwrap();
    let (_, sender) = message(&mut inbox).await;
    drop(idle);
    while !matches!(timeout(DEADLINE, inbox.recv()).await.unwrap(), Some(LinkEvent::Lost(_))) {}
    assert_is_gone(&sender, sender.send(b"99 reply").await);
    link.send(b"after it").await.unwrap();
    assert_eq!(&read(&mut busy).await[..], b"after it", "the reply did not leave here");
}

#[tokio::test]
async fn a_sender_does_not_outlive_its_link() {
    let (mut listener, address) = listener().await;
    let (links, mut inbox) = Links::new(profile(ConnectionKind::Long, by_key()).build().unwrap()).unwrap();
    links.to(&address).connect().await.unwrap();
    let mut host = accept(&mut listener).await;
    host.send(b"99 hello").await.unwrap();
    let (_, sender) = message(&mut inbox).await;
    assert_eq!(sender.peer(), address);
    drop(links);
    assert_is_gone(&sender, sender.send(b"99 reply").await);
    assert_eq!(timeout(DEADLINE, host.recv()).await.unwrap().ok().flatten(), None, "the connection is closed");
}

#[tokio::test]
async fn a_reply_to_a_pair_leaves_on_its_sending_connection() {
    let ((mut to_host, send), (mut from_host, receive)) = (listener().await, listener().await);
    let profile = profile(ConnectionKind::Long, Simplex::new(by_key())).build().unwrap();
    let (link, mut inbox) = Link::simplex(profile, &send, &receive).await.unwrap();
    let (connected, mut reading, mut writing) =
        tokio::join!(link.connect(), accept(&mut to_host), accept(&mut from_host));
    connected.unwrap();
    writing.send(b"99 hello").await.unwrap();
    let (_, sender) = message(&mut inbox).await;
    sender.send(b"99 reply").await.unwrap();
    assert_eq!(&read(&mut reading).await[..], b"99 reply");
}

#[test]
fn on_threads_each_reply_leaves_on_the_connection_of_its_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let accept = || blocking::Connection::from_stream(listener.accept().unwrap().0, FramingPair::from(framing()));
    let profile = profile(Shared::new(2), by_key()).build().unwrap();
    let (link, mut inbox) = blocking::Link::new(profile, address).unwrap();
    let mut message = || loop {
        if let (LinkEvent::Incoming(Incoming::Message(message)), sender) = inbox.recv_with_sender().unwrap() {
            return (message, sender);
        }
    };
    link.connect().unwrap();
    let mut busy = accept();
    for key in ["01", "02"] {
        let link = link.clone();
        thread::spawn(move || link.call(key.as_bytes()));
        assert_eq!(&busy.recv().unwrap().unwrap()[..], key.as_bytes());
    }
    let mut idle = accept();
    for (host, name) in [(&mut busy, "busy"), (&mut idle, "idle")] {
        host.send(name.as_bytes()).unwrap();
        let (message, sender) = message();
        sender.send(&message).unwrap();
        assert_eq!(&host.recv().unwrap().unwrap()[..], name.as_bytes());
    }
    idle.send(b"99 last").unwrap();
    let (_, sender) = message();
    link.disconnect();
    let error = sender.send(b"99 reply").unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    assert!(matches!(error.error().cause(), Cause::ConnectionGone), "{error}");
}
