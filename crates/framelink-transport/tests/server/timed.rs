//! Time limits, on every driver.

use std::io::Write;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{Form, Heartbeat};
use framelink_transport::session::{Backlog, Concurrency, Ending, SlowRule};
use framelink_transport::{Blame, Cause, Error, ProfileBuilder, Registry, Target};

use crate::echo;
use crate::gates::Gates;
use crate::peer::{DEADLINE, Peer, frame};
use crate::server::{Serve, on_every_driver, profile};

on_every_driver!(
    an_idle_connection_is_closed_in_an_orderly_way,
    heartbeats_do_not_extend_the_idle_limit,
    an_answered_request_restarts_the_idle_limit,
    a_lifetime_ends_between_two_messages,
    a_lifetime_ends_a_connection_that_is_never_idle,
    a_dribble_extends_no_limit,
    the_wait_for_the_first_message_is_limited,
    heartbeats_do_not_count_as_the_first_message,
    a_client_that_sends_heartbeats_may_have_more_time_for_its_first_request,
    a_subscriber_may_send_only_heartbeats,
);

const IDLE: Duration = Duration::from_millis(300);

#[track_caller]
fn ended(outcome: Result<u64, Error>) -> Ending {
    let error = outcome.unwrap_err();
    assert_eq!(error.blame(), Blame::Ours, "a time limit is not the peer's fault: {error}");
    match error.cause() {
        Cause::Ended(ending) => *ending,
        _ => panic!("{error}"),
    }
}

fn an_idle_connection_is_closed_in_an_orderly_way<S: Serve>() {
    let profile = profile().idle_timeout(IDLE).build().unwrap();
    let server = S::start(profile, Concurrency::new(4), echo());
    let mut peer = Peer::dial(server.address);
    std::thread::sleep(IDLE / 4);
    peer.write(&[b"hello"]);
    let last = Instant::now();
    assert_eq!(peer.read_to_end(), frame(b"hello"), "{}", S::NAME);
    assert!(last.elapsed() >= IDLE, "{:?}", last.elapsed());
    drop(peer);
    assert_eq!(ended(server.outcome()), Ending::Idle { after: IDLE });
}

fn heartbeats_do_not_extend_the_idle_limit<S: Serve>() {
    let heartbeat = Heartbeat::strict(Form::literal(b"?", b"!")).interval(Duration::from_secs(60)).unwrap();
    let profile = profile().heartbeat(heartbeat).idle_timeout(IDLE).build().unwrap();
    let server = S::start(profile, Concurrency::new(4), echo());
    let mut peer = Peer::dial(server.address);
    let began = Instant::now();
    while began.elapsed() < 20 * IDLE {
        if peer.0.write_all(&frame(b"?")).is_err() {
            break;
        }
        std::thread::sleep(IDLE / 6);
    }
    drop(peer);
    assert_eq!(ended(server.outcome()), Ending::Idle { after: IDLE }, "{}", S::NAME);
}

fn an_answered_request_restarts_the_idle_limit<S: Serve>() {
    let gates = Gates::default();
    let handler = {
        let gates = gates.clone();
        std::sync::Arc::new(move |message: &[u8]| {
            gates.pass(message);
            Some(message.to_vec())
        })
    };
    let server = S::start(profile().idle_timeout(IDLE).build().unwrap(), Concurrency::new(4), handler);
    let mut peer = Peer::dial(server.address);
    peer.write(&[b"one"]);
    gates.wait_for_entered(1);
    // The pause is longer than the limit.
    std::thread::sleep(3 * IDLE);
    gates.open(b"one");
    assert_eq!(peer.read(), b"one", "{}", S::NAME);
    let answered = Instant::now();
    assert_eq!(peer.read_to_end(), b"");
    assert!(answered.elapsed() >= IDLE * 2 / 3, "the limit starts again at the reply: {:?}", answered.elapsed());
    drop(peer);
    assert_eq!(ended(server.outcome()), Ending::Idle { after: IDLE });
}

fn a_lifetime_ends_between_two_messages<S: Serve>() {
    let server = S::start(profile().lifetime(IDLE).build().unwrap(), Concurrency::new(4), echo());
    let mut peer = Peer::dial(server.address);
    let bytes = frame(b"hello");
    peer.0.write_all(&bytes[..3]).unwrap();
    std::thread::sleep(2 * IDLE);
    peer.0.write_all(&bytes[3..]).unwrap();
    assert_eq!(peer.read_to_end(), bytes, "{}: the message that had begun is answered", S::NAME);
    drop(peer);
    assert_eq!(ended(server.outcome()), Ending::Lifetime { after: IDLE });
}

