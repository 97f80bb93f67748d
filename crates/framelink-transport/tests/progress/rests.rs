//! A send was given up inside its message: the rest of the message leaves during other waits.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use framelink_transport::session::{Matching, Sent};
use framelink_transport::{Cause, Framing, Incoming, Profile, TryRecv, TrySend, blocking, tokio as on_tokio};

use crate::support::driver::{Blocking, DEADLINE, Driver, NonBlocking, framing, on_every_driver, pair};
use crate::support::peer::{Task, read_exactly, ready};

on_every_driver!(
    tls:
    a_peer_that_waits_for_the_rest_of_a_message_answers,
    a_call_writes_the_rest_of_a_message_before_its_request,
    a_message_that_arrives_while_a_request_waits_for_room_is_not_its_reply,
    a_fed_message_leaves_while_a_receive_waits,
);

/// More than the buffers of both sockets hold.
const LARGE: usize = 16 * 1024 * 1024;
const GIVE_UP: Duration = Duration::from_millis(50);

/// Returns a connection on which the send of a large message was given up inside the message.
fn given_up<D: Driver>() -> (D, TcpStream) {
    let (mut ours, peer) = pair::<D>(framing("net:4,max=32MiB"));
    let error = ours.send_within(&vec![b'x'; LARGE], GIVE_UP).unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut { .. }), "{}: {error}", D::NAME);
    (ours, peer)
}

fn a_peer_that_waits_for_the_rest_of_a_message_answers<D: Driver>() {
    let (mut ours, mut peer) = given_up::<D>();
    let peer = Task::start(move || {
        read_exactly(&peer, 4 + LARGE);
        peer.write_all(b"\0\0\0\x02ok").unwrap();
        peer
    });
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"ok", "{}", D::NAME);
    peer.join();
}

fn a_call_writes_the_rest_of_a_message_before_its_request<D: Driver>() {
    let (mut ours, mut peer) = given_up::<D>();
    let peer = Task::start(move || {
        read_exactly(&peer, 4 + LARGE);
        assert_eq!(read_exactly(&peer, 6), b"\0\0\0\x02hi");
        peer.write_all(b"\0\0\0\x02ok").unwrap();
        peer
    });
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"ok", "{}", D::NAME);
    peer.join();
}

fn a_message_that_arrives_while_a_request_waits_for_room_is_not_its_reply<D: Driver>() {
    let (mut ours, mut peer) = given_up::<D>();
    let peer = Task::start(move || {
        thread::sleep(GIVE_UP);
        peer.write_all(b"\0\0\0\x04news").unwrap();
        // Reads the written part, of any length.
        let _ = peer.read_to_end(&mut Vec::new());
    });
    let error = ours.call(b"hi", DEADLINE).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Unsolicited), "{}: {error}", D::NAME);
    assert_eq!(error.sent(), Sent::Not, "{}", D::NAME);
    drop(ours);
    peer.join();
}

fn a_fed_message_leaves_while_a_receive_waits<D: Driver>() {
    let (mut ours, mut peer) = pair::<D>(framing("net:4"));
    ours.feed(b"hi").unwrap();
    let peer = Task::start(move || {
        assert_eq!(read_exactly(&peer, 6), b"\0\0\0\x02hi");
        peer.write_all(b"\0\0\0\x02ok").unwrap();
        peer
    });
    let TryRecv::Message(message) = ours.recv_within(DEADLINE).unwrap() else { panic!("{}: nothing came", D::NAME) };
    assert_eq!(&message[..], b"ok");
    peer.join();
}

/// A client whose send was given up reads, and does not first wait for the peer to read.
#[test]
fn a_client_receives_from_a_peer_that_does_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let profile = Profile::builder("net:4,max=32MiB".parse::<Framing>().unwrap()).build().unwrap();
    let mut client = blocking::Client::new(profile, listener.local_addr().unwrap().to_string()).unwrap();
    client.connect().unwrap();
    let mut peer = ready(listener.accept().unwrap().0);
    client.connection_mut().unwrap().send_within(&vec![b'x'; LARGE], GIVE_UP).unwrap_err();
    peer.write_all(b"\0\0\0\x02ok").unwrap();
    let received = Task::start(move || client.recv().unwrap());
    assert_eq!(&received.join().unwrap()[..], b"ok");
}

/// Starts a peer that answers when it has all of a large message.
fn answering(mut peer: TcpStream) -> Task<TcpStream> {
    Task::start(move || {
        read_exactly(&peer, 4 + LARGE);
        peer.write_all(b"\0\0\0\x02ok").unwrap();
        peer
    })
}

/// The receiver already waits when the send is given up.
#[test]
fn the_rest_leaves_while_the_receiver_of_many_calls_waits() {
    for waits_before in [true, false] {
        let (Blocking(connection), peer) = pair::<Blocking>(framing("net:4,max=32MiB"));
        let (caller, mut receiver) = connection.duplex(Matching::in_order());
        let (begin, begun) = mpsc::channel();
        let received = Task::start(move || {
            begun.recv().unwrap();
            receiver.recv().unwrap()
        });
        if waits_before {
            begin.send(()).unwrap();
        }
        let error = caller.send_with_outcome(&vec![b'x'; LARGE], GIVE_UP).unwrap_err();
        assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
        let peer = answering(peer);
        if !waits_before {
            begin.send(()).unwrap();
        }
        assert!(matches!(received.join(), Some(Incoming::Message(message)) if &message[..] == b"ok"));
        peer.join();
    }
}

/// Another thread has the receiving half.
#[test]
fn the_rest_leaves_while_a_sending_half_is_maintained() {
    let (Blocking(connection), peer) = pair::<Blocking>(framing("net:4,max=32MiB"));
    let (_receiver, mut sender) = connection.split();
    sender.send_within(&vec![b'x'; LARGE], GIVE_UP).unwrap_err();
    let peer = answering(peer);
    while sender.unwritten_bytes() > 0 {
        sender.maintain().unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    peer.join();

    let (NonBlocking(connection), peer) = pair::<NonBlocking>(framing("net:4,max=32MiB"));
    let (_receiver, mut sender) = connection.split().unwrap();
    while sender.try_send(&vec![b'x'; LARGE]).unwrap() == TrySend::Written {}
    let peer = answering(peer);
    while sender.unwritten_bytes() > 0 {
        sender.maintain().unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    peer.join();
}

#[tokio::test]
async fn the_rest_leaves_while_keep_of_a_sending_half_is_polled() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let peer = ready(listener.accept().unwrap().0);
    let (_receiver, mut sender) = on_tokio::Connection::from_stream(stream, framing("net:4,max=32MiB")).split();
    sender.send_within(&vec![b'x'; LARGE], GIVE_UP).await.unwrap_err();
    let peer = answering(peer);
    let peer = tokio::task::spawn_blocking(|| peer.join());
    tokio::select! {
        peer = peer => drop(peer.unwrap()),
        error = sender.keep() => panic!("{error}"),
    }
}
