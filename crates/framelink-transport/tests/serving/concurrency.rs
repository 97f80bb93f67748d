//! The number of handlers that run at a time, and what delays requests.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_transport::session::{Concurrency, ReplyOrder};
use framelink_transport::{Cause, Operation};

use crate::support::gates::Gates;
use crate::support::peer::{DEADLINE, Peer, frame};
use crate::support::server::{Serve, on_every_driver, profile};

on_every_driver!(
    tls:
    as_many_as_the_limit_run_at_once_and_no_more,
    an_idle_peer_that_reads_nothing_stays_connected,
);
// Over TLS, a helper reads for the peer.
on_every_driver!(a_server_stops_reading_from_a_peer_that_reads_nothing_and_ends_it_in_time);

fn as_many_as_the_limit_run_at_once_and_no_more<S: Serve>() {
    for order in [ReplyOrder::Requests, ReplyOrder::Finished] {
        let gates = Gates::default();
        let handler = {
            let gates = gates.clone();
            Arc::new(move |message: &[u8]| {
                gates.pass(message);
                Some(message.to_vec())
            })
        };
        let server = S::start(profile().build().unwrap(), Concurrency::new(3).order_by(order), handler);
        let mut peer = Peer::dial(server.address);
        let requests: Vec<Vec<u8>> = (0..30).map(|number| vec![number]).collect();
        peer.write(&requests.iter().map(Vec::as_slice).collect::<Vec<_>>());
        gates.wait_for_entered(3);
        peer.expect_nothing();
        assert_eq!(gates.entered(), 3, "{}: the other requests wait", S::NAME);
        for number in 0..30 {
            gates.open(&[number]);
        }
        for _ in 0..30 {
            peer.read();
        }
        assert_eq!(gates.most_inside(), 3, "{}", S::NAME);
        peer.half_close();
        assert_eq!(server.outcome().unwrap(), 30);
    }
}

fn a_server_stops_reading_from_a_peer_that_reads_nothing_and_ends_it_in_time<S: Serve>() {
    let handled = Gates::default();
    let handler = {
        let handled = handled.clone();
        Arc::new(move |message: &[u8]| {
            handled.open(message);
            handled.pass(message);
            Some(vec![b'x'; 60_000])
        })
    };
    let write = Duration::from_millis(500);
    let server = S::start(profile().write_timeout(write).build().unwrap(), Concurrency::new(4), handler);
    let mut peer = Peer::dial(server.address);
    peer.0.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let (request, began) = (frame(&[b'r'; 1000]), Instant::now());
    let error = loop {
        // The peer sends for as long as the server reads, and longer.
        match peer.0.write(&request) {
            Ok(_) => assert!(began.elapsed() < DEADLINE, "{}: the server never ends the connection", S::NAME),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break server.outcome().unwrap_err(),
        }
    };
    assert!(matches!(error.cause(), Cause::TimedOut { unwritten_bytes: 1.., .. }), "{}: {error}", S::NAME);
    assert!(matches!(error.operation(), Operation::Serve | Operation::Send));
    // The socket buffers of both sides, the queue, and four running handlers.
    assert!(handled.entered() < 200, "{}: {} requests were handled", S::NAME, handled.entered());
}

fn an_idle_peer_that_reads_nothing_stays_connected<S: Serve>() {
    let write = Duration::from_millis(50);
    let handler = Arc::new(|message: &[u8]| (message == b"last").then(|| b"reply".to_vec()));
    let server = S::start(profile().write_timeout(write).build().unwrap(), Concurrency::new(2), handler);
    let mut peer = Peer::dial(server.address);
    for _ in 0..3 {
        peer.write(&[b"none"]);
        peer.expect_nothing();
    }
    peer.write(&[b"last"]);
    assert_eq!(peer.read(), b"reply", "{}", S::NAME);
}
