//! A pair: two connections with one peer, one for each direction.

use std::net::Shutdown;
use std::time::Duration;

use framelink_transport::session::{Matching, Sent};
use framelink_transport::{Cause, Incoming};

use crate::support::many::{DEADLINE, Happened, Many, by_key, framing, on_every_driver};
use crate::support::peer::{Peer, small_sockets};

on_every_driver!(
    tls:
    requests_use_one_connection_and_replies_the_other,
    the_end_of_the_receiving_connection_ends_both,
    the_end_of_the_sending_connection_ends_both,
    a_reset_of_the_sending_connection_ends_both,
    a_message_on_the_sending_connection_ends_both,
    in_order_a_timeout_ends_both_connections,
);
// Over TLS, the helpers of two connections keep no order between them.
on_every_driver!(messages_that_arrived_before_the_end_are_delivered);

/// The peer's ends of a pair.
struct Far {
    /// The connection on which the peer receives our requests.
    requests: Peer,
    /// The connection on which the peer replies.
    replies: Peer,
}

fn pair<M: Many>(matching: Matching) -> (M, Far) {
    let ((sending, requests), (receiving, replies)) = (small_sockets(), small_sockets());
    let ours = M::pair(sending, receiving, framing("net:2"), matching);
    (ours, Far { requests: Peer(requests), replies: Peer(replies) })
}

/// Returns a pair with three calls in flight.
fn busy<M: Many>() -> (M, Far) {
    let (mut ours, mut far) = pair::<M>(by_key());
    for call in 0..3 {
        ours.begin(call, format!("{call:02}").as_bytes(), DEADLINE);
    }
    ours.wait_for_in_flight(3);
    for _ in 0..3 {
        far.requests.read();
    }
    (ours, far)
}

/// Asserts that every call fails and that the end is reported, each with this cause.
fn expect_end<M: Many>(ours: &mut M, is_it: impl Fn(&Cause) -> bool) {
    let (mut failed, mut is_over) = (0, false);
    while failed < 3 || !is_over {
        match ours.next() {
            Happened::Failed(_, error) => {
                assert!(is_it(error.error().cause()), "{}: {error}", M::NAME);
                assert_eq!(error.sent(), Sent::Perhaps);
                failed += 1;
            }
            Happened::Lost(error) => {
                assert!(is_it(error.cause()), "{}: {error}", M::NAME);
                is_over = true;
            }
            Happened::Closed => is_over = true,
            other => panic!("{}: {other:?}", M::NAME),
        }
    }
    assert!(ours.send(b"more").is_err(), "{}: sending fails when one connection of a pair has ended", M::NAME);
    ours.begin(9, b"09", DEADLINE);
    assert_eq!(ours.failure(9).sent(), Sent::Not);
}

fn requests_use_one_connection_and_replies_the_other<M: Many>() {
    let (mut ours, mut far) = pair::<M>(by_key());
    for call in 0..100 {
        let request = format!("{call:02} hello");
        ours.begin(call, request.as_bytes(), DEADLINE);
        assert_eq!(far.requests.read(), request.as_bytes(), "{}", M::NAME);
        far.replies.send(request.as_bytes());
        assert_eq!(&ours.reply(call)[..], request.as_bytes());
    }
    far.replies.send(b"99 news");
    assert!(matches!(ours.received(), Happened::Incoming(Incoming::Message(news)) if &news[..] == b"99 news"));
    ours.send(b"ours").unwrap();
    assert_eq!(far.requests.read(), b"ours");
    // No bytes travel in the wrong direction.
    far.replies.expect_nothing();
}

fn the_end_of_the_receiving_connection_ends_both<M: Many>() {
    let (mut ours, mut far) = busy::<M>();
    far.replies.0.shutdown(Shutdown::Write).unwrap();
    expect_end(&mut ours, |cause| matches!(cause, Cause::NoReply));
    assert!(far.requests.read_to_end().is_empty(), "{}: the sending connection is closed too", M::NAME);
}

fn the_end_of_the_sending_connection_ends_both<M: Many>() {
    let (mut ours, Far { requests, mut replies }) = busy::<M>();
    requests.0.shutdown(Shutdown::Write).unwrap();
    expect_end(&mut ours, |cause| matches!(cause, Cause::SendingClosed));
    drop(ours);
    assert!(replies.read_to_end().is_empty(), "{}: the receiving connection is closed too", M::NAME);
}

fn a_reset_of_the_sending_connection_ends_both<M: Many>() {
    let (mut ours, Far { requests, mut replies }) = busy::<M>();
    socket2::SockRef::from(&requests.0).set_linger(Some(Duration::ZERO)).unwrap();
    drop(requests);
    expect_end(&mut ours, |cause| matches!(cause, Cause::Reset(_)));
    drop(ours);
    assert!(replies.read_to_end().is_empty(), "{}: the receiving connection is closed too", M::NAME);
}

fn a_message_on_the_sending_connection_ends_both<M: Many>() {
    let (mut ours, mut far) = busy::<M>();
    far.requests.send(b"00 reply on the wrong one");
    expect_end(&mut ours, |cause| matches!(cause, Cause::OneWay));
}

fn messages_that_arrived_before_the_end_are_delivered<M: Many>() {
    let (mut ours, mut far) = pair::<M>(by_key());
    ours.begin(0, b"00", DEADLINE);
    far.requests.read();
    far.replies.send(b"99 news");
    far.replies.send(b"00 reply");
    // Bytes that loopback has accepted have arrived.
    drop(far.requests);
    let mut seen = 0;
    loop {
        match ours.next() {
            Happened::Reply(0, _) | Happened::Incoming(_) => seen += 1,
            Happened::Lost(_) | Happened::Closed => break,
            other => panic!("{}: {other:?}", M::NAME),
        }
    }
    // The thread of the call reports the reply. That thread may be slower than the receiving one.
    while seen < 2 {
        ours.reply(0);
        seen += 1;
    }
}

fn in_order_a_timeout_ends_both_connections<M: Many>() {
    let (mut ours, mut far) = pair::<M>(Matching::in_order());
    ours.begin(0, b"one", Duration::from_millis(100));
    far.requests.read();
    assert_eq!(ours.failure(0).sent(), Sent::NoReply);
    assert!(
        matches!(ours.received(), Happened::Lost(error) if matches!(error.cause(), Cause::Unclean(_))),
        "{}",
        M::NAME
    );
    drop(ours);
    assert!(far.requests.read_to_end().is_empty() && far.replies.read_to_end().is_empty());
}
