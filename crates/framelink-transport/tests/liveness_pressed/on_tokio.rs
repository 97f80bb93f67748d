//! Heartbeats under pressure on the tokio driver.

use std::sync::Arc;

use framelink_transport::heartbeat::{By, Form, Heartbeat, Role};
use framelink_transport::tokio::{Client, Connection};
use framelink_transport::{Framing, Profile};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::support::{DEADLINE, f, ms, ping};

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (ours, listener.accept().await.unwrap().0)
}

type Piped = Connection<Framing, ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>;

/// Two ends of a pipe in memory, with virtual time.
fn pipe() -> (Piped, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(4096);
    (piped(ours), theirs)
}

fn piped(stream: DuplexStream) -> Piped {
    let (reader, writer) = tokio::io::split(stream);
    Connection::from_parts(reader, writer, f("net:2"))
}

#[tokio::test]
async fn a_tokio_client_answers_probes_between_calls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let profile = Profile::builder(f("net:2")).heartbeat(ping(300, 5000).by(By::Server)).build().unwrap();
    let mut client = Client::new(profile, listener.local_addr().unwrap().to_string()).unwrap();
    let server = tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut four = [0; 4];
        peer.read_exact(&mut four).await.unwrap();
        peer.write_all(b"\0\x02ok").await.unwrap();
        tokio::time::sleep(ms(300)).await;
        peer.write_all(b"\0\x04PING").await.unwrap();
        let began = Instant::now();
        let mut pong = [0; 6];
        let read = tokio::time::timeout(DEADLINE, peer.read_exact(&mut pong)).await;
        (matches!(read, Ok(Ok(_))), began.elapsed())
    });
    client.call(b"hi").await.unwrap();
    let (came, took) = server.await.unwrap();
    assert!(came && took < ms(4900), "answered: {came}, after {took:?}; the timeout is 5s");
}

#[tokio::test]
async fn a_tokio_call_does_not_return_a_stale_message_behind_heartbeats() {
    let (ours, mut peer) = tcp().await;
    let mut bytes = vec![0; 2 * 64 * 1024];
    bytes.extend_from_slice(b"\0\x05STALE");
    peer.write_all(&bytes).await.unwrap();
    tokio::time::sleep(ms(50)).await;
    tokio::spawn(async move {
        let mut request = [0; 4];
        if peer.read_exact(&mut request).await.is_ok() {
            tokio::time::sleep(ms(50)).await;
            let _ = peer.write_all(b"\0\x02ok").await;
            tokio::time::sleep(ms(300)).await;
        }
    });
    let mut ours = Connection::from_stream(ours, f("net:2"));
    ours.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
    let reply = ours.call(b"hi", ms(2000)).await.ok().map(|reply| reply.to_vec());
    assert!(reply.as_deref().is_none_or(|reply| reply == b"ok"), "the reply was {:?}", reply.map(String::from_utf8));
}

/// The heartbeat task of a client ends with the client.
#[tokio::test]
async fn the_heartbeat_task_ends_with_its_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut all = Vec::new();
        loop {
            all.push(listener.accept().await.unwrap().0);
        }
    });
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    for _ in 0..50 {
        let profile = Profile::builder(f("net:2")).heartbeat(Heartbeat::relaxed(Form::empty())).build().unwrap();
        let mut client = Client::new(profile, address.clone()).unwrap();
        client.connect().await.unwrap();
        tokio::task::yield_now().await;
        drop(client);
    }
    let began = Instant::now();
    while metrics.num_alive_tasks() > before + 1 {
        let left = metrics.num_alive_tasks() - before;
        assert!(began.elapsed() < DEADLINE, "{left} tasks are left {DEADLINE:?} after 50 clients were dropped");
        tokio::task::yield_now().await;
    }
}

/// `keep` goes on sending heartbeats after a probe was answered, while the application handles a message.
#[tokio::test(start_paused = true)]
async fn keep_sends_heartbeats_after_a_probe_was_answered() {
    let (mut ours, mut peer) = pipe();
    ours.watch(ping(300, 500), Role::Client);
    let (mut receiver, mut sender) = ours.split();
    let keeping = tokio::spawn(async move { sender.keep().await.to_string() });
    tokio::spawn(async move {
        let _message = receiver.recv().await.unwrap();
        // The application handles the message for a long time.
        tokio::time::sleep(ms(10_000)).await;
        drop(receiver);
    });
    let mut probe = [0; 6];
    peer.read_exact(&mut probe).await.unwrap();
    tokio::time::sleep(ms(50)).await;
    peer.write_all(b"\0\x04PONG\0\x02hi").await.unwrap();
    let began = Instant::now();
    let next = tokio::time::timeout(ms(3000), peer.read_exact(&mut probe)).await;
    let took = began.elapsed();
    assert!(next.is_ok() && took < ms(900), "no heartbeat for {took:?}, and a passive peer gives up after 800ms");
    keeping.abort();
}

