//! Messages that are lent from the read buffer, on every driver: the same messages, in as few writes as possible.

use framelink_testkit::{ReadStep, Script, ScriptedStream};
use framelink_transport::heartbeat::{Form, Heartbeat, Role};
use framelink_transport::{TryRecv, TrySend, blocking, nonblocking};

use crate::support::driver::framing;
use crate::support::streams::{Reader, Step, Then, run, scripted as on_tokio};
use crate::support::waiting::Waiting;

/// Messages with empty messages between them, which may be heartbeats.
const WIRE: &[u8] = b"\0\x05hello\0\0\0\x03and\0\0\0\0\0\x01!";
const MESSAGES: [&[u8]; 6] = [b"hello", b"", b"and", b"", b"", b"!"];

fn heartbeat() -> Heartbeat {
    Heartbeat::strict(Form::empty())
}

/// Returns the messages without the empty ones, if those are heartbeats.
fn expected(beats: bool) -> Vec<Vec<u8>> {
    MESSAGES.iter().filter(|message| !beats || !message.is_empty()).map(|message| message.to_vec()).collect()
}

/// Two reads, with refusals around them.
fn steps(cut: usize, refusals: bool) -> Vec<ReadStep> {
    let (first, second) = WIRE.split_at(cut);
    let mut steps = Vec::new();
    for piece in [first, second] {
        if !piece.is_empty() {
            steps.extend([ReadStep::Interrupted, ReadStep::bytes(piece)]);
        }
        if refusals {
            steps.push(ReadStep::WouldBlock);
        }
    }
    steps.push(ReadStep::End);
    steps
}

fn streams(reads: Vec<ReadStep>) -> (Waiting, Waiting, Script) {
    let (reader, _) = ScriptedStream::new(reads, vec![]);
    let (writer, script) = ScriptedStream::new(vec![], vec![]);
    (Waiting(reader), Waiting(writer), script)
}

#[test]
fn lent_messages_are_the_same_wherever_the_stream_is_cut_on_blocking() {
    for (cut, beats) in (0..=WIRE.len()).flat_map(|cut| [(cut, false), (cut, true)]) {
        let (reader, writer, _) = streams(steps(cut, false));
        let mut connection = blocking::Connection::from_parts(reader, writer, framing("net:2"));
        if beats {
            connection.watch(heartbeat(), Role::Client);
        }
        let mut messages = Vec::new();
        while let Some(message) = connection.recv_ref().unwrap() {
            messages.push(message.to_vec());
        }
        assert_eq!(messages, expected(beats), "cut at {cut}, beats: {beats}");

        let (reader, _, _) = streams(steps(cut, false));
        let mut half = blocking::RecvHalf::new(reader, framing("net:2"));
        let mut messages = Vec::new();
        while let Some(message) = half.recv_ref().unwrap() {
            messages.push(message.to_vec());
        }
        assert_eq!(messages, expected(false), "the half, cut at {cut}");
    }
}

#[test]
fn lent_messages_are_the_same_wherever_the_stream_is_cut_on_nonblocking() {
    for (cut, beats) in (0..=WIRE.len()).flat_map(|cut| [(cut, false), (cut, true)]) {
        let (stream, _) = ScriptedStream::new(steps(cut, true), vec![]);
        let mut connection = nonblocking::Connection::new(Waiting(stream), framing("net:2"));
        if beats {
            connection.watch(heartbeat(), Role::Client);
        }
        let (mut messages, mut nothing) = (Vec::new(), 0);
        loop {
            match connection.try_recv_ref().unwrap() {
                TryRecv::Message(message) => messages.push(message.to_vec()),
                TryRecv::Nothing => nothing += 1,
                TryRecv::Closed => break,
            }
        }
        assert_eq!((messages, nothing), (expected(beats), 2), "cut at {cut}, beats: {beats}");

        let (reader, _, _) = streams(steps(cut, true));
        let mut half = nonblocking::RecvHalf::new(reader, framing("net:2"));
        let mut messages = Vec::new();
        loop {
            match half.try_recv_ref().unwrap() {
                TryRecv::Message(message) => messages.push(message.to_vec()),
                TryRecv::Nothing => {}
                TryRecv::Closed => break,
            }
        }
        assert_eq!(messages, expected(false), "the half, cut at {cut}");
    }
}

