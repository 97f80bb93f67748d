//! Which connections a server admits, on every driver, and how long a connection counts.

use std::sync::Arc;

use framelink_transport::profile::Access;
use framelink_transport::session::{Concurrency, Matching};
use framelink_transport::{Admission, blocking, nonblocking, tokio as driver};

use crate::peer::Peer;
use crate::server::{Serve, on_every_driver, profile};
use crate::{dial_from, echo};

on_every_driver!(
    a_connection_over_the_limit_is_closed_at_once_and_the_others_are_served,
    each_client_has_its_own_share_of_connections,
    a_denied_client_is_closed_at_once,
    a_flood_of_refused_connections_delays_no_other_client,
);

fn is_served(peer: &mut Peer) -> bool {
    peer.write(&[b"hello"]);
    peer.read() == b"hello"
}

fn a_connection_over_the_limit_is_closed_at_once_and_the_others_are_served<S: Serve>() {
    let server = S::start(profile().connections(2).build().unwrap(), Concurrency::new(4), echo());
    let mut peers = [1, 2].map(|last| dial_from([127, 0, 0, last], server.address));
    assert!(peers.iter_mut().all(is_served), "{}", S::NAME);
    assert_eq!(dial_from([127, 0, 0, 3], server.address).read_to_end(), b"");
    assert!(peers.iter_mut().all(is_served));
    let [first, _second] = peers;
    drop(first);
    assert!(server.outcome().is_ok());
    assert!(
        is_served(&mut dial_from([127, 0, 0, 3], server.address)),
        "the connection is admitted after another has ended"
    );
}

fn each_client_has_its_own_share_of_connections<S: Serve>() {
    let server = S::start(profile().connections_per_client(1).build().unwrap(), Concurrency::new(4), echo());
    let mut peers = [2, 3, 4].map(|last| dial_from([127, 9, 0, last], server.address));
    assert!(peers.iter_mut().all(is_served), "{}", S::NAME);
    assert_eq!(dial_from([127, 9, 0, 3], server.address).read_to_end(), b"");
    assert!(peers.iter_mut().all(is_served));
}

fn a_denied_client_is_closed_at_once<S: Serve>() {
    let access = Access { allow: vec!["127.0.0.0/30".parse().unwrap()], deny: vec!["127.0.0.2".parse().unwrap()] };
    let server = S::start(profile().access(access).build().unwrap(), Concurrency::new(4), echo());
    assert!(is_served(&mut dial_from([127, 0, 0, 1], server.address)), "{}", S::NAME);
    for denied in [2, 4] {
        assert_eq!(dial_from([127, 0, 0, denied], server.address).read_to_end(), b"", "{denied}");
    }
}

fn a_flood_of_refused_connections_delays_no_other_client<S: Serve>() {
    let access = Access { allow: Vec::new(), deny: vec!["127.0.0.66".parse().unwrap()] };
    let server = S::start(profile().access(access).build().unwrap(), Concurrency::new(4), echo());
    for _ in 0..20 {
        for _ in 0..25 {
            drop(dial_from([127, 0, 0, 66], server.address));
        }
        assert!(is_served(&mut dial_from([127, 0, 0, 1], server.address)), "{}", S::NAME);
    }
}

fn profile_of_one() -> Arc<framelink_transport::Profile> {
    Arc::new(profile().connections(1).build().unwrap())
}

#[track_caller]
fn assert_held(admission: &Admission, is_held: bool) {
    assert_eq!(admission.len(), usize::from(is_held));
    assert_eq!(admission.counts().accepted, 1);
}

#[tokio::test]
async fn dropping_the_last_part_of_a_tokio_connection_frees_its_place() {
    for duplex in [false, true] {
        let mut listener = driver::Listener::bind_profile("127.0.0.1:0", &profile_of_one()).await.unwrap();
        let admission = listener.admission().unwrap().clone();
        let _peer = Peer::dial(listener.local_addr().unwrap());
        let connection = listener.accept().await.unwrap();
        assert_held(&admission, true);
        if duplex {
            let (caller, receiver) = connection.duplex(Matching::in_order());
            drop(receiver);
            assert_held(&admission, true);
            drop(caller);
        } else {
            let (receiver, sender) = connection.split();
            drop(sender);
            assert_held(&admission, true);
            drop(receiver);
        }
        assert_held(&admission, false);
    }
}

#[test]
fn dropping_the_last_part_of_a_blocking_connection_frees_its_place() {
    let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &profile_of_one()).unwrap();
    let admission = listener.admission().unwrap().clone();
    let _peer = Peer::dial(listener.local_addr().unwrap());
    let (receiver, sender) = listener.accept().unwrap().unwrap().split();
    drop(receiver);
    assert_held(&admission, true);
    drop(sender);
    assert_held(&admission, false);
}

#[test]
fn dropping_the_last_part_of_a_non_blocking_connection_frees_its_place() {
    let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &profile_of_one()).unwrap();
    let admission = listener.admission().unwrap().clone();
    let _peer = Peer::dial(listener.local_addr().unwrap());
    let (receiver, sender) = listener.try_accept().unwrap().expect("a connection").split().unwrap();
    drop(receiver);
    assert_held(&admission, true);
    drop(sender);
    assert_held(&admission, false);
}