/// `keep` goes on sending heartbeats when reading stops while a probe waits for its answer.
#[tokio::test(start_paused = true)]
async fn keep_sends_heartbeats_while_the_application_does_not_read() {
    let (mut ours, mut peer) = pipe();
    ours.watch(ping(300, 300), Role::Client);
    let (mut receiver, mut sender) = ours.split();
    tokio::spawn(async move {
        let _ = receiver.recv_within(ms(320)).await;
        tokio::time::sleep(ms(10_000)).await;
        drop(receiver);
    });
    tokio::spawn(async move { sender.keep().await.to_string() });
    let mut probe = [0; 6];
    peer.read_exact(&mut probe).await.unwrap();
    tokio::time::sleep(ms(100)).await;
    peer.write_all(b"\0\x04PONG").await.unwrap();
    let next = tokio::time::timeout(ms(2500), peer.read_exact(&mut probe)).await;
    assert!(next.is_ok(), "no heartbeat for 2.5s, although keep() is awaited and the interval is 300ms");
}

/// `keep` fails when the connection fails.
#[tokio::test(start_paused = true)]
async fn keep_fails_when_the_peer_is_dead() {
    let (mut ours, mut peer) = pipe();
    ours.watch(ping(100, 100), Role::Client);
    let (mut receiver, mut sender) = ours.split();
    let keeping = tokio::spawn(async move { sender.keep().await.to_string() });
    assert!(receiver.recv().await.is_err());
    drop(receiver);
    let kept = tokio::time::timeout(ms(1500), keeping).await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(ms(500), peer.read_to_end(&mut rest)).await.is_ok();
    assert!(kept.is_ok(), "keep() waits on; the peer has seen the end: {ended}");
}

/// A flood of heartbeats on one connection does not starve other tasks of the thread.
#[tokio::test]
async fn a_flood_of_heartbeats_does_not_starve_other_tasks() {
    // The heartbeats of one read, which is at most 64 KiB, and some more.
    const IN_A_TURN: u64 = 70_000;
    for with_keeper in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let flooding = std::thread::spawn(move || {
            use std::io::Write;
            let mut peer = std::net::TcpStream::connect(address).unwrap();
            let bytes = vec![0; 256 * 1024];
            while peer.write_all(&bytes).is_ok() {}
        });
        let (ours, _) = listener.accept().await.unwrap();
        let mut ours = Connection::from_stream(ours, f("net:2"));
        let liveness = ours.watch(Heartbeat::relaxed(Form::empty()), Role::Server);
        let receiving = tokio::spawn(async move {
            if !with_keeper {
                let _ = ours.recv().await;
                return;
            }
            loop {
                let _ = ours.maintain(false);
                tokio::task::yield_now().await;
            }
        });
        let (began, mut most) = (Instant::now(), 0);
        while liveness.counts().1 < 10 * IN_A_TURN {
            let before = liveness.counts().1;
            tokio::task::yield_now().await;
            most = most.max(liveness.counts().1 - before);
            assert!(began.elapsed() < DEADLINE, "{:?} (maintain: {with_keeper})", liveness.counts());
        }
        receiving.abort();
        let _ = receiving.await;
        flooding.join().unwrap();
        assert!(most <= IN_A_TURN, "another task waited for {most} heartbeats (maintain: {with_keeper})");
    }
}

/// A liveness handle that is kept does not keep the waiting future of the task alive.
#[tokio::test]
async fn a_kept_liveness_handle_does_not_keep_the_waiting_future_alive() {
    let canary = Arc::new(());
    let held = Arc::clone(&canary);
    let (ours, _peer) = tcp().await;
    let mut ours = Connection::from_stream(ours, f("net:2"));
    let liveness = ours.watch(ping(300, 300), Role::Client);
    let (receiver, mut sender) = ours.split();
    let mut all = futures_like(async move {
        let _held = held;
        sender.keep().await.to_string()
    });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = all.as_mut().poll(&mut context);
    drop(all);
    drop(receiver);
    assert_eq!(Arc::strong_count(&canary), 1);
    drop(liveness);
}

fn futures_like<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
    Box::pin(future)
}

/// Two of our ends with default settings send at most two frames in each interval.
#[tokio::test(start_paused = true)]
async fn two_ends_send_at_most_two_frames_per_interval() {
    for (form, by) in [
        (Form::empty(), By::Both),
        (Form::Empty { answered: true }, By::Both),
        (Form::Numbered, By::Both),
        (Form::Numbered, By::Client),
        (Form::literal(b"HB", b"HB"), By::Both),
    ] {
        let (a, b) = tokio::io::duplex(4096);
        let (mut a, mut b) = (piped(a), piped(b));
        let heartbeat = Heartbeat::relaxed(form).by(by).interval(ms(60)).unwrap().timeout(ms(30)).unwrap();
        let (pa, pb) = (a.watch(heartbeat.clone(), Role::Client), b.watch(heartbeat.clone(), Role::Server));
        let both = async { tokio::join!(a.recv(), b.recv()) };
        let ended = tokio::time::timeout(ms(1200), both).await;
        assert!(ended.is_err(), "{heartbeat}: {ended:?}");
        let frames = pa.counts().1 + pb.counts().1;
        assert!(frames <= 2 * 20 + 2, "{heartbeat}: {frames} frames in 20 intervals");
        assert!(frames >= 10, "{heartbeat}: {frames}");
    }
}
