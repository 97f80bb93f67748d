//! Receiving a reply without a call in flight.

use framelink_transport::session::Sent;
use framelink_transport::{Blame, Cause, nonblocking::Connection};

use super::{DEADLINE, framing, sockets};

#[test]
fn receiving_a_reply_without_a_call_is_an_error_and_the_connection_stays_usable() {
    let (ours, theirs) = sockets();
    let mut connection = Connection::from_stream(ours, framing()).unwrap();
    let error = connection.try_reply().unwrap_err();
    assert!(matches!(error.error().cause(), Cause::NoCall), "{error}");
    assert_eq!((error.sent(), error.error().blame()), (Sent::Not, Blame::Ours));
    assert!(error.to_string().contains("no call is in flight"), "{error}");

    let mut peer = Connection::from_stream(theirs, framing()).unwrap();
    assert!(connection.try_call(b"hello", DEADLINE).unwrap().is_none());
    let request = peer.recv_within(DEADLINE).unwrap().into_message().unwrap();
    peer.send_within(&request, DEADLINE).unwrap();
    let reply = loop {
        if let Some(reply) = connection.try_reply().unwrap() {
            break reply;
        }
        std::thread::yield_now();
    };
    assert_eq!(&reply[..], b"hello");
    assert!(
        matches!(connection.try_reply().unwrap_err().error().cause(), Cause::NoCall),
        "the reply was already taken"
    );
}
