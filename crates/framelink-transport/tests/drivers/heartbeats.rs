//! Heartbeats on real sockets, against peers that write bytes by hand.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{By, Form, Heartbeat, Life, Role, Standing};
use framelink_transport::session::Sent;
use framelink_transport::{Cause, Framing, Profile, TryRecv};

use crate::support::driver::{DEADLINE, Driver, framing, on_every_driver, pair};
use crate::support::echo::echo;
use crate::support::party::Party;
use crate::support::peer::{read_exactly, ready};

on_every_driver!(
    tls:
    an_idle_side_sends_heartbeats,
    probes_are_answered_and_not_delivered,
    a_probe_in_a_call_is_answered_and_is_not_the_reply,
    a_silent_peer_is_declared_dead_in_time,
    a_peer_that_answers_stays_alive,
    heartbeats_before_a_request_are_not_its_reply,
    an_unsolicited_message_is_refused_beside_heartbeats,
    a_call_waits_for_the_rest_of_half_a_heartbeat,
    a_peer_that_does_not_read_is_declared_dead_in_time,
    a_slowly_arriving_frame_shows_that_the_peer_is_alive,
    a_call_may_take_longer_than_the_heartbeat_timeout,
    an_application_that_was_busy_does_not_declare_its_peer_dead,
    a_storm_of_probes_has_a_bounded_number_of_answers,
    a_million_messages_pass_whole_and_in_order_beside_heartbeats,
    a_client_sends_heartbeats_between_calls,
    a_client_dials_again_when_its_peer_died_between_calls,
);

const INTERVAL: Duration = Duration::from_millis(150);
const TIMEOUT: Duration = Duration::from_millis(150);
/// The allowance for a busy machine. Exact times are tested on a virtual clock (`tests/liveness` of
/// `framelink-session`).
const LATE: Duration = Duration::from_secs(3);
/// The allowance for our timers. A busy machine exceeds it now and then, and not in each of `TRIES` tries.
const OUR_LATE: Duration = Duration::from_millis(250);
const TRIES: usize = 20;

const PING: &[u8] = b"\0\x04PING";
const PONG: &[u8] = b"\0\x04PONG";

fn times(heartbeat: Heartbeat) -> Heartbeat {
    heartbeat.interval(INTERVAL).unwrap().timeout(TIMEOUT).unwrap()
}

fn ping() -> Heartbeat {
    times(Heartbeat::relaxed(Form::literal(b"PING", b"PONG")))
}

/// Returns a connection with heartbeats, and the plain socket at its other end.
fn watched<D: Driver>(heartbeat: &Heartbeat, role: Role) -> (D, TcpStream) {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    ours.watch(heartbeat.clone(), role);
    (ours, peer)
}

/// Answers probes until the stream ends or carries other bytes, and counts them.
fn answering(stream: &TcpStream) -> (Arc<AtomicUsize>, thread::JoinHandle<()>) {
    let (mut stream, count) = (stream.try_clone().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    let answering = thread::spawn(move || {
        let mut probe = [0; 6];
        while stream.read_exact(&mut probe).is_ok() && probe == *PING {
            counted.fetch_add(1, Ordering::SeqCst);
            if stream.write_all(PONG).is_err() {
                return;
            }
        }
    });
    (count, answering)
}

fn an_idle_side_sends_heartbeats<D: Driver>() {
    let (mut ours, peer) = watched::<D>(&times(Heartbeat::relaxed(Form::empty()).by(By::Client)), Role::Client);
    let (sender, beats) = mpsc::channel();
    let _peer = thread::spawn(move || {
        for _ in 0..3 {
            let _ = sender.send(read_exactly(&peer, 2));
        }
        peer
    });
    let began = Instant::now();
    let mut count = 0;
    while count < 3 {
        assert!(matches!(ours.recv_within(Duration::from_millis(20)).unwrap(), TryRecv::Nothing));
        count += beats.try_iter().inspect(|beat| assert_eq!(beat, &[0, 0])).count();
        assert!(began.elapsed() < DEADLINE);
    }
    assert!(began.elapsed() >= INTERVAL * 2, "{}: {:?} for three", D::NAME, began.elapsed());
}

fn probes_are_answered_and_not_delivered<D: Driver>() {
    let (mut ours, mut peer) = watched::<D>(&ping(), Role::Server);
    for round in 0..3 {
        peer.write_all(&[PING, b"\0\x02hi"].concat()).unwrap();
        let message = ours.recv().unwrap().unwrap();
        assert_eq!(&message[..], b"hi", "{}: {round}", D::NAME);
        // A due answer leaves with a receive or a send.
        ours.send(b"ok").unwrap();
        let mut came = read_exactly(&peer, PONG.len() + 4);
        let at = came.windows(PONG.len()).position(|window| window == PONG).expect("an answer");
        came.drain(at..at + PONG.len());
        assert_eq!(came, b"\0\x02ok");
    }
}

fn a_probe_in_a_call_is_answered_and_is_not_the_reply<D: Driver>() {
    let (mut ours, peer) = watched::<D>(&ping(), Role::Server);
    let answering = thread::spawn(move || {
        let mut writer = &peer;
        assert_eq!(read_exactly(&peer, 4), b"\0\x02hi");
        writer.write_all(PING).unwrap();
        assert_eq!(read_exactly(&peer, 6), PONG);
        writer.write_all(b"\0\x02ok").unwrap();
        peer
    });
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"ok");
    answering.join().unwrap();
}

