//! Heartbeats on a connection with many calls in flight.

use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{By, Form, Heartbeat, Life, Role};
use framelink_transport::session::{Matching, Sent};
use framelink_transport::{Cause, Incoming};

use crate::support::echo::echo;
use crate::support::many::{DEADLINE, Happened, Many, by_key, framing, on_every_driver};
use crate::support::peer::{Peer, frame, small_sockets};

on_every_driver!(
    tls:
    probes_are_answered_beside_calls,
    a_silent_peer_ends_the_link_and_fails_every_call,
    a_peer_that_answers_probes_is_alive_although_it_answers_no_call,
    on_a_pair_probes_go_out_on_the_connection_of_the_requests,
    a_silent_half_ends_the_pair,
    messages_pass_whole_and_in_order_beside_heartbeats,
);

const INTERVAL: Duration = Duration::from_millis(150);
const TIMEOUT: Duration = Duration::from_millis(150);
/// The allowance for a busy machine. Exact times are tested on a virtual clock (`tests/liveness` of
/// `framelink-session`).
const LATE: Duration = Duration::from_secs(3);

fn ping() -> Heartbeat {
    let heartbeat = Heartbeat::relaxed(Form::literal(b"PING", b"PONG"));
    heartbeat.interval(INTERVAL).unwrap().timeout(TIMEOUT).unwrap()
}

/// For a peer that answers, with a timeout that a busy machine does not exceed.
fn patient_ping() -> Heartbeat {
    ping().timeout(DEADLINE).unwrap()
}

fn watched<M: Many>(matching: Matching, heartbeat: Heartbeat, role: Role) -> (M, Peer) {
    let (ours, theirs) = small_sockets();
    (M::watched(ours, framing("net:2"), matching, Some((heartbeat, role))), Peer(theirs))
}

fn probes_are_answered_beside_calls<M: Many>() {
    let (mut ours, mut peer) = watched::<M>(by_key(), ping(), Role::Server);
    ours.begin(0, b"00 hello", DEADLINE);
    assert_eq!(peer.read(), b"00 hello");
    for _ in 0..3 {
        peer.send(b"PING");
        if M::NAME == "nonblocking" {
            // This driver has no thread or task: the answer leaves in this call.
            assert!(ours.next_within(Duration::from_millis(50)).is_none());
        }
        assert_eq!(peer.read(), b"PONG");
    }
    peer.send(b"00 good day");
    assert_eq!(&ours.reply(0)[..], b"00 good day");
    assert!(ours.next_within(Duration::from_millis(1)).is_none(), "{}: no heartbeat is delivered", M::NAME);
}

fn a_silent_peer_ends_the_link_and_fails_every_call<M: Many>() {
    let began = Instant::now();
    let (mut ours, mut peer) = watched::<M>(by_key(), ping(), Role::Client);
    for call in 0..3 {
        ours.begin(call, format!("{call:02}").as_bytes(), DEADLINE);
        peer.read();
    }
    for call in 0..3 {
        let error = ours.failure(call);
        assert!(matches!(error.error().cause(), Cause::Dead(_)), "{}: {error}", M::NAME);
        assert_eq!(error.sent(), Sent::Perhaps);
    }
    let took = began.elapsed();
    assert!(took <= INTERVAL + TIMEOUT + LATE, "{}: {took:?}", M::NAME);
    let Happened::Lost(error) = ours.received() else { panic!("{}: not lost", M::NAME) };
    let Cause::Dead(verdict) = error.cause() else { panic!("{}: {error}", M::NAME) };
    assert_eq!(verdict.probes, 1);
    ours.begin(9, b"09", DEADLINE);
    assert_eq!(ours.failure(9).sent(), Sent::Not);
    drop(ours);
    peer.read_to_end();
}

fn a_peer_that_answers_probes_is_alive_although_it_answers_no_call<M: Many>() {
    let (mut ours, mut peer) = watched::<M>(by_key(), patient_ping(), Role::Client);
    let answering = thread::spawn(move || {
        for _ in 0..4 {
            while peer.read() != b"PING" {}
            peer.send(b"PONG");
        }
        peer.send(b"00 at last");
        peer
    });
    ours.begin(0, b"00", DEADLINE);
    assert_eq!(&ours.reply(0)[..], b"00 at last", "{}", M::NAME);
    answering.join().unwrap();
}

fn on_a_pair_probes_go_out_on_the_connection_of_the_requests<M: Many>() {
    let ((sending, requests), (receiving, replies)) = (small_sockets(), small_sockets());
    let watch = Some((patient_ping(), Role::Client));
    let mut ours = M::pair_watched(sending, receiving, framing("net:2"), by_key(), watch);
    let (mut requests, mut replies) = (Peer(requests), Peer(replies));
    let answering = thread::spawn(move || {
        for _ in 0..3 {
            assert_eq!(requests.read(), b"PING");
            replies.send(b"PONG");
        }
        while requests.read() == b"PING" {
            replies.send(b"PONG");
        }
        replies.send(b"00 good day");
        (requests, replies)
    });
    // Only heartbeats are exchanged.
    assert!(ours.next_within((INTERVAL + TIMEOUT) * 3).is_none(), "{}", M::NAME);
    ours.begin(0, b"00 hello", DEADLINE);
    assert_eq!(&ours.reply(0)[..], b"00 good day");
    answering.join().unwrap();
}

fn a_silent_half_ends_the_pair<M: Many>() {
    let ((sending, requests), (receiving, replies)) = (small_sockets(), small_sockets());
    let watch = Some((ping(), Role::Client));
    let mut ours = M::pair_watched(sending, receiving, framing("net:2"), by_key(), watch);
    // The peer answers on the other connection, and no answer arrives there.
    let Happened::Lost(error) = ours.received() else { panic!("{}: not lost", M::NAME) };
    assert!(matches!(error.cause(), Cause::Dead(_)), "{}: {error}", M::NAME);
    drop(ours);
    assert_eq!(Peer(requests).read_to_end(), frame(b"PING"));
    assert!(Peer(replies).read_to_end().is_empty());
}

/// The number of messages, each of which is echoed.
const MESSAGES: u64 = 50_000;

/// Both sides send probes all the time, during all other traffic.
fn messages_pass_whole_and_in_order_beside_heartbeats<M: Many>() {
    let heartbeat = Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).by(By::Both).counting(Life::Heartbeats);
    let heartbeat = heartbeat.interval(Duration::from_millis(1)).unwrap().timeout(DEADLINE).unwrap();
    let (mut ours, peer) = watched::<M>(Matching::in_order(), heartbeat, Role::Client);
    let echoing = thread::spawn(move || echo(peer.0));
    /// The most messages in flight.
    const AHEAD: u64 = 256;
    let (mut sent, mut came) = (0_u64, 0_u64);
    while came < MESSAGES {
        while sent < MESSAGES && sent - came < AHEAD {
            ours.send(&sent.to_be_bytes()).unwrap();
            sent += 1;
        }
        match ours.next() {
            Happened::Incoming(Incoming::Message(message)) => {
                assert_eq!(message[..], came.to_be_bytes(), "{}: in order, and whole", M::NAME);
                came += 1;
            }
            other => panic!("{}: {other:?}", M::NAME),
        }
    }
    drop(ours);
    let counts = echoing.join().unwrap();
    println!("{}: {counts:?}", M::NAME);
    assert_eq!(counts.messages, MESSAGES);
    assert!(counts.probes_answered > 10 && counts.beats_sent > 5_000 && counts.answers_came > 10, "{counts:?}");
}
