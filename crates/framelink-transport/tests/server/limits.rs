//! Limits of counts and memory, on every driver.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use framelink_transport::heartbeat::{Form, Heartbeat};
use framelink_transport::profile::Duplex;
use framelink_transport::session::Concurrency;
use framelink_transport::{Blame, Cause, Framing, Profile, blocking};

use crate::echo;
use crate::peer::{Peer, frame};
use crate::server::{Serve, on_every_driver, profile};

on_every_driver!(
    tls:
    empty_messages_count_as_messages_and_are_all_answered,
    a_flood_of_empty_heartbeats_is_limited_and_earlier_messages_are_answered,
    a_limit_of_queued_messages_loses_no_message,
);

/// A fast client sends empty messages. Each counts as one message.
fn empty_messages_count_as_messages_and_are_all_answered<S: Serve>() {
    const MANY: usize = 1000;
    // Empty messages are not heartbeats if the heartbeats are other messages.
    let heartbeat = Heartbeat::strict(Form::literal(b"?", b"!"));
    for profile in [profile(), profile().heartbeat(heartbeat)] {
        let profile = profile.exchange(Duplex::new()).empty_messages(5).build().unwrap();
        let server = S::start(profile, Concurrency::new(8), echo());
        let mut peer = Peer::dial(server.address);
        for _ in 0..MANY / 50 {
            peer.write(&[&b""[..]; 50]);
            for _ in 0..50 {
                assert_eq!(peer.read(), b"", "{}", S::NAME);
            }
        }
        peer.half_close();
        assert_eq!(server.outcome().unwrap(), MANY as u64, "{}", S::NAME);
    }
}

fn a_flood_of_empty_heartbeats_is_limited_and_earlier_messages_are_answered<S: Serve>() {
    let heartbeat = Heartbeat::strict(Form::empty());
    let profile = profile().heartbeat(heartbeat).empty_messages(50).build().unwrap();
    let server = S::start(profile, Concurrency::new(8), echo());
    let mut peer = Peer::dial(server.address);
    let mut flood = vec![&b"answered"[..]];
    flood.extend([&b""[..]; 51]);
    flood.push(b"not answered");
    peer.write(&flood);
    assert_eq!(peer.read_to_end(), frame(b"answered"), "{}", S::NAME);
    drop(peer);
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::TooManyEmpty { most: 50 }), "{}: {error}", S::NAME);
    assert_eq!(error.blame(), Blame::Peer);
    assert!(error.to_string().contains("more than 50 empty messages"), "{error}");
}

fn a_limit_of_queued_messages_loses_no_message<S: Serve>() {
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

/// Clients that have each sent a long message are idle. If each of their threads kept its buffer, the memory limit
/// would be exceeded.
#[test]
fn idle_clients_of_a_server_of_threads_hold_no_memory() {
    const CLIENTS: usize = 100;
    /// The memory of twenty clients: a thread may still hold its buffer when the next client is served.
    const MEMORY: usize = 4 * 1024 * 1024;
    let framing: Framing = "net:4,max=60000".parse().unwrap();
    let profile = Profile::builder(framing).memory(MEMORY).memory_per_client(MEMORY).build().unwrap();
    let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile)).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let serving = thread::spawn(move || server.run(|message| Some(message.to_vec())));
    let long = vec![b'x'; 60_000];
    let mut clients: Vec<_> =
        (0..CLIENTS).map(|_| blocking::Connector::new(framing).connect(address).unwrap()).collect();
    for message in [&long[..], b"short"] {
        for client in &mut clients {
            assert_eq!(&client.call(message, Duration::from_secs(20)).unwrap()[..], message);
        }
    }
    assert_eq!(handle.counts().admission.evicted, 0);
    drop(clients);
    handle.drain(Duration::from_secs(20));
    assert_eq!(serving.join().unwrap().connections_cut, 0);
}