fn a_lifetime_ends_a_connection_that_is_never_idle<S: Serve>() {
    let profile = profile().lifetime(IDLE).frame_timeout(IDLE).build().unwrap();
    let server = S::start(profile, Concurrency::new(4), echo());
    let mut peer = Peer::dial(server.address);
    let mut sending = Peer::new(peer.0.try_clone().unwrap());
    let began = Instant::now();
    let sender = std::thread::spawn(move || {
        let many = frame(b"hello").repeat(100);
        while sending.0.write_all(&many).is_ok() {}
    });
    let replies = peer.read_to_end();
    assert!(began.elapsed() >= IDLE, "{}: {:?}", S::NAME, began.elapsed());
    drop(peer);
    assert!(
        !replies.is_empty() && replies.chunks(7).filter(|reply| reply.len() == 7).all(|reply| reply == frame(b"hello"))
    );
    sender.join().unwrap();
    assert_eq!(ended(server.outcome()), Ending::Lifetime { after: IDLE });
}

fn a_dribble_extends_no_limit<S: Serve>() {
    let limit = Duration::from_millis(400);
    let server = S::start(profile().frame_timeout(limit).build().unwrap(), Concurrency::new(4), echo());
    let mut peer = Peer::dial(server.address);
    let began = Instant::now();
    let announced = frame(&[7; 1000]);
    for byte in &announced {
        if peer.0.write_all(&[*byte]).is_err() || began.elapsed() > 5 * limit {
            break;
        }
        std::thread::sleep(limit / 10);
    }
    let error = server.outcome().unwrap_err();
    let Cause::TimedOut { after, unfinished: Some(unfinished), .. } = error.cause() else { panic!("{error}") };
    assert_eq!(*after, limit, "{}", S::NAME);
    assert!(unfinished.came < 30, "{error}");
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

fn the_wait_for_the_first_message_is_limited<S: Serve>() {
    let server = S::start(profile().first_message_timeout(IDLE).build().unwrap(), Concurrency::new(4), echo());
    let mut peer = Peer::dial(server.address);
    assert_eq!(peer.read_to_end(), b"", "{}", S::NAME);
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut { after, unfinished: None, .. } if *after == IDLE), "{error}");
}

/// Our own heartbeats are due after a minute, so all heartbeats of the test are the peer's.
fn asked() -> ProfileBuilder {
    let heartbeat = Heartbeat::strict(Form::literal(b"?", b"!")).interval(Duration::from_secs(60)).unwrap();
    profile().heartbeat(heartbeat).first_message_timeout(IDLE)
}

/// A stranger that knows the heartbeat sends it now and then, and sends no message.
fn heartbeats_do_not_count_as_the_first_message<S: Serve>() {
    let server = S::start(asked().build().unwrap(), Concurrency::new(4), echo());
    let mut peer = Peer::dial(server.address);
    let began = Instant::now();
    while began.elapsed() < 20 * IDLE && peer.0.write_all(&frame(b"?")).is_ok() {
        std::thread::sleep(IDLE / 6);
    }
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut { after, .. } if *after == IDLE), "{}: {error}", S::NAME);

    // This client sends without a pause, so the server always has bytes to read.
    let mut peer = Peer::dial(server.address);
    let many = frame(b"?").repeat(10_000);
    let flood = std::thread::spawn(move || while peer.0.write_all(&many).is_ok() {});
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut { after, .. } if *after == IDLE), "{}: {error}", S::NAME);
    flood.join().unwrap();
}

fn a_client_that_sends_heartbeats_may_have_more_time_for_its_first_request<S: Serve>() {
    let profile = asked().first_request_timeout(Duration::from_secs(60)).build().unwrap();
    let server = S::start(profile, Concurrency::new(4), echo());
    let mut silent = Peer::dial(server.address);
    let mut peer = Peer::dial(server.address);
    let began = Instant::now();
    // The client sends heartbeats before its first request, and after it.
    for _ in 0..2 {
        while began.elapsed() < 2 * IDLE {
            peer.write(&[b"?"]);
            assert_eq!(peer.read(), b"!", "{}", S::NAME);
            std::thread::sleep(IDLE / 6);
        }
        peer.write(&[b"hello"]);
        assert_eq!(peer.read(), b"hello", "{}", S::NAME);
    }
    assert_eq!(silent.read_to_end(), b"", "a client that sends no heartbeats has only the shorter limit");
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut { after, .. } if *after == IDLE), "{error}");
}

fn a_subscriber_may_send_only_heartbeats<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Skip));
    let server = S::start_with(asked().build().unwrap(), Concurrency::new(4), echo(), Some(&registry));
    let mut peer = Peer::dial(server.address);
    let member = server.member();
    peer.write(&[b"?"]);
    assert_eq!(peer.read(), b"!", "{}", S::NAME);
    std::thread::sleep(2 * IDLE);
    registry.push(Target::One(member), b"news").unwrap();
    assert_eq!(peer.read(), b"news", "{}", S::NAME);
}