#[tokio::test]
async fn lent_messages_are_the_same_wherever_the_stream_is_cut_on_tokio() {
    for (cut, beats) in (1..WIRE.len()).flat_map(|cut| [(cut, false), (cut, true)]) {
        let steps = [Step::Pending, Step::Bytes(cut), Step::Pending, Step::Bytes(usize::MAX)];
        let reader = || Reader::new(WIRE, &steps, Then::End);
        let (mut connection, _) = on_tokio("net:2", reader(), &[Step::Bytes(usize::MAX)]);
        if beats {
            connection.watch(heartbeat(), Role::Client);
        }
        let mut messages = Vec::new();
        while let Some(message) = connection.recv_ref().await.unwrap() {
            messages.push(message.to_vec());
        }
        assert_eq!(messages, expected(beats), "cut at {cut}, beats: {beats}");

        let mut half = framelink_transport::tokio::RecvHalf::new(reader(), framing("net:2"));
        let mut messages = Vec::new();
        while let Some(message) = half.recv_ref().await.unwrap() {
            messages.push(message.to_vec());
        }
        assert_eq!(messages, expected(false), "the half, cut at {cut}");
    }
}

/// A message that is larger than any read, with one behind it.
#[test]
fn a_large_lent_message_is_whole() {
    let payload: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let wire = [&300_000_u32.to_be_bytes()[..], &payload, b"\0\0\0\x02hi"].concat();
    let (reader, writer, _) = streams(vec![ReadStep::bytes(wire.clone()), ReadStep::End]);
    let mut connection = blocking::Connection::from_parts(reader, writer, framing("net:4"));
    assert!(connection.recv_ref().unwrap().unwrap()[..] == payload);
    assert_eq!(&connection.recv().unwrap().unwrap()[..], b"hi");
    assert!(connection.recv_ref().unwrap().is_none());
    let (mut connection, _) =
        on_tokio("net:4", Reader::new(&wire, &[Step::Bytes(usize::MAX)], Then::End), &[Step::Bytes(usize::MAX)]);
    assert!(run(connection.recv_ref()).unwrap().unwrap()[..] == payload);
    assert_eq!(&run(connection.recv()).unwrap().unwrap()[..], b"hi");
    assert!(run(connection.recv_ref()).unwrap().is_none());
}

const MANY: usize = 64;

/// 64 messages of 64 bytes.
fn burst() -> Vec<u8> {
    [&[0, 64][..], &[b'x'; 64]].concat().repeat(MANY)
}

/// Without a flush: a receive writes what is queued before it waits. The first read of a connection is small, and this
/// stream cannot be read without waiting, so the replies to the first read are written before the second.
#[test]
fn replies_to_messages_that_arrive_at_once_are_two_writes_on_blocking() {
    let (reader, writer, script) = streams(vec![ReadStep::bytes(burst()), ReadStep::WouldBlock, ReadStep::End]);
    let mut connection = blocking::Connection::from_parts(reader, writer, framing("net:2"));
    while let Some((message, sender)) = connection.recv_with_sender().unwrap() {
        sender.feed(&message).unwrap();
    }
    assert_eq!((script.written() == burst(), script.calls().writes), (true, 2));
}

#[test]
fn replies_to_messages_that_arrive_at_once_are_four_operations_on_nonblocking() {
    let (stream, script) =
        ScriptedStream::new(vec![ReadStep::bytes(burst()), ReadStep::WouldBlock, ReadStep::End], vec![]);
    let mut connection = nonblocking::Connection::new(Waiting(stream), framing("net:2"));
    while let TryRecv::Message(message) = connection.try_recv().unwrap() {
        assert_eq!(connection.try_feed(&message).unwrap(), TrySend::Queued);
    }
    assert_eq!((script.written() == burst(), script.calls().writes), (true, 1));
    assert!(script.calls().reads <= 3, "two reads, because the first is small, and one that finds nothing");
}

#[tokio::test]
async fn replies_to_messages_that_arrive_at_once_are_one_write_on_tokio() {
    let burst = burst();
    let reader = Reader::new(&burst, &[Step::Bytes(usize::MAX)], Then::Wait);
    let (mut connection, written) = on_tokio("net:2", reader, &[Step::Bytes(usize::MAX)]);
    let echo = async {
        while let Some(message) = connection.recv().await.unwrap() {
            connection.feed(&message).await.unwrap();
        }
    };
    // The reader waits without end after the burst, and so does the echo.
    assert!(crate::support::streams::poll_times(tokio::task::unconstrained(echo), 10).is_none());
    assert_eq!(written.writes(), [burst]);
}
