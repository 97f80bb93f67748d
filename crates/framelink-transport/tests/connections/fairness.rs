//! A task that receives many messages lets other tasks run.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use framelink_transport::Profile;
use framelink_transport::heartbeat::{Form, Heartbeat, Role};
use framelink_transport::tokio::{Cause, Connection, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, sink};
use tokio::net::TcpStream;

use crate::support::streams::{MANNERS, Reader, Then, framing, piped};

const FRAMES: u32 = 10_000;

fn wire() -> Vec<u8> {
    (0..FRAMES).flat_map(|number| [&[0, 4][..], &number.to_be_bytes()].concat()).collect()
}

/// Starts a task that counts its turns until it is stopped.
fn other_task() -> (Arc<AtomicUsize>, tokio::task::JoinHandle<()>) {
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let task = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    (turns, task)
}

#[tokio::test]
async fn ten_thousand_frames_of_one_read_arrive_in_order_and_other_tasks_run() {
    // A pipe of tokio, and a stream that never yields by itself.
    let (mut piped, mut peer) = piped("net:2", 1 << 20);
    peer.write_all(&wire()).await.unwrap();
    let (turns, task) = other_task();
    for number in 0..FRAMES {
        assert_eq!(piped.recv().await.unwrap().unwrap()[..], number.to_be_bytes());
    }
    let of_the_pipe = turns.load(Ordering::Relaxed);
    assert!(of_the_pipe >= 15, "the other task had {of_the_pipe} turns");

    let reader = Reader::new(&wire(), MANNERS[0], Then::End);
    let mut scripted = Connection::from_parts(reader, sink(), framing("net:2"));
    for number in 0..FRAMES {
        assert_eq!(scripted.recv().await.unwrap().unwrap()[..], number.to_be_bytes());
    }
    let of_the_stream = turns.load(Ordering::Relaxed) - of_the_pipe;
    assert!(of_the_stream >= 15, "the other task had {of_the_stream} turns");
    task.abort();
}

#[tokio::test]
async fn a_task_that_receives_again_and_again_at_the_end_lets_other_tasks_run() {
    // A closed stream, and a stream that ends inside a frame.
    for wire in [&b""[..], b"\0\x05hel"] {
        let reader = Reader::new(wire, MANNERS[0], Then::End);
        let mut connection = Connection::from_parts(reader, sink(), framing("net:2"));
        let (turns, task) = other_task();
        for _ in 0..FRAMES {
            assert!(!matches!(connection.recv().await, Ok(Some(_))));
        }
        let turns = turns.load(Ordering::Relaxed);
        assert!(turns >= 15, "the other task had {turns} turns");
        task.abort();
    }
}

