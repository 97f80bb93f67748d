//! The order of replies.

use std::sync::Arc;

use framelink_transport::session::{Concurrency, ReplyOrder};

use crate::support::gates::Gates;
use crate::support::peer::Peer;
use crate::support::server::{Serve, on_every_driver, profile};

on_every_driver!(
    tls:
    replies_are_sent_in_the_order_of_requests_although_later_ones_finish_first,
    replies_are_sent_as_their_handlers_finish,
    a_handler_may_return_no_reply,
    pipelined_requests_behind_a_slow_one_are_answered,
);

fn echo(gates: &Gates) -> crate::support::server::Handler {
    let gates = gates.clone();
    Arc::new(move |message| {
        gates.pass(message);
        Some(message.to_vec())
    })
}

fn replies_are_sent_in_the_order_of_requests_although_later_ones_finish_first<S: Serve>() {
    let gates = Gates::default();
    let server = S::start(profile().build().unwrap(), Concurrency::new(4), echo(&gates));
    let mut peer = Peer::dial(server.address);
    peer.write(&[b"one", b"two", b"three"]);
    gates.wait_for_entered(3);
    gates.open(b"three");
    gates.open(b"two");
    peer.expect_nothing();
    gates.open(b"one");
    for expected in ["one", "two", "three"] {
        assert_eq!(peer.read(), expected.as_bytes(), "{}", S::NAME);
    }
    peer.half_close();
    assert_eq!(server.outcome().unwrap(), 3);
}

fn replies_are_sent_as_their_handlers_finish<S: Serve>() {
    let gates = Gates::default();
    let concurrency = Concurrency::new(4).order_by(ReplyOrder::Finished);
    let server = S::start(profile().build().unwrap(), concurrency, echo(&gates));
    let mut peer = Peer::dial(server.address);
    peer.write(&[b"one", b"two", b"three"]);
    for name in ["three", "one", "two"] {
        gates.open(name.as_bytes());
        assert_eq!(peer.read(), name.as_bytes(), "{}", S::NAME);
    }
    peer.half_close();
    assert_eq!(server.outcome().unwrap(), 3);
}

fn a_handler_may_return_no_reply<S: Serve>() {
    for order in [ReplyOrder::Requests, ReplyOrder::Finished] {
        let handler = Arc::new(|message: &[u8]| message[0].is_multiple_of(2).then(|| message.to_vec()));
        let server = S::start(profile().build().unwrap(), Concurrency::new(2).order_by(order), handler);
        let mut peer = Peer::dial(server.address);
        // More requests than the limit: a request without a reply frees its place.
        let requests: Vec<Vec<u8>> = (0..40).map(|number| vec![number]).collect();
        peer.write(&requests.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut replies: Vec<u8> = (0..20).map(|_| peer.read()[0]).collect();
        replies.sort_unstable();
        assert_eq!(replies, (0..40).step_by(2).collect::<Vec<u8>>(), "{}", S::NAME);
        peer.half_close();
        assert_eq!(server.outcome().unwrap(), 40);
    }
}

fn pipelined_requests_behind_a_slow_one_are_answered<S: Serve>() {
    // With a limit of one, the later requests arrive with the first read, and no further event reports them.
    for limit in [1, 3] {
        let gates = Gates::default();
        let server = S::start(profile().build().unwrap(), Concurrency::new(limit), echo(&gates));
        let mut peer = Peer::dial(server.address);
        let requests: Vec<Vec<u8>> = (0..10).map(|number| vec![number]).collect();
        peer.write(&requests.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for number in 1..10 {
            gates.open(&[number]);
        }
        peer.expect_nothing();
        gates.open(&[0]);
        for number in 0..10 {
            assert_eq!(peer.read(), [number], "{}", S::NAME);
        }
        peer.half_close();
        assert_eq!(server.outcome().unwrap(), 10);
        assert!(gates.most_inside() <= limit);
    }
}
