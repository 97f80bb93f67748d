//! Heartbeats under pressure on blocking and non-blocking sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{By, Form, Heartbeat, Role};
use framelink_transport::profile::Duplex;
use framelink_transport::session::{Concurrency, Matching, Sent};
use framelink_transport::{Keepalive, Profile, SocketOptions, TryRecv, blocking, nonblocking};

use crate::support::{DEADLINE, f, ms, ping, tcp};

/// A server probes an idle client (by=server). The client's heartbeat thread must answer between calls.
#[test]
fn a_blocking_client_answers_probes_between_calls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let heartbeat = ping(300, 5000).by(By::Server);
    let profile = Profile::builder(f("net:2")).heartbeat(heartbeat).build().unwrap();
    let mut client = blocking::Client::new(profile, listener.local_addr().unwrap().to_string()).unwrap();
    let server = thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut four = [0; 4];
        peer.read_exact(&mut four).unwrap();
        peer.write_all(b"\0\x02ok").unwrap();
        thread::sleep(ms(300));
        peer.write_all(b"\0\x04PING").unwrap();
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        let began = Instant::now();
        let mut pong = [0; 6];
        let read = peer.read_exact(&mut pong);
        (read.is_ok(), began.elapsed())
    });
    client.call(b"hi").unwrap();
    let (came, took) = server.join().unwrap();
    assert!(came && took < ms(4900), "answered: {came}, after {took:?}; the timeout is 5s");
}

/// A server of ours probes an idle client of ours (by=server).
#[test]
fn an_idle_client_answers_the_probes_of_our_server() {
    let heartbeat = ping(100, 800).by(By::Server);
    let profile = Arc::new(Profile::builder(f("net:2")).heartbeat(heartbeat).build().unwrap());
    let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::clone(&profile);
    let server = thread::spawn(move || {
        let connection = listener.accept().unwrap().unwrap();
        connection.serve(&served, |message| Some(message.to_vec())).map_err(|error| error.to_string())
    });
    let mut client = blocking::Client::new((*profile).clone(), address.to_string()).unwrap();
    client.call(b"hi").unwrap();
    thread::sleep(ms(1400));
    // An orderly close: a probe that arrives after the client's end would reset the connection.
    client.close().unwrap();
    let served = server.join().unwrap();
    assert_eq!(served, Ok(1), "the idle client answers, and both ends stay alive");
}

/// Heartbeats that fill the first read exactly must not hide an unsolicited message, which would be taken for the
/// reply.
fn stale(call: impl FnOnce(TcpStream) -> Option<Vec<u8>>) {
    let (ours, mut peer) = tcp();
    // A stale message behind many heartbeats.
    let mut bytes = vec![0; 2 * 64 * 1024];
    bytes.extend_from_slice(b"\0\x05STALE");
    peer.write_all(&bytes).unwrap();
    thread::sleep(ms(50));
    let peer = thread::spawn(move || {
        let mut request = [0; 4];
        if peer.read_exact(&mut request).is_ok() {
            thread::sleep(ms(50));
            let _ = peer.write_all(b"\0\x02ok");
            thread::sleep(ms(200));
        }
    });
    let reply = call(ours);
    assert!(reply.as_deref().is_none_or(|reply| reply == b"ok"), "the reply was {:?}", reply.map(String::from_utf8));
    peer.join().unwrap();
}

#[test]
fn a_blocking_call_does_not_return_a_stale_message_behind_heartbeats() {
    stale(|ours| {
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        ours.call(b"hi", ms(2000)).ok().map(|reply| reply.to_vec())
    });
}

#[test]
fn a_non_blocking_call_does_not_return_a_stale_message_behind_heartbeats() {
    stale(|ours| {
        let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        ours.call(b"hi", ms(2000)).ok().map(|reply| reply.to_vec())
    });
}

/// A peer that floods with heartbeats must not hold an operation that is to return at once.
fn flooded(work: impl FnOnce(TcpStream) + Send + 'static) -> Duration {
    let (ours, mut peer) = tcp();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let flooding = thread::spawn(move || {
        let bytes = vec![0; 256 * 1024];
        while !stopped.load(Ordering::SeqCst) && peer.write_all(&bytes).is_ok() {}
    });
    thread::sleep(ms(50));
    let began = Instant::now();
    let working = thread::spawn(move || {
        work(ours);
        began.elapsed()
    });
    while !working.is_finished() && began.elapsed() < DEADLINE {
        thread::sleep(ms(5));
    }
    let took = began.elapsed();
    stop.store(true, Ordering::SeqCst);
    let _ = flooding.join();
    let _ = working.join();
    took
}

#[test]
fn a_flood_does_not_hold_a_non_blocking_try_recv() {
    let took = flooded(|ours| {
        let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.try_recv();
    });
    assert!(took < ms(5000), "try_recv took {took:?}");
}

#[test]
fn a_flood_does_not_hold_a_non_blocking_call() {
    let took = flooded(|ours| {
        let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.call(b"hi", ms(200));
    });
    assert!(took < ms(5000), "call within 200ms took {took:?}");
}

