//! What happens to running handlers when the peer's stream ends.

use std::io::Write;
use std::sync::Arc;

use framelink_transport::session::Concurrency;
use framelink_transport::{Blame, Cause};

use crate::support::gates::Gates;
use crate::support::peer::{Peer, frame};
use crate::support::server::{Handler, Serve, on_every_driver, profile};

on_every_driver!(
    tls:
    after_a_half_close_handlers_finish_and_their_replies_are_sent,
    garbage_ends_the_connection_after_earlier_requests_are_answered,
    a_peer_that_closes_at_once_is_not_an_error,
);

fn slow_echo(gates: &Gates) -> Handler {
    let gates = gates.clone();
    Arc::new(move |message| {
        gates.pass(message);
        Some(message.to_vec())
    })
}

fn after_a_half_close_handlers_finish_and_their_replies_are_sent<S: Serve>() {
    let gates = Gates::default();
    let server = S::start(profile().build().unwrap(), Concurrency::new(4), slow_echo(&gates));
    let mut peer = Peer::dial(server.address);
    peer.write(&[b"one", b"two", b"three"]);
    peer.half_close();
    gates.wait_for_entered(3);
    peer.expect_nothing();
    for name in ["three", "two", "one"] {
        gates.open(name.as_bytes());
    }
    let expected = [frame(b"one"), frame(b"two"), frame(b"three")].concat();
    assert_eq!(peer.read_to_end(), expected, "{}", S::NAME);
    assert_eq!(server.outcome().unwrap(), 3);
}

fn garbage_ends_the_connection_after_earlier_requests_are_answered<S: Serve>() {
    let gates = Gates::default();
    let framing: framelink_transport::Framing = "ascii:2".parse().unwrap();
    let profile = framelink_transport::Profile::builder(framing).build().unwrap();
    let server = S::start(profile, Concurrency::new(4), slow_echo(&gates));
    let mut peer = Peer::dial(server.address);
    peer.0.write_all(b"03one03twoGET / HTTP/1.1\r\n").unwrap();
    gates.wait_for_entered(2);
    gates.open(b"two");
    gates.open(b"one");
    assert_eq!(peer.read_to_end(), b"03one03two", "{}", S::NAME);
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::Fault(_)), "{}: {error}", S::NAME);
    assert_eq!(error.blame(), Blame::Peer);
}

fn a_peer_that_closes_at_once_is_not_an_error<S: Serve>() {
    let server = S::start(profile().build().unwrap(), Concurrency::new(4), slow_echo(&Gates::default()));
    drop(Peer::dial(server.address));
    assert_eq!(server.outcome().unwrap(), 0, "{}", S::NAME);
}
