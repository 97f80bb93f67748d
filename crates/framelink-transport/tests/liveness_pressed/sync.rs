//! Blocking and non-blocking sockets.

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

/// A server that probes an idle client (by=server) must be answered by the client's keeper between calls.
#[test]
fn keeper_blocking_answers_server_probes_between_calls() {
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

/// The same with our own server: two of our ends, by=server.
#[test]
fn own_server_and_resting_client_by_server() {
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
    // In good order: a probe that comes after the client's end would reset the connection.
    client.close().unwrap();
    let served = server.join().unwrap();
    assert_eq!(served, Ok(1), "the client rested, and both live");
}

/// Heartbeats that fill the first look exactly hide a message that nobody asked for, which is then taken for the reply.
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
fn stale_message_behind_heartbeats_blocking() {
    stale(|ours| {
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        ours.call(b"hi", ms(2000)).ok().map(|reply| reply.to_vec())
    });
}

#[test]
fn stale_message_behind_heartbeats_nonblocking() {
    stale(|ours| {
        let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        ours.call(b"hi", ms(2000)).ok().map(|reply| reply.to_vec())
    });
}

/// A peer that floods with heartbeats must not keep an operation that "answers at once" for ever.
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
fn flood_nonblocking_try_recv() {
    let took = flooded(|ours| {
        let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.try_recv();
    });
    assert!(took < ms(5000), "try_recv took {took:?}");
}

#[test]
fn flood_nonblocking_call_within() {
    let took = flooded(|ours| {
        let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.call(b"hi", ms(200));
    });
    assert!(took < ms(5000), "call within 200ms took {took:?}");
}

#[test]
fn flood_blocking_call_within() {
    let took = flooded(|ours| {
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.call(b"hi", ms(200));
    });
    assert!(took < ms(5000), "call within 200ms took {took:?}");
}

#[test]
fn flood_blocking_recv_within() {
    let took = flooded(|ours| {
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.recv_within(ms(200));
    });
    assert!(took < ms(5000), "recv_within 200ms took {took:?}");
}

#[test]
fn flood_blocking_tend() {
    let took = flooded(|ours| {
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
        let _ = ours.maintain(false);
    });
    assert!(took < ms(5000), "tend took {took:?}");
}

/// A heartbeat that cannot be framed must not make a message that was written look refused ("not sent").
#[test]
fn refused_beat_is_not_the_message() {
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("ascii:2"));
    let heartbeat = Heartbeat::relaxed(Form::Numbered).interval(ms(100)).unwrap().timeout(ms(2000)).unwrap();
    let liveness = ours.watch(heartbeat, Role::Client);
    liveness.supply(&[0; 200]);
    let (mut receiver, mut sender) = ours.split();
    // Asks, while nobody sends.
    let _ = receiver.recv_within(ms(200));
    let sent = sender.send(b"pay 100");
    let mut got = [0; 9];
    peer.set_read_timeout(Some(ms(1000))).unwrap();
    let read = peer.read_exact(&mut got);
    assert!(
        sent.is_ok() || read.is_err(),
        "the peer got {:?}, and we were told: {}",
        String::from_utf8_lossy(&got),
        sent.unwrap_err()
    );
}

/// An ordinary client: the keeper finds a beat that it cannot send, or the send is told "not sent" though the peer has it.
#[test]
fn refused_beat_client_send_says_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // A probe that grows too long for the framing: the program's own.
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
    assert!(count + not <= told.len(), "the peer has {count}, and we were told {told:?}");
}

/// Duplex profile, all handlers busy: probes are answered all the same (one request is read ahead).
#[test]
fn served_nonblocking_answers_while_busy() {
    let (ours, mut peer) = tcp();
    let profile = Profile::builder(f("net:2")).exchange(Duplex::new()).heartbeat(ping(10_000, 500)).build().unwrap();
    let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
    ours.watch(ping(10_000, 500), Role::Server);
    let mut served = ours.serve_many(&profile, Concurrency::new(1));
    peer.write_all(b"\0\x02hi").unwrap();
    thread::sleep(ms(50));
    assert!(matches!(served.try_next().unwrap(), TryRecv::Message(_)));
    // It is being handled for long.
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

/// Busy handlers, a probe of ours answered, then one request read ahead: the server beats on.
#[test]
fn served_blocking_goes_on_beating_after_a_probe_was_answered() {
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
    assert!(read.is_ok() && took < ms(3200), "nothing for {took:?}, a passive peer gives up after 3.3s");
}

/// Whoever has only the sending half and asks as often as it was told to beats on.
#[test]
fn tend_of_a_sending_half_says_when() {
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(ping(200, 200), Role::Client);
    let (mut receiver, mut sender) = ours.split();
    let _ = receiver.recv_within(ms(220)); // asks
    let told = sender.maintain().unwrap();
    let mut probe = [0; 6];
    peer.read_exact(&mut probe).unwrap();
    peer.write_all(b"\0\x04PONG\0\x02hi").unwrap();
    assert!(matches!(receiver.recv_within(ms(200)).unwrap(), TryRecv::Message(_)));
    // The application is away with that message for long.
    assert!(told.is_some(), "it is never to be asked again, though the next beat is due in 200ms");
}

/// A backlog that is never wholly written must not keep heartbeats from leaving at a frame boundary.
#[test]
fn answers_leave_while_messages_are_fed() {
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
    assert!(found.is_some(), "{DEADLINE:?} of messages, and no answer between them");
}

#[test]
fn keepalive_longest_is_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let keepalive: Keepalive = "32767s/32767s/127".parse().unwrap();
    let options = SocketOptions::new().keepalive(Some(keepalive));
    let connected = blocking::Connector::new(f("net:2")).options(options).connect(listener.local_addr().unwrap());
    assert!(connected.is_ok(), "{}", connected.unwrap_err());
}

/// On Linux a user timeout replaces the count of probes (tcp_keepalive_timer), so that the bound is no less than it.
#[test]
fn keepalive_bound_knows_the_user_timeout() {
    let keepalive: Keepalive = "10s/5s/3/10m".parse().unwrap();
    assert!(keepalive.detection_bound().unwrap() >= Duration::from_secs(600), "{:?}", keepalive.detection_bound());
}

/// After the verdict nothing is to be asked again.
#[test]
fn deadline_after_dead() {
    let (ours, _peer) = tcp();
    let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
    ours.watch(ping(50, 50), Role::Client);
    let began = Instant::now();
    while ours.try_recv().is_ok() && began.elapsed() < DEADLINE {
        thread::sleep(ms(5));
    }
    thread::sleep(ms(50));
    assert_eq!(ours.deadline(), None, "dead, and to be asked again at once, for ever");
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

/// After `finish` an answer that can never leave must not have the receiver look every 10 ms.
#[test]
fn finished_with_an_answer_due_is_idle() {
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
