//! Heartbeats of servers, full sockets and floods.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{By, Form, Heartbeat, Role};
use framelink_transport::profile::Duplex;
use framelink_transport::session::{Concurrency, Matching};
use framelink_transport::{Cause, Framing, Profile, blocking, nonblocking};

use crate::support::{DEADLINE, f, ms, ping, tcp};

/// All handlers are busy and one request is read ahead when the writing thread finds a heartbeat due. The thread must
/// not deadlock when it wakes itself.
#[test]
fn blocking_serve_many_sends_heartbeats_while_busy_and_ends() {
    let (ours, mut peer) = tcp();
    let heartbeat = ping(200, 200).by(By::Server);
    let profile = Profile::builder(f("net:2")).exchange(Duplex::new()).heartbeat(heartbeat.clone()).build().unwrap();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(heartbeat, Role::Server);
    let (told, done) = mpsc::channel();
    thread::spawn(move || {
        let served = ours.serve_many(&profile, Concurrency::new(1), |message| {
            thread::sleep(ms(500));
            Some(message.to_vec())
        });
        let _ = told.send(served.map_err(|error| error.to_string()));
    });
    peer.write_all(b"\0\x02hi\0\x02ho").unwrap();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut all = Vec::new();
    let began = Instant::now();
    while began.elapsed() < DEADLINE && all.windows(4).filter(|w| *w == b"\0\x02ho").count() == 0 {
        let mut some = [0; 64];
        match peer.read(&mut some) {
            Ok(count) if count > 0 => all.extend_from_slice(&some[..count]),
            _ => break,
        }
    }
    drop(peer);
    let served = done.recv_timeout(DEADLINE);
    assert!(served.is_ok(), "serve_many hangs; the peer saw {:?}", String::from_utf8_lossy(&all));
}

fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let rest = stat.rsplit(')').next().unwrap();
    let fields: Vec<_> = rest.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ms(ticks * 10)
}

/// Fills the socket, so that nothing can be written.
fn fill_blocking(ours: &mut blocking::Connection<Framing>) {
    let big = vec![1; 60_000];
    while ours.send_within(&big, ms(50)).is_ok() {}
}

#[test]
fn a_blocked_blocking_connection_does_not_spin() {
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(ping(100, 60_000), Role::Client);
    fill_blocking(&mut ours);
    peer.write_all(b"\0\x04PING").unwrap();
    let before = cpu();
    let _ = ours.recv_within(ms(1000));
    assert!(cpu() - before < ms(100), "{:?} of CPU in 1s", cpu() - before);
}

#[test]
fn a_blocked_blocking_receiver_does_not_spin() {
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(ping(100, 60_000), Role::Client);
    fill_blocking(&mut ours);
    let (_caller, mut receiver) = ours.duplex(Matching::in_order());
    peer.write_all(b"\0\x04PING").unwrap();
    let before = cpu();
    let _ = receiver.recv_within(ms(1000));
    assert!(cpu() - before < ms(100), "{:?} of CPU in 1s", cpu() - before);
}

#[test]
fn a_blocked_non_blocking_connection_does_not_spin() {
    let (ours, mut peer) = tcp();
    let mut ours = nonblocking::Connection::from_stream(ours, f("net:2")).unwrap();
    ours.watch(ping(100, 60_000), Role::Client);
    let big = vec![1; 60_000];
    while ours.send_within(&big, ms(50)).is_ok() {}
    peer.write_all(b"\0\x04PING").unwrap();
    let before = cpu();
    let _ = ours.recv_within(ms(500));
    let mut zero = 0;
    for _ in 0..50 {
        let _ = ours.try_recv();
        let _ = ours.try_flush();
        zero += u32::from(ours.deadline() == Some(Duration::ZERO));
        thread::sleep(ms(10));
    }
    let mut duplex = ours.duplex(Matching::in_order());
    let mut zeros = 0;
    for _ in 0..50 {
        let _ = duplex.try_flush();
        let _ = duplex.try_recv();
        zeros += u32::from(duplex.deadline() == Some(Duration::ZERO));
        thread::sleep(ms(10));
    }
    let _ = duplex.recv_within(ms(500));
    assert!(cpu() - before < ms(200), "{:?} of CPU", cpu() - before);
    assert!(zero < 10 && zeros < 10, "{zero} {zeros}");
}

