//! What has come or left in part only: the rest is not waited for where something else could be done.

use std::time::Duration;

use framelink_testkit::{ReadStep, WriteStep};
use framelink_transport::TrySend;
use framelink_transport::heartbeat::Role;
use framelink_transport::nonblocking::Connection;

use super::stream::{PONG, ping, scripted};
use crate::support::driver::framing;

const WITHIN: Duration = Duration::from_secs(30);

/// Whether the half of a message is that of a heartbeat decides if the request may go out.
#[test]
fn an_answer_leaves_while_a_call_waits_behind_half_a_message() {
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

/// It takes one record at a time, as TLS does, and says nothing when there is room for the next one.
#[test]
fn a_message_is_offered_until_the_stream_would_have_to_wait() {
    let (stream, script) = scripted([], [WriteStep::AtMost(4)]);
    script.after_writes(WriteStep::ALL);
    let mut connection = Connection::new(stream, framing("net:2"));
    assert_eq!(connection.try_send(b"0123456789").unwrap(), TrySend::Written);
    assert_eq!(script.written(), b"\0\x0a0123456789");
}

/// It is put together before it is written.
#[test]
fn a_long_message_is_offered_at_once_where_its_parts_cannot_be_gathered() {
    let (stream, script) = scripted([], []);
    script.after_writes(WriteStep::ALL);
    let mut connection = Connection::new(stream, framing("net:2"));
    assert_eq!(connection.try_send(&[b'x'; 5000]).unwrap(), TrySend::Written);
    assert_eq!(script.written().len(), 5002);
}
