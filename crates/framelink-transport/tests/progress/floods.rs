//! A flood of heartbeats does not stop timers, and one call does not process it without bound.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use framelink_testkit::{ScriptedStream, WriteStep};
use framelink_transport::heartbeat::{Form, Heartbeat, Role};
use framelink_transport::{Cause, FramingPair, TryRecv, blocking, nonblocking, tokio as on_tokio};

use super::stream::{Flood, PING, ping};
use crate::support::driver::{DEADLINE, framing};

const SHORT: Duration = Duration::from_millis(50);

/// The flood: heartbeats cut in the middle, so that each read leaves half of one.
const CUT: &[u8] = b"ING\0\x04P";

/// Returns the number of reads in one poll.
fn reads_of_one_poll(bytes: &'static [u8], polled: impl FnOnce(&mut Tokio)) -> usize {
    let (flood, (writer, _script)) = (Flood::new(bytes, 10_000), ScriptedStream::new([], []));
    let reader = std::io::Cursor::new(&b"\0\x04P"[..]);
    let reader = tokio::io::AsyncReadExt::chain(reader, flood.clone());
    let mut connection = on_tokio::Connection::from_parts(reader, writer, framing("net:2"));
    connection.watch(ping(), Role::Server);
    polled(&mut connection);
    flood.take_reads()
}

type Tokio = on_tokio::Connection<FramingPair, tokio::io::Chain<std::io::Cursor<&'static [u8]>, Flood>, ScriptedStream>;

fn poll_once(future: impl Future) {
    let is_pending = pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_pending();
    assert!(is_pending, "no message arrives");
}

#[tokio::test]
async fn one_poll_processes_a_bounded_part_of_a_flood_of_heartbeats() {
    const FEW: usize = 100;
    assert!(reads_of_one_poll(CUT, |connection| poll_once(connection.recv())) <= FEW, "recv");
    assert!(reads_of_one_poll(CUT, |connection| poll_once(connection.recv_within(DEADLINE))) <= FEW, "recv_within");
    assert!(reads_of_one_poll(CUT, |connection| poll_once(connection.call(b"hi", DEADLINE))) <= FEW, "call");
}

#[tokio::test]
async fn a_flood_of_heartbeats_does_not_stop_the_clock_on_tokio() {
    let (writer, script) = ScriptedStream::new([], []);
    script.after_writes(WriteStep::ALL);
    let flood = Flood::new(PING, usize::MAX);
    let mut connection = on_tokio::Connection::<FramingPair, _, _>::from_parts(flood, writer, framing("net:2"));
    connection.watch(ping(), Role::Server);
    assert_eq!(connection.recv_within(SHORT).await.unwrap(), TryRecv::Nothing);
    let error = connection.call(b"hi", SHORT).await.unwrap_err();
    assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
}

#[test]
fn a_flood_of_heartbeats_does_not_stop_the_clock_on_the_blocking_driver() {
    let flood = Flood::new(PING, usize::MAX);
    let mut connection = blocking::Connection::<FramingPair, _, _>::from_parts(flood.clone(), flood, framing("net:2"));
    connection.watch(ping(), Role::Server);
    assert_eq!(connection.recv_within(SHORT).unwrap(), TryRecv::Nothing);
    let error = connection.call(b"hi", SHORT).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
}

#[test]
fn a_flood_of_heartbeats_does_not_stop_the_clock_on_the_non_blocking_driver() {
    let began = Instant::now();
    let flood = Flood::new(PING, usize::MAX);
    let mut connection = nonblocking::Connection::new(flood.clone(), framing("net:2"));
    connection.watch(ping(), Role::Server);
    let mut reply = connection.try_call(b"hi", SHORT);
    while let Ok(None) = reply {
        assert!(flood.take_reads() <= 100, "one call does bounded work");
        assert_eq!(connection.deadline(), Some(Duration::ZERO), "the deadline is now, because more bytes are ready");
        assert!(began.elapsed() < DEADLINE);
        reply = connection.try_reply();
    }
    let error = reply.unwrap_err();
    assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
}

/// A call looks for unsolicited messages before its request may be written. It finds a flood of heartbeats.
#[test]
fn a_call_reads_a_bounded_part_of_a_flood_of_heartbeats_before_its_request() {
    const MANY: &[u8] = &[0; 2048];
    let flood = Flood::new(MANY, usize::MAX);
    let mut connection = nonblocking::Connection::new(flood.clone(), framing("net:2"));
    connection.watch(Heartbeat::relaxed(Form::empty()), Role::Client);
    assert_eq!(connection.try_call(b"hi", DEADLINE).unwrap(), None);
    assert!(flood.take_reads() <= 2, "one call does bounded work");
    assert_eq!(connection.deadline(), Some(Duration::ZERO), "the deadline is now, because more bytes are ready");
}
