//! A stream may hold bytes that it has accepted, as TLS does. The drivers flush it until it has passed all bytes on.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use framelink_testkit::{ReadStep, Script, WriteStep};
use framelink_transport::session::{KeyRule, Matching};
use framelink_transport::{FramingPair, TryRecv, TrySend, nonblocking, tokio as on_tokio};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{sleep, timeout};

use super::stream::{Waiting, scripted};
use crate::support::driver::framing;

const WITHIN: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);
const REQUEST: &[u8] = b"\0\x2601 this is more than the pipe can hold";
const REPLY: &[u8] = b"\0\x0201";

/// A stream that accepts all bytes, and passes them on when it is flushed.
struct Holding<S> {
    stream: S,
    held: Vec<u8>,
}

impl<S> Holding<S> {
    const fn new(stream: S) -> Self {
        Self { stream, held: Vec::new() }
    }
}

impl Read for Holding<Waiting> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.stream.read(space)
    }
}

impl Write for Holding<Waiting> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.held.is_empty() {
            let count = self.stream.write(&self.held)?;
            self.held.drain(..count);
        }
        self.stream.flush()
    }
}

impl nonblocking::WriteStream for Holding<Waiting> {
    fn shut_down(&mut self) -> io::Result<()> {
        self.flush()
    }
}

impl AsyncWrite for Holding<DuplexStream> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.held.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, held } = &mut *self;
        while !held.is_empty() {
            let count = std::task::ready!(Pin::new(&mut *stream).poll_write(context, held))?;
            held.drain(..count);
        }
        Pin::new(stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.as_mut().poll_flush(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Returns a connection over two pipes, and starts a peer that replies when it has the request. The pipe to the peer
/// holds 16 bytes.
fn with_held_request() -> on_tokio::Connection<FramingPair, DuplexStream, Holding<DuplexStream>> {
    let ((reader, mut their_writer), (writer, mut their_reader)) = (duplex(1024), duplex(16));
    tokio::spawn(async move {
        sleep(SHORT * 2).await;
        let mut bytes = [0; REQUEST.len()];
        their_reader.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, REQUEST);
        their_writer.write_all(REPLY).await.unwrap();
        // No other event wakes our side.
        sleep(WITHIN * 2).await;
    });
    on_tokio::Connection::from_parts(reader, Holding::new(writer), framing("net:2"))
}

fn by_key() -> Matching {
    Matching::by_key(KeyRule::at("0:2".parse().unwrap()))
}

#[tokio::test(start_paused = true)]
async fn a_held_request_leaves_while_the_call_waits_for_its_reply() {
    let (caller, mut receiver) = with_held_request().duplex(by_key());
    tokio::spawn(async move { while receiver.recv().await.is_ok() {} });
    assert_eq!(&caller.call(&REQUEST[2..], WITHIN).await.unwrap()[..], b"01");
}

#[tokio::test(start_paused = true)]
async fn a_held_message_leaves_while_another_is_received() {
    let mut connection = with_held_request();
    connection.send_within(&REQUEST[2..], SHORT).await.unwrap_err();
    let TryRecv::Message(reply) = connection.recv_within(WITHIN).await.unwrap() else { panic!("no reply") };
    assert_eq!(&reply[..], b"01");
}

/// The receiver has stopped, so the sender has to flush.
#[tokio::test(start_paused = true)]
async fn a_send_ends_when_the_stream_has_passed_the_message_on() {
    let ((reader, their_writer), (writer, mut their_reader)) = (duplex(1024), duplex(16));
    let connection =
        on_tokio::Connection::<FramingPair, _, _>::from_parts(reader, Holding::new(writer), framing("net:2"));
    let (caller, mut receiver) = connection.duplex(by_key());
    drop(their_writer);
    assert_eq!(receiver.recv().await.unwrap(), None);
    let sending = tokio::spawn(async move { caller.send(&REQUEST[2..]).await });
    let mut bytes = [0; REQUEST.len()];
    timeout(WITHIN, their_reader.read_exact(&mut bytes)).await.expect("the message leaves").unwrap();
    assert_eq!(bytes, REQUEST);
    timeout(WITHIN, sending).await.expect("the message leaves").unwrap().unwrap();
}

fn connection(
    writes: impl IntoIterator<Item = WriteStep>,
) -> (nonblocking::Connection<FramingPair, Holding<Waiting>>, Script) {
    let (stream, script) = scripted([], writes);
    script.after_writes(WriteStep::ALL);
    (nonblocking::Connection::new(Holding::new(stream), framing("net:2")), script)
}

#[test]
fn a_message_that_was_written_is_not_flushed_again() {
    let (mut connection, script) = connection([]);
    assert_eq!(connection.try_send(b"hi").unwrap(), TrySend::Written);
    assert_eq!(script.written(), b"\0\x02hi");
}

#[test]
fn a_held_message_leaves_when_the_stream_has_room() {
    let (mut connection, script) = connection([WriteStep::AtMost(1), WriteStep::WouldBlock]);
    let _ = connection.try_send(b"hi").unwrap();
    assert_eq!(script.written(), b"\0");
    assert_eq!(connection.try_recv().unwrap(), TryRecv::Nothing);
    assert_eq!(script.written(), b"\0\x02hi");
    script.push_reads([ReadStep::bytes(b"\0\x02ok")]);
    assert!(matches!(connection.try_recv().unwrap(), TryRecv::Message(_)));
}

#[test]
fn held_bytes_leave_before_the_next_message_is_accepted() {
    let (mut connection, script) = connection([WriteStep::WouldBlock, WriteStep::WouldBlock]);
    let _ = connection.try_send(b"one").unwrap();
    assert_eq!(connection.try_send(b"two").unwrap(), TrySend::Queued);
    assert!(connection.try_flush().unwrap());
    assert_eq!(script.written(), b"\0\x03one\0\x03two");
}
