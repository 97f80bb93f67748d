//! Pairs on the blocking driver: two connections with one peer, made in each possible way.

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::blocking::{Connection, Inbox, Link, LinkEvent};
use framelink_transport::profile::{ConnectionKind, Reach, Simplex};
use framelink_transport::session::{Leg, Sent};
use framelink_transport::{Cause, ConnectError, FramingPair, Incoming, TryRecv};

use super::host::{DEADLINE, by_key, framing, profile};

const WAYS: [(Reach, Reach); 4] = [
    (Reach::Dial, Reach::Dial),
    (Reach::Dial, Reach::Accept),
    (Reach::Accept, Reach::Dial),
    (Reach::Accept, Reach::Accept),
];

/// The host's side of one of the connections: our side dials it, or it dials our listener.
enum Side {
    Listens(TcpListener),
    Dials(String),
}

impl Side {
    fn of(reach: Reach) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        match reach {
            Reach::Dial => (Self::Listens(listener), address),
            // A port that was free a moment ago.
            Reach::Accept => (Self::Dials(address.clone()), address),
        }
    }

    fn connect(&self) -> Connection {
        let stream = match self {
            Self::Listens(listener) => listener.accept().unwrap().0,
            Self::Dials(address) => until_some(|| TcpStream::connect(address).ok()),
        };
        Connection::from_stream(stream, FramingPair::from(framing()))
    }
}

/// Calls `look` until it returns a value.
fn until_some<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE);
        thread::sleep(Duration::from_millis(1));
    }
}

fn event(inbox: &mut Inbox) -> LinkEvent {
    match inbox.recv_within(DEADLINE) {
        TryRecv::Message(event) => event,
        other => panic!("no event: {other:?}"),
    }
}

fn pair(send: Reach, receive: Reach) -> (Link, Inbox, Side, Side) {
    let simplex = Simplex::new(by_key()).send(send).receive(receive);
    let profile = profile(ConnectionKind::Long, simplex).build().unwrap();
    let ((requests, to), (replies, from)) = (Side::of(send), Side::of(receive));
    let (link, inbox) = Link::simplex(profile, &to, &from).unwrap();
    (link, inbox, requests, replies)
}

#[test]
fn requests_and_replies_pass_over_a_pair_made_in_each_way_and_again_after_a_loss() {
    for (send, receive) in WAYS {
        let (link, mut inbox, requests, replies) = pair(send, receive);
        for round in 0..2 {
            let calling = link.clone();
            let call = thread::spawn(move || calling.call(b"01 hello"));
            let other = thread::scope(|scope| {
                let other = scope.spawn(|| replies.connect());
                let mut one = requests.connect();
                let mut other = other.join().unwrap();
                assert_eq!(&one.recv().unwrap().unwrap()[..], b"01 hello", "{send:?} {receive:?} {round}");
                other.send(b"99 news").unwrap();
                other.send(b"01 good day").unwrap();
                assert_eq!(&call.join().unwrap().unwrap()[..], b"01 good day");
                other
            });
            assert!(matches!(event(&mut inbox), LinkEvent::Up));
            assert!(matches!(event(&mut inbox), LinkEvent::Incoming(Incoming::Message(_))));
            // Dropping `one` has ended the connection that we send on.
            assert!(matches!(event(&mut inbox), LinkEvent::Lost(_)));
            drop(other);
        }
        assert_eq!(link.upstream().addresses().len(), 0);
    }
}

#[test]
fn nothing_is_sent_before_the_peer_has_dialled_its_connection() {
    let simplex = Simplex::new(by_key()).receive(Reach::Accept);
    let built = profile(ConnectionKind::Long, simplex).connect_timeout(Duration::from_millis(100)).build().unwrap();
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let (link, _inbox) = Link::simplex(built, &host.local_addr().unwrap().to_string(), "127.0.0.1:0").unwrap();
    let error = link.call(b"01").unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    let cause = error.error().cause();
    assert!(matches!(cause, Cause::Connect(ConnectError::NotDialled { leg: Leg::Receive, .. })), "{error}");
}

#[test]
fn a_dropped_link_stops_listening() {
    let (link, inbox, requests, replies) = pair(Reach::Accept, Reach::Accept);
    let (one, other) = (requests.connect(), replies.connect());
    until_some(|| (link.connections() == 1).then_some(()));
    drop((link, inbox));
    for (mut host, side) in [(one, &requests), (other, &replies)] {
        assert!(!matches!(host.recv(), Ok(Some(_))), "the connection has ended");
        let Side::Dials(address) = side else { panic!("we listen") };
        until_some(|| TcpStream::connect(address).is_err().then_some(()));
    }
}