/// A silent pair ends in time, and its thread and sockets end with it.
#[test]
fn a_silent_blocking_pair_ends_in_time() {
    let ((out, mut out_peer), (into, _in_peer)) = (tcp(), tcp());
    let mut out = blocking::Connection::from_stream(out, f("net:2"));
    let mut into = blocking::Connection::from_stream(into, f("net:2"));
    out.watch(ping(150, 150), Role::Client);
    into.watch(ping(150, 150), Role::Client);
    let (_caller, mut receiver) = out.simplex(into, Matching::in_order());
    let began = Instant::now();
    let error = receiver.recv().unwrap_err();
    assert!(matches!(error.cause(), Cause::Dead(_)), "{error}");
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    let mut probe = [0; 6];
    out_peer.read_exact(&mut probe).unwrap();
    assert_eq!(&probe, b"\0\x04PING");
    drop(receiver);
    out_peer.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut rest = Vec::new();
    assert!(out_peer.read_to_end(&mut rest).is_ok(), "the other socket of the pair ends too");
}

/// Futures are dropped at any poll, with a heartbeat half written.
#[test]
fn a_recv_dropped_at_any_poll_leaves_no_half_heartbeat() {
    use framelink_transport::tokio::Connection;
    use tokio::io::AsyncReadExt;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(5);
        let (reader, writer) = tokio::io::split(ours);
        let mut ours = Connection::from_parts(reader, writer, f("net:2"));
        let heartbeat = Heartbeat::relaxed(Form::beat(b"BEATBEATBEATBEATBEAT"))
            .interval(ms(1))
            .unwrap()
            .timeout(ms(60_000))
            .unwrap();
        ours.watch(heartbeat, Role::Client);
        let reading = tokio::spawn(async move {
            let (mut messages, mut beats) = (0, 0);
            let mut length = [0; 2];
            while theirs.read_exact(&mut length).await.is_ok() {
                let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
                if theirs.read_exact(&mut body).await.is_err() {
                    break;
                }
                if body == b"a message of some length" {
                    messages += 1
                } else {
                    beats += 1
                }
                assert!(body.len() < 64, "{body:?}");
            }
            (messages, beats)
        });
        let mut accepted = 0;
        for round in 0..300_u64 {
            let _ = ours.recv_within(Duration::from_micros(round * 37 % 9000)).await;
            let sent = ours.send_within(b"a message of some length", Duration::from_micros(round * 53 % 3000)).await;
            accepted += u32::from(!matches!(
                sent.as_ref().map_err(framelink_transport::Error::cause),
                Err(Cause::NoRoom { .. })
            ));
        }
        ours.flush().await.unwrap();
        drop(ours);
        let (messages, beats) = reading.await.unwrap();
        assert_eq!(messages, accepted);
        assert!(beats > 3, "{beats}");
    });
}

/// The CPU time and memory of ten million empty frames. In a process of its own, because the memory of the process is
/// measured.
#[test]
fn ten_million_empty_frames_cost_little_time_and_memory() {
    const ALONE: &str = "FRAMELINK_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        alone
            .args(["--exact", "serving::ten_million_empty_frames_cost_little_time_and_memory", "--nocapture"])
            .env(ALONE, "1");
        assert!(alone.status().unwrap().success());
        return;
    }
    let rss = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        text.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4
    };
    let (ours, mut peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    let liveness = ours.watch(Heartbeat::relaxed(Form::Empty { answered: true }), Role::Server);
    let flooding = thread::spawn(move || {
        let bytes = vec![0; 20_000];
        for _ in 0..1000 {
            peer.write_all(&bytes).unwrap();
        }
        peer.write_all(b"\0\x02hi").unwrap();
        peer
    });
    let (before, began, used) = (rss(), Instant::now(), cpu());
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi");
    println!(
        "{:?}, {:?} of CPU, {} KiB more, {:?}",
        began.elapsed(),
        cpu() - used,
        rss().saturating_sub(before),
        liveness.counts()
    );
    assert!(rss() < before + 4096);
    flooding.join().unwrap();
}
