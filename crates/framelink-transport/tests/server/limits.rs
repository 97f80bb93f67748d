//! Limits of numbers, on every driver.

use std::sync::Arc;

use framelink_transport::heartbeat::{Form, Heartbeat};
use framelink_transport::session::Concurrency;
use framelink_transport::{Blame, Cause};

use crate::echo;
use crate::peer::Peer;
use crate::server::{Serve, on_every_driver, profile};

on_every_driver!(
    empty_messages_are_limited_and_those_before_are_answered,
    empty_heartbeats_are_limited_too,
    a_limit_of_messages_that_wait_loses_none,
);

fn empty_messages_are_limited_and_those_before_are_answered<S: Serve>() {
    let server = S::start(profile().empty_messages(5).build().unwrap(), Concurrency::new(8), echo());
    let mut peer = Peer::dial(server.address);
    peer.write(&[b"", b"", b"", b"", b"", b"", b"not answered"]);
    assert_eq!(peer.read_to_end(), [0; 10], "{}", S::NAME);
    drop(peer);
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::TooManyEmpty { most: 5 }), "{error}");
    assert_eq!(error.blame(), Blame::Peer);
    assert!(error.to_string().contains("more than 5 empty messages"), "{error}");
}

fn empty_heartbeats_are_limited_too<S: Serve>() {
    let heartbeat = Heartbeat::strict(Form::empty());
    let profile = profile().heartbeat(heartbeat).empty_messages(50).build().unwrap();
    let server = S::start(profile, Concurrency::new(8), echo());
    let mut peer = Peer::dial(server.address);
    peer.write(&[&b""[..]; 51]);
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::TooManyEmpty { most: 50 }), "{}: {error}", S::NAME);
}

fn a_limit_of_messages_that_wait_loses_none<S: Serve>() {
    let server = S::start(
        profile().queued_messages(1).build().unwrap(),
        Concurrency::new(64),
        Arc::new(|_: &[u8]| Some(b"x".to_vec())),
    );
    let mut peer = Peer::dial(server.address);
    for _ in 0..20 {
        peer.write(&[&b"hello"[..]; 64]);
        for _ in 0..64 {
            assert_eq!(peer.read(), b"x", "{}", S::NAME);
        }
    }
}
