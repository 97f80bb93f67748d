//! Handlers that panic. (On the non-blocking driver the application runs its handlers itself.)

use std::sync::Arc;

use framelink_transport::session::Concurrency;
use framelink_transport::{Blame, Cause};

use crate::support::gates::Gates;
use crate::support::peer::Peer;
use crate::support::server::{Blocking, Serve, Tokio, profile};

#[test]
fn on_blocking_a_panic_ends_only_its_connection() {
    a_panic_ends_only_its_connection::<Blocking>();
}

#[test]
fn on_tokio_a_panic_ends_only_its_connection() {
    a_panic_ends_only_its_connection::<Tokio>();
}

fn a_panic_ends_only_its_connection<S: Serve>() {
    let gates = Gates::default();
    let handler = {
        let gates = gates.clone();
        Arc::new(move |message: &[u8]| {
            gates.pass(message);
            assert_ne!(message, b"panic", "a panic on purpose");
            Some(message.to_vec())
        })
    };
    let server = S::start(profile().build().unwrap(), Concurrency::new(4), handler);
    let (mut unlucky, mut other) = (Peer::dial(server.address), Peer::dial(server.address));
    other.write(&[b"one"]);
    unlucky.write(&[b"slow", b"panic"]);
    gates.wait_for_entered(3);
    gates.open(b"panic");
    assert!(
        unlucky.read_to_end().is_empty(),
        "{}: neither the request of the panic nor an unfinished one is answered",
        S::NAME
    );
    gates.open(b"slow");
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::HandlerPanicked), "{}: {error}", S::NAME);
    assert_eq!(error.blame(), Blame::Ours);
    assert!(error.to_string().ends_with("the handler of a request panicked"), "{error}");

    // The other connection is still served, and so is a later one.
    gates.open(b"one");
    assert_eq!(other.read(), b"one");
    let mut later = Peer::dial(server.address);
    later.write(&[b"one"]);
    assert_eq!(later.read(), b"one");
}

#[test]
fn a_panic_of_the_only_handler_is_an_error() {
    let (ours, theirs) = super::other_way::sockets();
    let framing: framelink_transport::Framing = "net:2".parse().unwrap();
    Peer::new(theirs).write(&[b"panic"]);
    let connection = framelink_transport::blocking::Connection::from_stream(ours, framing);
    let error = connection
        .serve(&profile().build().unwrap(), |_| -> Option<Vec<u8>> { panic!("a panic on purpose") })
        .unwrap_err();
    assert!(matches!(error.cause(), Cause::HandlerPanicked), "{error}");
}