fn a_silent_peer_is_declared_dead_in_time<D: Driver>() {
    for (heartbeat, role, probes) in [
        (ping(), Role::Client, 1),
        (ping().tries(2).unwrap(), Role::Client, 2),
        (ping(), Role::Server, 0),
        (times(Heartbeat::strict(Form::empty())), Role::Client, 0),
    ] {
        let bound = heartbeat.detection_bound(role).unwrap();
        let took = || silent_peer_is_dead_after::<D>(&heartbeat, role, probes);
        let in_time = (0..TRIES).map(|_| took()).find(|took| *took <= bound + OUR_LATE);
        assert!(in_time.is_some(), "{}: {heartbeat}: declared dead later than {bound:?} in each try", D::NAME);
    }
}

fn silent_peer_is_dead_after<D: Driver>(heartbeat: &Heartbeat, role: Role, probes: u32) -> Duration {
    let (mut ours, _peer) = watched::<D>(heartbeat, role);
    let began = Instant::now();
    let error = ours.recv_within(DEADLINE).expect_err("the peer is declared dead");
    let took = began.elapsed();
    let Cause::Dead(verdict) = error.cause() else { panic!("{}: {error}", D::NAME) };
    assert_eq!((verdict.probes, verdict.last_in), (probes, None), "{}: {heartbeat}", D::NAME);
    assert!(matches!(ours.standing(), Some(Standing::Dead(_))));
    // The connection is given up, and every use of it fails.
    assert!(ours.recv_within(DEADLINE).is_err());
    took
}

fn a_peer_that_answers_stays_alive<D: Driver>() {
    let (mut ours, peer) = watched::<D>(&ping(), Role::Client);
    let (count, _answering) = answering(&peer);
    let began = Instant::now();
    while count.load(Ordering::SeqCst) < 3 {
        assert!(matches!(ours.recv_within(INTERVAL / 3).unwrap(), TryRecv::Nothing), "{}", D::NAME);
        assert!(began.elapsed() < DEADLINE);
    }
    assert!(matches!(ours.standing(), Some(Standing::Alive { .. } | Standing::Asked { .. })));
}

fn heartbeats_before_a_request_are_not_its_reply<D: Driver>() {
    let (mut ours, mut peer) = watched::<D>(&times(Heartbeat::strict(Form::empty())), Role::Client);
    peer.write_all(&[0; 6]).unwrap();
    let answering = thread::spawn(move || {
        let mut came = Vec::new();
        while !came.ends_with(b"\0\x02hi") {
            came.extend(read_exactly(&peer, 1));
        }
        (&peer).write_all(b"\0\0\0\x02ok").unwrap();
        peer
    });
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"ok", "{}", D::NAME);
    answering.join().unwrap();
}

fn an_unsolicited_message_is_refused_beside_heartbeats<D: Driver>() {
    let (mut ours, mut peer) = watched::<D>(&times(Heartbeat::strict(Form::empty())), Role::Client);
    peer.write_all(b"\0\0\0\x02no").unwrap();
    thread::sleep(Duration::from_millis(50));
    let error = ours.call(b"hi", DEADLINE).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Unsolicited), "{}: {error}", D::NAME);
    assert_eq!(error.sent(), Sent::Not);
}

