//! A connection that the peer dialled, on which our side is the client.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

use framelink_transport::nonblocking::{Event, TryCall};
use framelink_transport::{Framing, TryRecv, blocking, nonblocking, tokio};

use crate::support::many::by_key;
use crate::support::peer::{self, DEADLINE, Peer};

/// Returns the two ends of a connection, ours first. Our end was accepted.
pub(crate) fn sockets() -> (TcpStream, TcpStream) {
    let (theirs, ours) = peer::sockets();
    (ours, theirs)
}

fn framing() -> Framing {
    "net:2".parse().unwrap()
}

/// Dials, and answers one call, and then two calls in reverse order.
fn dial(address: SocketAddr) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut peer = Peer::dial(address);
        assert_eq!(peer.read(), b"00");
        peer.write(&[b"00 reply"]);
        let mut requests = [peer.read(), peer.read()];
        requests.sort();
        for request in requests.iter().rev() {
            peer.write(&[&[request, &b" reply"[..]].concat()]);
        }
    })
}

#[test]
fn an_accepted_blocking_connection_can_call() {
    let mut listener = blocking::Listener::bind("127.0.0.1:0", framing()).unwrap();
    let peer = dial(listener.local_addr().unwrap());
    let mut connection = listener.accept().unwrap().unwrap();
    assert_eq!(&connection.call(b"00", DEADLINE).unwrap()[..], b"00 reply");
    let (caller, mut receiver) = connection.duplex(by_key());
    thread::spawn(move || receiver.recv());
    let other = caller.clone();
    let other = thread::spawn(move || other.call(b"01", DEADLINE).unwrap());
    assert_eq!(&caller.call(b"02", DEADLINE).unwrap()[..], b"02 reply");
    assert_eq!(&other.join().unwrap()[..], b"01 reply");
    peer.join().unwrap();
}

#[test]
fn an_accepted_tokio_connection_can_call() {
    ::tokio::runtime::Runtime::new().unwrap().block_on(tokio_calls());
}

async fn tokio_calls() {
    let mut listener = tokio::Listener::bind("127.0.0.1:0", framing()).await.unwrap();
    let peer = dial(listener.local_addr().unwrap());
    let mut connection = listener.accept().await.unwrap();
    assert_eq!(&connection.call(b"00", DEADLINE).await.unwrap()[..], b"00 reply");
    let (caller, mut receiver) = connection.duplex(by_key());
    ::tokio::spawn(async move { receiver.recv().await });
    let (one, two) = ::tokio::join!(caller.call(b"01", DEADLINE), caller.call(b"02", DEADLINE));
    assert_eq!((&one.unwrap()[..], &two.unwrap()[..]), (&b"01 reply"[..], &b"02 reply"[..]));
    peer.join().unwrap();
}

#[test]
fn an_accepted_non_blocking_connection_can_call() {
    let mut listener = nonblocking::Listener::bind("127.0.0.1:0", framing()).unwrap();
    let mut poll = mio::Poll::new().unwrap();
    poll.registry().register(&mut listener, mio::Token(0), mio::Interest::READABLE).unwrap();
    let peer = dial(listener.local_addr().unwrap());
    let mut connection = loop {
        match listener.try_accept().unwrap() {
            Some(connection) => break connection,
            None => poll.poll(&mut mio::Events::with_capacity(1), Some(DEADLINE)).unwrap(),
        }
    };
    assert_eq!(&connection.call(b"00", DEADLINE).unwrap()[..], b"00 reply");
    let mut duplex = connection.duplex(by_key());
    let (told, replies) = mpsc::channel();
    for request in [b"01", b"02"] {
        assert!(matches!(duplex.try_call(request, DEADLINE).unwrap(), TryCall::Begun(_)));
    }
    for _ in 0..2 {
        match duplex.recv_within(DEADLINE).unwrap() {
            TryRecv::Message(Event::Reply { message, .. }) => told.send(message.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    let mut replies: Vec<_> = replies.try_iter().collect();
    replies.sort();
    assert_eq!(replies, [b"01 reply", b"02 reply"]);
    peer.join().unwrap();
}