#[test]
fn a_flood_does_not_hold_a_blocking_call() {
    let took = flooded(|ours| {
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.call(b"hi", ms(200));
    });
    assert!(took < ms(5000), "call within 200ms took {took:?}");
}

#[test]
fn a_flood_does_not_hold_a_blocking_recv_within() {
    let took = flooded(|ours| {
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.recv_within(ms(200));
    });
    assert!(took < ms(5000), "recv_within 200ms took {took:?}");
}

#[test]
fn a_flood_does_not_hold_a_blocking_maintain() {
    let took = flooded(|ours| {
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.maintain(false);
    });
    assert!(took < ms(5000), "maintain took {took:?}");
}

/// A heartbeat that cannot be framed must not make a written message look refused ("not sent").
#[test]
fn a_refused_heartbeat_does_not_make_a_sent_message_look_refused() {
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("ascii:2"));
    let heartbeat = Heartbeat::relaxed(Form::Numbered).interval(ms(100)).unwrap().timeout(ms(2000)).unwrap();
    let liveness = ours.watch(heartbeat, Role::Client);
    liveness.supply(&[0; 200]);
    let (mut receiver, mut sender) = ours.split();
    // A probe becomes due, and no message is sent.
    let _ = receiver.recv_within(ms(200));
    let sent = sender.send(b"pay 100");
    let mut got = [0; 9];
    peer.set_read_timeout(Some(ms(1000))).unwrap();
    let read = peer.read_exact(&mut got);
    assert!(
        sent.is_ok() || read.is_err(),
        "the peer got {:?}, and the send reported: {}",
        String::from_utf8_lossy(&got),
        sent.unwrap_err()
    );
}

/// An ordinary client whose heartbeat cannot be framed: a message that the peer has must not be reported as "not sent".
#[test]
fn a_client_with_a_refused_heartbeat_reports_each_message_correctly() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A probe function of the program, whose probe grows too long for the framing.
    let own = framelink_transport::heartbeat::Own::new(
        |message| message.starts_with(b"HB").then_some(framelink_transport::heartbeat::Seen::Beat),
        |_| vec![b'H'; 200],
    );
    let heartbeat =
        Heartbeat::relaxed(Form::Own(own)).by(By::Both).interval(ms(200)).unwrap().timeout(ms(5000)).unwrap();
    let profile = Profile::builder(f("ascii:2")).heartbeat(heartbeat).build().unwrap();
    let mut client = blocking::Client::new(profile, listener.local_addr().unwrap().to_string()).unwrap();
    let peer = thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        peer.set_read_timeout(Some(ms(1500))).unwrap();
        let _ = peer.read_to_end(&mut all);
        all
    });
    client.connect().unwrap();
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(client.send(b"pay 100").map_err(|error| error.sent()));
        thread::sleep(ms(100));
    }
    drop(client);
    let count = peer.join().unwrap().windows(7).filter(|window| window == b"pay 100").count();
    let not = told.iter().filter(|told| **told == Err(Sent::Not)).count();
    assert!(count + not <= told.len(), "the peer has {count}, and the client reported {told:?}");
}

/// A duplex profile with all handlers busy: probes are still answered (one request is read ahead).
#[test]
fn a_busy_non_blocking_server_answers_probes() {
    let (ours, mut peer) = tcp();
    let profile = Profile::builder(f("net:2")).exchange(Duplex::new()).heartbeat(ping(10_000, 500)).build().unwrap();
    let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
    ours.watch(ping(10_000, 500), Role::Server);
    let mut served = ours.serve_many(&profile, Concurrency::new(1));
    peer.write_all(b"\0\x02hi").unwrap();
    thread::sleep(ms(50));
    assert!(matches!(served.try_next().unwrap(), TryRecv::Message(_)));
    // The handler is busy for a long time.
    peer.write_all(b"\0\x04PING").unwrap();
    peer.set_read_timeout(Some(ms(20))).unwrap();
    let began = Instant::now();
    let mut pong = [0; 6];
    let mut came = false;
    while began.elapsed() < DEADLINE && !came {
        let _ = served.try_next().unwrap();
        served.try_flush().unwrap();
        came = peer.read_exact(&mut pong).is_ok();
    }
    assert!(came, "no answer while the only handler was busy");
}

/// The handlers are busy, a probe of ours is answered, and one request is read ahead: the server goes on sending
/// heartbeats.
#[test]
fn a_busy_blocking_server_sends_heartbeats_after_a_probe_was_answered() {
    let (ours, mut peer) = tcp();
    let heartbeat = ping(300, 3000).by(By::Server);
    let profile = Profile::builder(f("net:2")).exchange(Duplex::new()).heartbeat(heartbeat.clone()).build().unwrap();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(heartbeat, Role::Server);
    let server = thread::spawn(move || {
        let _ = ours.serve_many(&profile, Concurrency::new(1), |message| {
            thread::sleep(DEADLINE);
            Some(message.to_vec())
        });
    });
    peer.write_all(b"\0\x02hi").unwrap();
    peer.set_read_timeout(Some(DEADLINE / 2)).unwrap();
    let mut probe = [0; 6];
    peer.read_exact(&mut probe).unwrap();
    assert_eq!(&probe, b"\0\x04PING");
    thread::sleep(ms(50));
    peer.write_all(b"\0\x04PONG\0\x02ho").unwrap();
    let began = Instant::now();
    let read = peer.read_exact(&mut probe);
    let took = began.elapsed();
    drop((peer, server));
    assert!(read.is_ok() && took < ms(3200), "no heartbeat for {took:?}, and a passive peer gives up after 3.3s");
}