#[tokio::test]
async fn one_connection_that_is_flooded_does_not_starve_another() {
    let (mut flooded, mut flood) = piped("net:2", 64 * 1024);
    let (mut quiet, mut peer) = piped("net:2", 64);
    let floods = tokio::spawn(async move { while flood.write_all(&wire()).await.is_ok() {} });
    let received = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&received);
    let receives = tokio::spawn(async move {
        while let Ok(Some(_)) = flooded.recv().await {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    for _ in 0..100 {
        let before = received.load(Ordering::Relaxed);
        peer.write_all(b"\0\x02hi").await.unwrap();
        assert_eq!(&quiet.recv().await.unwrap().unwrap()[..], b"hi");
        tokio::task::yield_now().await;
        let meanwhile = received.load(Ordering::Relaxed) - before;
        assert!(meanwhile <= 5000, "{meanwhile} messages of the flooded connection came first");
    }
    assert!(received.load(Ordering::Relaxed) > 0, "the flood goes on meanwhile");
    receives.abort();
    floods.abort();
}

/// Uses up the task's budget except for this many turns.
async fn leave(turns: usize) {
    tokio::task::yield_now().await;
    for _ in turns..128 {
        tokio::task::consume_budget().await;
    }
}

/// A task whose budget is used up does not see the bytes that have arrived. That is no silence of the peer.
#[tokio::test(start_paused = true)]
async fn a_used_up_budget_is_not_taken_for_silence() {
    for turns in 0..4 {
        let (mut ours, mut peer) = piped("net:2", 1024);
        peer.write_all(b"\0\x05stale").await.unwrap();
        leave(turns).await;
        let error = ours.call(b"question", Duration::from_secs(5)).await.unwrap_err();
        assert!(matches!(error.error().cause(), Cause::Unsolicited), "{turns}: {error}");

        let (mut ours, mut peer) = piped("quiet:20ms", 1024);
        peer.write_all(b"ab").await.unwrap();
        assert!(ours.recv_within(Duration::from_millis(1)).await.unwrap().into_message().is_none());
        peer.write_all(b"cd").await.unwrap();
        // The task was busy for longer than the silence that ends a message, and the peer was not silent.
        tokio::time::advance(Duration::from_millis(40)).await;
        leave(turns).await;
        assert_eq!(&ours.recv().await.unwrap().unwrap()[..], b"abcd", "{turns}");
    }
}

/// Heartbeats never reach the application, so only the number of frames ends a turn.
#[tokio::test]
async fn other_connections_are_served_during_a_flood_of_heartbeats() {
    // A read has at most 64 KiB, which is about 21 800 heartbeats, and a turn ends after a read.
    const MEANWHILE: u64 = 50_000;
    let heartbeat = Arc::new(Heartbeat::strict(Form::literal(b"?", b"!")));
    let (mut flooded, mut flood) = piped("net:2", 4 << 20);
    let liveness = flooded.watch(heartbeat, Role::Server);
    let (mut quiet, mut peer) = piped("net:2", 64);
    let floods = tokio::spawn(async move {
        let many = b"\0\x01?".repeat(100_000);
        while flood.write_all(&many).await.is_ok() {}
    });
    let receives = tokio::spawn(async move { flooded.recv().await.unwrap() });
    let mut most = 0;
    while liveness.counts().1 < 1_000_000 {
        let before = liveness.counts().1;
        peer.write_all(b"\0\x02hi").await.unwrap();
        assert_eq!(&quiet.recv().await.unwrap().unwrap()[..], b"hi");
        tokio::task::yield_now().await;
        most = most.max(liveness.counts().1 - before);
    }
    assert!(most <= MEANWHILE, "{most} heartbeats of the flooded connection came first");
    receives.abort();
    floods.abort();
}

/// Empty messages cost their sender almost nothing: three million of them delay other tasks no more than other messages
/// do.
#[tokio::test]
async fn other_clients_are_served_during_a_flood_of_empty_messages() {
    const EMPTY: u64 = 3_000_000;
    // The runtime looks at its sockets every 61 turns, and twice before a reply is back. A turn has some hundred
    // messages.
    const MEANWHILE: u64 = 100_000;
    let profile = Arc::new(Profile::builder(framing("net:2")).build().unwrap());
    let server = Server::bind("127.0.0.1:0", &profile).await.unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&taken);
    let running = tokio::spawn(server.run(move |message| {
        counted.fetch_add(u64::from(message.is_empty()), Ordering::Relaxed);
        ready((!message.is_empty()).then(|| message.to_vec()))
    }));
    let mut flood = TcpStream::connect(address).await.unwrap();
    let flooding = tokio::spawn(async move {
        let empty = [0; 20_000];
        for _ in 0..EMPTY / 10_000 {
            flood.write_all(&empty).await.unwrap();
        }
        flood.shutdown().await.unwrap();
        assert_eq!(flood.read(&mut [0]).await.unwrap(), 0, "the flooding connection is not closed early");
    });
    let mut other = TcpStream::connect(address).await.unwrap();
    let (mut asked, mut most) = (0, 0);
    while taken.load(Ordering::Relaxed) < EMPTY {
        let before = taken.load(Ordering::Relaxed);
        other.write_all(b"\0\x02hi").await.unwrap();
        let mut reply = [0; 4];
        other.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"\0\x02hi");
        asked += 1;
        most = most.max(taken.load(Ordering::Relaxed) - before);
    }
    println!("{asked} replies meanwhile, after at most {most} empty messages");
    assert!(most <= MEANWHILE, "{most} empty messages came before a reply");
    flooding.await.unwrap();
    drop(other);
    handle.drain(Duration::from_secs(5));
    assert_eq!(running.await.unwrap().cut, 0);
    assert_eq!(taken.load(Ordering::Relaxed), EMPTY, "every empty message is delivered");
}