fn a_call_waits_for_the_rest_of_half_a_heartbeat<D: Driver>() {
    // Our first probe is due after the request.
    let (mut ours, mut peer) = watched::<D>(&Heartbeat::relaxed(Form::literal(b"PING", b"PONG")), Role::Client);
    peer.write_all(&PONG[..3]).unwrap();
    thread::sleep(Duration::from_millis(50));
    let answering = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        peer.write_all(&PONG[3..]).unwrap();
        assert_eq!(read_exactly(&peer, 4), b"\0\x02hi");
        peer.write_all(b"\0\x02ok").unwrap();
        peer
    });
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"ok", "{}", D::NAME);
    answering.join().unwrap();
}

fn a_peer_that_does_not_read_is_declared_dead_in_time<D: Driver>() {
    let (mut ours, peer) = watched::<D>(&ping(), Role::Client);
    // More than the system's buffers take, so that probes wait behind it.
    let large = vec![b'x'; 60_000];
    let began = Instant::now();
    while ours.send_within(&large, Duration::from_millis(100)).is_ok() {
        assert!(began.elapsed() < DEADLINE);
    }
    let began = Instant::now();
    let error = ours.recv_within(DEADLINE).expect_err("the peer is declared dead");
    assert!(matches!(error.cause(), Cause::Dead(_)), "{}: {error}", D::NAME);
    assert!(began.elapsed() <= INTERVAL + TIMEOUT + LATE, "{}: {:?}", D::NAME, began.elapsed());
    drop(peer);
}

fn a_slowly_arriving_frame_shows_that_the_peer_is_alive<D: Driver>() {
    let (mut ours, mut peer) = watched::<D>(&ping(), Role::Client);
    let length = 40_u16;
    let dribbling = thread::spawn(move || {
        peer.write_all(&length.to_be_bytes()).unwrap();
        for _ in 0..length {
            thread::sleep(Duration::from_millis(20));
            peer.write_all(b"x").unwrap();
        }
        peer
    });
    assert_eq!(ours.recv().unwrap().unwrap().len(), usize::from(length), "{}", D::NAME);
    dribbling.join().unwrap();
}

fn a_call_may_take_longer_than_the_heartbeat_timeout<D: Driver>() {
    let (mut ours, mut peer) = watched::<D>(&ping(), Role::Client);
    let slow = thread::spawn(move || {
        assert_eq!(read_exactly(&peer, 4), b"\0\x02hi");
        thread::sleep((INTERVAL + TIMEOUT) * 3);
        peer.write_all(b"\0\x02ok").unwrap();
        peer
    });
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"ok", "{}: no probe is sent during the call", D::NAME);
    slow.join().unwrap();
}

fn an_application_that_was_busy_does_not_declare_its_peer_dead<D: Driver>() {
    let (mut ours, peer) = watched::<D>(&ping(), Role::Client);
    let (_count, _answering) = answering(&peer);
    assert!(matches!(ours.recv_within(Duration::from_millis(1)).unwrap(), TryRecv::Nothing));
    thread::sleep((INTERVAL + TIMEOUT) * 4);
    assert!(matches!(ours.standing(), Some(Standing::Unknown { .. })), "{}: {:?}", D::NAME, ours.standing());
    assert!(matches!(ours.recv_within(TIMEOUT * 3).unwrap(), TryRecv::Nothing), "{}", D::NAME);
    assert!(matches!(ours.standing(), Some(Standing::Alive { .. } | Standing::Asked { .. })), "{}", D::NAME);
}

fn a_storm_of_probes_has_a_bounded_number_of_answers<D: Driver>() {
    let (mut ours, mut peer) = watched::<D>(&ping(), Role::Server);
    for _ in 0..10_000 {
        peer.write_all(PING).unwrap();
    }
    peer.write_all(b"\0\x02hi").unwrap();
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi", "{}", D::NAME);
    ours.send(b"ok").unwrap();
    let mut answers = 0;
    loop {
        let length = read_exactly(&peer, 2)[1];
        match &read_exactly(&peer, length.into())[..] {
            b"PONG" => answers += 1,
            b"ok" => break,
            other => panic!("{}: {other:?}", D::NAME),
        }
    }
    assert!(answers < 100, "{}: {answers} answers", D::NAME);
}

/// The number of messages, each of which is echoed.
const MESSAGES: u64 = 1_000_000;

