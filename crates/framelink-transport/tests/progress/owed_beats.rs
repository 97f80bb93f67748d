//! A heartbeat that cannot be written does not stop the reading.

use std::time::Duration;

use framelink_testkit::{ReadStep, Script, WriteStep};
use framelink_transport::heartbeat::Role;
use framelink_transport::nonblocking::{Connection, Event};
use framelink_transport::session::{Concurrency, KeyRule, Matching};
use framelink_transport::{Framing, FramingPair, Incoming, Profile, TryRecv, tokio as on_tokio};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::{Instant, sleep};

use super::stream::{PING, PONG, Waiting, ping, scripted};
use crate::support::driver::framing;

const WITHIN: Duration = Duration::from_secs(30);

/// Returns a connection that owes an answer to a probe. Its peer reads nothing, and sends a probe and this message.
fn probed(message: &[u8]) -> (Connection<FramingPair, Waiting>, Script) {
    let (stream, script) = scripted([ReadStep::bytes(PING), ReadStep::bytes(message)], []);
    script.after_writes(WriteStep::WouldBlock);
    let mut connection = Connection::new(stream, framing("net:2"));
    connection.watch(ping(), Role::Server);
    (connection, script)
}

#[test]
fn a_message_behind_a_probe_is_received_although_the_answer_cannot_leave() {
    let (mut connection, script) = probed(b"\0\x01B");
    assert!(matches!(connection.try_recv().unwrap(), TryRecv::Message(message) if &message[..] == b"B"));
    assert_eq!(connection.try_recv().unwrap(), TryRecv::Nothing);
    script.after_writes(WriteStep::ALL);
    assert!(connection.try_flush().unwrap());
    assert_eq!(script.written(), PONG);
}

#[test]
fn a_receive_returns_nothing_only_after_a_read_without_bytes() {
    let (mut connection, script) = probed(b"\0\x09half");
    assert_eq!(connection.try_recv().unwrap(), TryRecv::Nothing);
    assert_eq!(script.left().0, 0, "all bytes are read");
    assert_eq!(script.calls().reads, 3, "the last read finds no bytes");
}

#[test]
fn a_request_behind_a_probe_is_served_although_the_answer_cannot_leave() {
    let (connection, _script) = probed(b"\0\x01B");
    let profile = Profile::builder("net:2".parse::<Framing>().unwrap()).build().unwrap();
    let mut served = connection.serve_many(&profile, Concurrency::new(8));
    assert!(matches!(served.try_next().unwrap(), TryRecv::Message((_, message)) if &message[..] == b"B"));
}

#[test]
fn a_reply_behind_a_probe_answers_its_call_although_the_answer_cannot_leave() {
    let (connection, script) = probed(b"\0\x01B");
    script.push_writes([WriteStep::ALL]);
    let mut duplex = connection.duplex(Matching::by_key(KeyRule::at("0:1".parse().unwrap())));
    let _ = duplex.try_call(b"B", WITHIN).unwrap();
    assert!(
        matches!(duplex.try_recv().unwrap(), TryRecv::Message(Event::Reply { message, .. }) if &message[..] == b"B")
    );
    let (connection, _script) = probed(b"\0\x01C");
    let mut duplex = connection.duplex(Matching::by_key(KeyRule::at("0:1".parse().unwrap())));
    assert!(matches!(duplex.try_recv().unwrap(), TryRecv::Message(Event::Incoming(Incoming::Message(_)))));
}

#[test]
fn a_reply_behind_a_probe_ends_a_call_that_is_polled() {
    let (mut connection, script) = probed(b"");
    script.push_writes([WriteStep::ALL]);
    assert_eq!(connection.try_call(b"hi", WITHIN).unwrap(), None);
    script.push_reads([ReadStep::bytes(PING), ReadStep::bytes(b"\0\x02ok")]);
    assert_eq!(connection.try_reply().unwrap().as_deref(), Some(&b"ok"[..]));
}

/// The request has left and the pipe is full. The peer sends a probe and a reply without reading.
#[tokio::test(start_paused = true)]
async fn a_reply_behind_a_probe_ends_a_call_at_once_although_the_answer_cannot_leave() {
    let ((reader, mut their_writer), (writer, mut their_reader)) = (duplex(1024), duplex(4));
    let mut connection = on_tokio::Connection::<FramingPair, _, _>::from_parts(reader, writer, framing("net:2"));
    connection.watch(ping(), Role::Server);
    let began = Instant::now();
    // The peer is a task of its own, so that only the pipes wake ours.
    let peer = tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await;
        their_writer.write_all(PING).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        their_writer.write_all(b"\0\x02ok").await.unwrap();
        their_writer
    });
    assert_eq!(&connection.call(b"hi", WITHIN).await.unwrap()[..], b"ok");
    assert_eq!(began.elapsed(), Duration::from_millis(200));
    let mut their_writer = peer.await.unwrap();

    // The answer leaves while our side waits for the next message.
    let peer = tokio::spawn(async move {
        let mut bytes = [0; 10];
        their_reader.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"\0\x02hi\0\x04PONG");
        their_writer.write_all(b"\0\x04next").await.unwrap();
    });
    assert_eq!(&connection.recv().await.unwrap().unwrap()[..], b"next");
    peer.await.unwrap();
}
