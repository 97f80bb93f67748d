//! A full server that closes its oldest connection for a new one, on every driver.

use framelink_transport::profile::WhenFull;
use framelink_transport::session::{Concurrency, Ending};
use framelink_transport::{Blame, Cause};

use crate::gates::Gates;
use crate::server::{Serve, on_every_driver, profile};
use crate::{dial_from, echo};

on_every_driver!(
    the_oldest_connection_of_all_makes_room,
    the_oldest_connection_of_the_client_makes_room,
    a_busy_connection_makes_room_too,
);

fn the_oldest_connection_of_all_makes_room<S: Serve>() {
    let profile = profile().connections(2).when_full(WhenFull::DropOldest).build().unwrap();
    let server = S::start(profile, Concurrency::new(4), echo());
    let mut peers = [1, 2, 3].map(|last| {
        let mut peer = dial_from([127, 0, 0, last], server.address);
        peer.write(&[b"hello"]);
        assert_eq!(peer.read(), b"hello", "{}", S::NAME);
        peer
    });
    assert_eq!(peers[0].read_to_end(), b"");
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::Ended(Ending::Dropped)), "{}: {error}", S::NAME);
    assert_eq!(error.blame(), Blame::Ours);
    assert!(error.to_string().contains("to make room for a newer one"), "{error}");
    for peer in &mut peers[1..] {
        peer.write(&[b"still there"]);
        assert_eq!(peer.read(), b"still there");
    }
}

fn the_oldest_connection_of_the_client_makes_room<S: Serve>() {
    let profile = profile().connections(3).connections_per_client(1).when_full(WhenFull::DropOldest).build().unwrap();
    let server = S::start(profile, Concurrency::new(4), echo());
    let mut peers = [1, 2, 2].map(|last| {
        let mut peer = dial_from([127, 0, 0, last], server.address);
        peer.write(&[b"hello"]);
        assert_eq!(peer.read(), b"hello", "{}", S::NAME);
        peer
    });
    assert_eq!(peers[1].read_to_end(), b"", "the oldest of this client is closed");
    peers[0].write(&[b"still there"]);
    assert_eq!(peers[0].read(), b"still there");
}

fn a_busy_connection_makes_room_too<S: Serve>() {
    let gates = Gates::default();
    let handler = {
        let gates = gates.clone();
        std::sync::Arc::new(move |message: &[u8]| {
            if message == b"wait" {
                gates.pass(message);
            }
            Some(message.to_vec())
        })
    };
    let profile = profile().connections(1).when_full(WhenFull::DropOldest).build().unwrap();
    let server = S::start(profile, Concurrency::new(1), handler);
    let mut busy = dial_from([127, 0, 0, 1], server.address);
    busy.write(&[b"wait"]);
    gates.wait_for_entered(1);
    let mut newer = dial_from([127, 0, 0, 2], server.address);
    newer.write(&[b"hello"]);
    assert_eq!(newer.read(), b"hello", "{}", S::NAME);
    assert_eq!(busy.read_to_end(), b"", "the busy connection is closed while its handler runs, or soon after");
    gates.open(b"wait");
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::Ended(Ending::Dropped)), "{}: {error}", S::NAME);
}
