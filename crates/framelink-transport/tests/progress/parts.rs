//! Messages that have arrived or left in part: a driver does not wait for the rest while it could do other work.

use std::time::Duration;

use framelink_testkit::{ReadStep, WriteStep};
use framelink_transport::TrySend;
use framelink_transport::heartbeat::Role;
use framelink_transport::nonblocking::Connection;

use super::stream::{PONG, ping, scripted};
use crate::support::driver::framing;

const WITHIN: Duration = Duration::from_secs(30);

/// The request may be written only when the half message turns out to be a heartbeat.
#[test]
fn the_answer_to_a_probe_leaves_while_a_call_waits_behind_half_a_message() {
    let (stream, script) = scripted([ReadStep::bytes(b"\0\x04PING\0\x04PO")], []);
    script.after_writes(WriteStep::ALL);
    let mut connection = Connection::new(stream, framing("net:2"));
    connection.watch(ping(), Role::Server);
    assert_eq!(connection.try_call(b"hi", WITHIN).unwrap(), None);
    assert_eq!(script.written(), PONG);

    script.push_reads([ReadStep::bytes(b"NG")]);
    assert_eq!(connection.try_reply().unwrap(), None);
    assert_eq!(script.written(), b"\0\x04PONG\0\x02hi");
    script.push_reads([ReadStep::bytes(b"\0\x02ok")]);
    assert_eq!(connection.try_reply().unwrap().as_deref(), Some(&b"ok"[..]));
}

/// The stream takes one record at a time, as TLS does, and gives no sign when it has room for the next.
#[test]
fn a_message_is_written_until_the_stream_would_block() {
    let (stream, script) = scripted([], [WriteStep::AtMost(4)]);
    script.after_writes(WriteStep::ALL);
    let mut connection = Connection::new(stream, framing("net:2"));
    assert_eq!(connection.try_send(b"0123456789").unwrap(), TrySend::Written);
    assert_eq!(script.written(), b"\0\x0a0123456789");
}

/// The parts are joined before they are written.
#[test]
fn a_long_message_is_written_at_once_even_if_its_parts_cannot_be_gathered() {
    let (stream, script) = scripted([], []);
    script.after_writes(WriteStep::ALL);
    let mut connection = Connection::new(stream, framing("net:2"));
    assert_eq!(connection.try_send(&[b'x'; 5000]).unwrap(), TrySend::Written);
    assert_eq!(script.written().len(), 5002);
}
