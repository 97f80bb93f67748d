//! Several tasks send on one connection: each of them that can progress does, whatever happens to the others.

use std::time::Duration;

use framelink_transport::session::{KeyRule, Matching};
use framelink_transport::tokio::{Caller, Connection, Receiver};
use framelink_transport::{Cause, FramingPair, Incoming};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::driver::framing;

const WITHIN: Duration = Duration::from_secs(30);
/// More bytes than the pipe holds.
const LARGE: usize = 1000;
const FRAME: usize = LARGE + 2;

type Ours = (Caller<FramingPair, DuplexStream>, Receiver<FramingPair, DuplexStream, DuplexStream>);

/// Returns our two ends, and the peer's writer and reader, over two pipes. The pipe to the peer holds 64 bytes.
fn piped() -> (Ours, DuplexStream, DuplexStream) {
    let ((reader, their_writer), (writer, their_reader)) = (duplex(1024), duplex(64));
    let connection = Connection::<FramingPair, _, _>::from_parts(reader, writer, framing("net:2"));
    (connection.duplex(Matching::by_key(KeyRule::at("0:2".parse().unwrap()))), their_writer, their_reader)
}

/// Starts a task that sends a large message and waits for room.
async fn sending(caller: &Caller<FramingPair, DuplexStream>, byte: u8) -> tokio::task::JoinHandle<()> {
    let caller = caller.clone();
    let sending = tokio::spawn(async move { caller.send(&vec![byte; LARGE]).await.unwrap() });
    yield_now().await;
    assert!(!sending.is_finished());
    sending
}

async fn read_frames(reader: &mut DuplexStream, count: usize) {
    let mut bytes = vec![0; count * FRAME];
    timeout(WITHIN, reader.read_exact(&mut bytes)).await.expect("everything leaves").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_cancelled_after_the_peers_half_close_loses_no_wake_up() {
    for (cancelled, left) in [(2, [0, 1]), (0, [1, 2]), (1, [0, 2])] {
        let ((caller, mut receiver), mut their_writer, mut their_reader) = piped();
        their_writer.shutdown().await.unwrap();
        assert_eq!(receiver.recv().await.unwrap(), None);
        let tasks = [sending(&caller, 1).await, sending(&caller, 2).await, sending(&caller, 3).await];
        tasks[cancelled].abort();
        // The accepted part of the cancelled message leaves too, with the messages behind it.
        read_frames(&mut their_reader, if cancelled == 2 { 2 } else { 3 }).await;
        let mut tasks = tasks.map(Some);
        for at in left {
            let task = tasks[at].take().unwrap();
            timeout(WITHIN, task).await.expect("the message leaves").unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_continues_when_the_receiving_task_stops() {
    let ((caller, mut receiver), _their_writer, mut their_reader) = piped();
    let receiving = tokio::spawn(async move {
        let _ = timeout(Duration::from_millis(100), receiver.recv()).await;
        // The receiver still exists, and is not polled any more.
        tokio::time::sleep(WITHIN * 100).await;
        drop(receiver);
    });
    let sending = sending(&caller, 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    read_frames(&mut their_reader, 1).await;
    timeout(WITHIN, sending).await.expect("the message leaves").unwrap();
    receiving.abort();
}

#[tokio::test(start_paused = true)]
async fn finishing_ends_after_the_peers_half_close_although_a_waiting_sender_is_cancelled() {
    let ((caller, mut receiver), mut their_writer, mut their_reader) = piped();
    their_writer.shutdown().await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), None);
    let other = sending(&caller, 1).await;
    let finishing = tokio::spawn({
        let caller = caller.clone();
        async move { caller.finish().await.unwrap() }
    });
    yield_now().await;
    let late = tokio::spawn({
        let caller = caller.clone();
        async move { caller.finish().await }
    });
    yield_now().await;
    late.abort();
    other.abort();
    read_frames(&mut their_reader, 1).await;
    assert_eq!(timeout(WITHIN, their_reader.read(&mut [0; 1])).await.expect("our side has ended").unwrap(), 0);
    timeout(WITHIN, finishing).await.expect("finishing ends").unwrap();
}

#[tokio::test(start_paused = true)]
async fn all_sends_fail_when_the_peer_is_gone() {
    let ((caller, mut receiver), mut their_writer, their_reader) = piped();
    their_writer.shutdown().await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), None);
    let senders: Vec<_> = (0..3)
        .map(|byte| {
            let caller = caller.clone();
            tokio::spawn(async move { caller.send(&[byte; LARGE]).await })
        })
        .collect();
    yield_now().await;
    drop(their_reader);
    for sender in senders {
        let error = timeout(WITHIN, sender).await.expect("the send fails in time").unwrap().unwrap_err();
        assert!(!matches!(error.cause(), Cause::Refused(_)), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_message_leaves_while_the_receiver_is_polled_and_messages_arrive() {
    let ((caller, mut receiver), mut their_writer, mut their_reader) = piped();
    let receiving = tokio::spawn(async move {
        let mut count = 0;
        while let Ok(Some(Incoming::Message(_))) = receiver.recv().await {
            count += 1;
        }
        count
    });
    let sending = sending(&caller, 1).await;
    for _ in 0..10 {
        their_writer.write_all(b"\0\x04news").await.unwrap();
    }
    read_frames(&mut their_reader, 1).await;
    timeout(WITHIN, sending).await.expect("the message leaves").unwrap();
    drop(their_writer);
    assert_eq!(timeout(WITHIN, receiving).await.expect("the end").unwrap(), 10);
}
