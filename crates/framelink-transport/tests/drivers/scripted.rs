//! Streams that interrupt, refuse and take one byte at a time: no byte is lost, and no driver retries in a busy loop.

use framelink_testkit::{ReadStep, Script, ScriptedStream, WriteStep};
use framelink_transport::{FramingPair, TryRecv, TrySend, blocking, nonblocking, tokio};

use crate::support::driver::framing;
use crate::support::waiting::Waiting;

const FRAMES: &[u8] = b"0005hello00000002hi";

/// The bytes of `FRAMES`, with an interruption before each.
fn interrupted() -> Vec<ReadStep> {
    FRAMES.iter().flat_map(|&byte| [ReadStep::Interrupted, ReadStep::bytes([byte])]).chain([ReadStep::End]).collect()
}

fn scripted(reads: Vec<ReadStep>, writes: Vec<WriteStep>) -> (Waiting, Script) {
    let (stream, script) = ScriptedStream::new(reads, writes);
    (Waiting(stream), script)
}

#[test]
fn interrupted_reads_of_one_byte_lose_nothing() {
    let (stream, script) = scripted(interrupted(), vec![]);
    let mut receiver = blocking::RecvHalf::new(stream, framing("ascii:4"));
    let mut messages = Vec::new();
    while let Some(message) = receiver.recv().unwrap() {
        messages.push(message.to_vec());
    }
    assert_eq!(messages, [&b"hello"[..], b"", b"hi"]);
    assert_eq!(script.calls().reads, 2 * FRAMES.len() + 1, "each step is one read");

    let steps = interrupted().into_iter().flat_map(|step| [ReadStep::WouldBlock, step]).collect();
    let (stream, script) = scripted(steps, vec![]);
    let mut receiver = nonblocking::RecvHalf::new(stream, framing("ascii:4"));
    let (mut messages, mut in_vain) = (Vec::new(), 0);
    loop {
        match receiver.try_recv().unwrap() {
            TryRecv::Message(message) => messages.push(message.to_vec()),
            TryRecv::Nothing => in_vain += 1,
            TryRecv::Closed => break,
        }
    }
    assert_eq!(messages, [&b"hello"[..], b"", b"hi"]);
    assert_eq!(in_vain, 2 * FRAMES.len() + 1, "each refusal is reported once");
    assert_eq!(script.calls().reads, 2 * (2 * FRAMES.len() + 1), "each refusal costs one read");
}

#[test]
fn interrupted_writes_of_one_byte_keep_frames_whole_and_in_order() {
    let writes = || vec![WriteStep::Interrupted, WriteStep::AtMost(1), WriteStep::AtMost(3)];
    let (stream, script) = scripted(vec![], writes());
    script.after_writes(WriteStep::AtMost(2));
    let mut sender = blocking::SendHalf::new(stream, framing("ascii:4"));
    for message in ["hello", "", "hi"] {
        sender.send(message.as_bytes()).unwrap();
    }
    assert_eq!(script.written(), FRAMES);

    let (stream, script) = scripted(vec![], writes());
    script.after_writes(WriteStep::WouldBlock);
    let mut sender = nonblocking::SendHalf::new(stream, framing("ascii:4"));
    for message in ["hello", "", "hi"] {
        assert_eq!(sender.try_send(message.as_bytes()).unwrap(), TrySend::Queued);
    }
    let calls = script.calls().writes;
    assert!(!sender.try_flush().unwrap());
    assert!(script.calls().writes <= calls + 3, "the driver does not spin: {} writes", script.calls().writes - calls);
    script.after_writes(WriteStep::AtMost(1));
    assert!(sender.try_flush().unwrap());
    assert_eq!(script.written(), FRAMES);
}

#[test]
fn a_write_that_takes_nothing_is_an_error_and_not_a_busy_loop() {
    for at in 0..3 {
        let mut writes = vec![WriteStep::AtMost(1); at];
        writes.push(WriteStep::Zero);
        let (stream, script) = scripted(vec![], writes.clone());
        let mut sender = blocking::SendHalf::new(stream, framing("ascii:4"));
        assert!(sender.send(b"hello").is_err(), "{at}");
        assert_eq!(script.calls().writes, at + 1);

        let (stream, script) = scripted(vec![], writes);
        let mut sender = nonblocking::SendHalf::new(stream, framing("ascii:4"));
        assert!(sender.try_send(b"hello").is_err() || sender.try_flush().is_err(), "{at}");
        assert_eq!(script.calls().writes, at + 1);
    }
}

#[test]
fn tokio_streams_that_refuse_and_interrupt_lose_nothing() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let steps = interrupted().into_iter().flat_map(|step| [ReadStep::WouldBlock, step]);
        let writes = (0..40).flat_map(|_| [WriteStep::WouldBlock, WriteStep::Interrupted, WriteStep::AtMost(1)]);
        let (stream, script) = ScriptedStream::new(steps, writes);
        let (reader, writer) = ::tokio::io::split(stream);
        let mut connection = tokio::Connection::<FramingPair, _, _>::from_parts(reader, writer, framing("ascii:4"));
        for message in ["hello", "", "hi"] {
            connection.send(message.as_bytes()).await.unwrap();
        }
        assert_eq!(script.written(), FRAMES);
        let mut messages = Vec::new();
        while let Some(message) = connection.recv().await.unwrap() {
            messages.push(message.to_vec());
        }
        assert_eq!(messages, [&b"hello"[..], b"", b"hi"]);
        assert!(script.calls().reads <= 4 * FRAMES.len() + 8, "the driver does not spin: {:?}", script.calls());
    });
}