/// An application that only has the sending half, and calls it when `maintain` says to, goes on sending heartbeats.
#[test]
fn maintain_of_a_sending_half_returns_its_next_time() {
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(ping(200, 200), Role::Client);
    let (mut receiver, mut sender) = ours.split();
    let _ = receiver.recv_within(ms(220)); // a probe is sent
    let told = sender.maintain().unwrap();
    let mut probe = [0; 6];
    peer.read_exact(&mut probe).unwrap();
    peer.write_all(b"\0\x04PONG\0\x02hi").unwrap();
    assert!(matches!(receiver.recv_within(ms(200)).unwrap(), TryRecv::Message(_)));
    // The application handles a message for a long time.
    assert!(told.is_some(), "`maintain` returns no next time, although the next heartbeat is due in 200ms");
}

/// A backlog that is never wholly written must not keep an answer from leaving between two frames.
#[test]
fn answers_to_probes_leave_while_messages_are_fed() {
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(ping(10_000, 1000), Role::Server);
    let (mut receiver, mut sender) = ours.split();
    peer.write_all(b"\0\x04PING").unwrap();
    let _ = receiver.recv_within(ms(100));
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let reading = thread::spawn(move || {
        let (began, mut frames) = (Instant::now(), 0_u64);
        loop {
            let mut head = [0; 2];
            if peer.read_exact(&mut head).is_err() {
                return None;
            }
            let mut body = vec![0; usize::from(u16::from_be_bytes(head))];
            peer.read_exact(&mut body).unwrap();
            if body == b"PONG" {
                is_done.store(true, Ordering::SeqCst);
                return Some((frames, began.elapsed()));
            }
            frames += 1;
        }
    });
    let began = Instant::now();
    while !done.load(Ordering::SeqCst) && began.elapsed() < DEADLINE {
        if sender.feed(&[7; 1000]).is_err() {
            break;
        }
    }
    drop((sender, receiver));
    let found = reading.join().unwrap();
    assert!(found.is_some(), "no answer between the messages of {DEADLINE:?}");
}

#[test]
fn the_longest_keepalive_is_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let keepalive: Keepalive = "32767s/32767s/127".parse().unwrap();
    let options = SocketOptions::new().keepalive(Some(keepalive));
    let connected = blocking::Connector::new(f("net:2")).options(options).connect(listener.local_addr().unwrap());
    assert!(connected.is_ok(), "{}", connected.unwrap_err());
}

/// On Linux a user timeout replaces the count of probes (tcp_keepalive_timer), so the bound is not lower than it.
#[test]
fn the_keepalive_bound_includes_the_user_timeout() {
    let keepalive: Keepalive = "10s/5s/3/10m".parse().unwrap();
    assert!(keepalive.detection_bound().unwrap() >= Duration::from_secs(600), "{:?}", keepalive.detection_bound());
}

/// After the peer is declared dead, no deadline remains.
#[test]
fn no_deadline_remains_after_the_peer_is_declared_dead() {
    let (ours, _peer) = tcp();
    let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
    ours.watch(ping(50, 50), Role::Client);
    let began = Instant::now();
    while ours.try_recv().is_ok() && began.elapsed() < DEADLINE {
        thread::sleep(ms(5));
    }
    thread::sleep(ms(50));
    assert_eq!(ours.deadline(), None, "the peer is dead, and no deadline remains");
    let (ours, _peer) = tcp();
    let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
    ours.watch(ping(50, 50), Role::Client);
    let mut ours = ours.duplex(Matching::in_order());
    let began = Instant::now();
    while ours.try_recv().is_ok() && began.elapsed() < DEADLINE {
        thread::sleep(ms(5));
    }
    thread::sleep(ms(50));
    assert_eq!(ours.deadline(), None, "duplex");
}

fn switches() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap();
    line.split_whitespace().last().unwrap().parse().unwrap()
}

/// After `finish`, an answer that can never leave must not wake the receiver every 10 ms.
#[test]
fn a_finished_connection_with_an_unsendable_answer_is_idle() {
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(ping(10_000, 5000), Role::Server);
    peer.write_all(b"\0\x04PING\0\x02hi").unwrap();
    assert!(ours.recv().unwrap().is_some());
    ours.finish().unwrap();
    let before = switches();
    let _ = ours.recv_within(ms(500));
    let woken = switches() - before;
    assert!(woken < 20, "woken {woken} times in half a second of silence");
}