/// Both sides send probes all the time, during all other traffic.
fn a_million_messages_pass_whole_and_in_order_beside_heartbeats<D: Driver>() {
    let heartbeat = Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).by(By::Both).counting(Life::Heartbeats);
    let heartbeat = heartbeat.interval(Duration::from_millis(1)).unwrap().timeout(DEADLINE).unwrap();
    let (mut ours, peer) = watched::<D>(&heartbeat, Role::Client);
    let echoing = thread::spawn(move || echo(peer));
    /// The number of messages in flight.
    const AHEAD: u64 = 500;
    for first in (0..MESSAGES).step_by(500) {
        let batch = first..first + AHEAD;
        batch.clone().for_each(|number| ours.feed(&number.to_be_bytes()).unwrap());
        ours.flush().unwrap();
        for number in batch {
            let message = ours.recv().unwrap().unwrap();
            assert_eq!(message[..], number.to_be_bytes(), "{}: in order, and whole", D::NAME);
        }
    }
    drop(ours);
    let counts = echoing.join().unwrap();
    println!("{}: {counts:?}", D::NAME);
    assert_eq!(counts.messages, MESSAGES);
    assert!(counts.probes_answered > 20 && counts.beats_sent > 100_000 && counts.answers_came > 20, "{counts:?}");
}

/// Returns the profile of clients of a peer that listens.
fn profile(heartbeat: Heartbeat) -> Profile {
    Profile::builder("net:2".parse::<Framing>().unwrap()).heartbeat(heartbeat).build().unwrap()
}

fn a_client_sends_heartbeats_between_calls<D: Party>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = D::client(profile(ping()), listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut peer = ready(listener.accept().unwrap().0);
        let (mut probes, mut calls) = (0, 0);
        while calls < 2 {
            let length = read_exactly(&peer, 2)[1];
            match &read_exactly(&peer, length.into())[..] {
                b"PING" => {
                    probes += 1;
                    peer.write_all(PONG).unwrap();
                }
                request => {
                    calls += 1;
                    assert_eq!(request, b"hi");
                    peer.write_all(b"\0\x02ok").unwrap();
                }
            }
        }
        probes
    });
    assert_eq!(&client.call(b"hi").unwrap()[..], b"ok");
    client.rest((INTERVAL + TIMEOUT) * 3);
    assert_eq!(&client.call(b"hi").unwrap()[..], b"ok");
    assert!(serving.join().unwrap() >= 2, "{}: the client sent probes between calls", D::NAME);
}

fn a_client_dials_again_when_its_peer_died_between_calls<D: Party>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = D::client(profile(ping()), listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut silent = Vec::new();
        for _ in 0..2 {
            let mut peer = ready(listener.accept().unwrap().0);
            assert_eq!(read_exactly(&peer, 4), b"\0\x02hi");
            peer.write_all(b"\0\x02ok").unwrap();
            silent.push(peer);
        }
    });
    assert_eq!(&client.call(b"hi").unwrap()[..], b"ok");
    client.rest(INTERVAL + TIMEOUT + LATE * 2);
    assert_eq!(&client.call(b"hi").unwrap()[..], b"ok", "{}: the call uses a new connection", D::NAME);
    serving.join().unwrap();
}

#[test]
fn a_server_answers_probes_while_its_handler_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = ready(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    let stream = listener.accept().unwrap().0;
    let profile = profile(ping());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let mut connection = framelink_transport::tokio::Connection::from_stream(stream, framing("net:2"));
            connection.watch(ping(), Role::Server);
            let answer = |_| async {
                tokio::time::sleep((INTERVAL + TIMEOUT) * 3).await;
                Some(b"ok".to_vec())
            };
            let ended = connection.serve(&profile, answer).await;
            assert!(ended.is_ok(), "{ended:?}");
        })
    });
    peer.write_all(b"\0\x02hi").unwrap();
    for _ in 0..6 {
        thread::sleep(INTERVAL / 2);
        peer.write_all(PING).unwrap();
        assert_eq!(read_exactly(&peer, 6), PONG, "the probe is answered while the handler waits");
    }
    assert_eq!(read_exactly(&peer, 4), b"\0\x02ok");
    // Two requests at once: the second waits to be handled, and the server reads probes behind it when it is handled.
    peer.write_all(&[&b"\0\x02hi\0\x02hi"[..]].concat()).unwrap();
    assert_eq!(read_exactly(&peer, 4), b"\0\x02ok");
    assert_eq!(read_exactly(&peer, 4), b"\0\x02ok");
}
