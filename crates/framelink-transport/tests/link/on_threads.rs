//! Links on the blocking driver, with a thread for each request.

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::blocking::{Connection, Link, LinkEvent};
use framelink_transport::profile::{ConnectionKind, Shared};
use framelink_transport::session::Sent;
use framelink_transport::{Cause, ConnectError, FramingPair, Incoming, TryRecv};

use super::host::{DEADLINE, by_key, framing, profile};

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn accept(listener: &TcpListener) -> Connection {
    Connection::from_stream(listener.accept().unwrap().0, FramingPair::from(framing()))
}

fn echo(mut connection: Connection) {
    while let Ok(Some(message)) = connection.recv() {
        if connection.send(&message).is_err() {
            return;
        }
    }
}

fn event(inbox: &mut framelink_transport::blocking::Inbox) -> LinkEvent {
    match inbox.recv_within(DEADLINE) {
        TryRecv::Message(event) => event,
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn requests_from_many_threads_go_over_one_connection() {
    let (listener, address) = listener();
    let (link, mut inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    assert_eq!(link.connections(), 0);
    let serving = thread::spawn(move || {
        echo(accept(&listener));
        listener
    });
    thread::scope(|scope| {
        for call in 0..50 {
            let link = &link;
            scope.spawn(move || {
                let request = format!("{call:02} hello");
                assert_eq!(&link.call(request.as_bytes()).unwrap()[..], request.as_bytes());
            });
        }
    });
    assert_eq!((link.connections(), link.in_flight()), (1, 0));
    assert!(matches!(event(&mut inbox), LinkEvent::Up));
    drop(link);
    serving.join().unwrap();
    assert!(matches!(event(&mut inbox), LinkEvent::Lost(None)));
    assert!(inbox.recv().is_none(), "the inbox has ended");
}

#[test]
fn requests_in_flight_fail_with_the_loss_and_later_ones_dial_again() {
    let (listener, address) = listener();
    let (link, mut inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    let calls: Vec<_> = (0..3)
        .map(|call| {
            let link = link.clone();
            thread::spawn(move || link.call(format!("{call:02}").as_bytes()))
        })
        .collect();
    let mut host = accept(&listener);
    for _ in 0..3 {
        host.recv().unwrap().unwrap();
    }
    host.send(b"99 news").unwrap();
    drop(host);
    for call in calls {
        let error = call.join().unwrap().unwrap_err();
        assert_eq!(error.sent(), Sent::Perhaps);
        assert!(matches!(error.error().cause(), Cause::NoReply), "{error}");
    }
    assert!(matches!(event(&mut inbox), LinkEvent::Up));
    assert!(matches!(event(&mut inbox), LinkEvent::Incoming(Incoming::Message(message)) if &message[..] == b"99 news"));
    assert!(matches!(event(&mut inbox), LinkEvent::Lost(None)));
    thread::spawn(move || echo(accept(&listener)));
    assert_eq!(&link.call(b"00 again").unwrap()[..], b"00 again");
}

#[test]
fn several_connections_share_the_requests_up_to_their_limit() {
    const CONNECTIONS: usize = 3;
    let (listener, address) = listener();
    let (link, _inbox) = Link::new(profile(Shared::new(3), by_key()).build().unwrap(), address).unwrap();
    let (held, requests) = mpsc::channel();
    thread::spawn(move || {
        for number in 0.. {
            let (mut receiver, sender) = accept(&listener).split();
            let (held, sender) = (held.clone(), std::sync::Arc::new(std::sync::Mutex::new(sender)));
            thread::spawn(move || {
                while let Ok(Some(request)) = receiver.recv() {
                    if held.send((number, request, sender.clone())).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let mut per_connection: HashMap<i32, usize> = HashMap::new();
    let mut replies = Vec::new();
    let mut calls = Vec::new();
    for call in 0..30 {
        let calling = link.clone();
        calls.push(thread::spawn(move || calling.call(format!("{call:02}").as_bytes()).map(|_| ())));
        let (number, request, sender) = requests.recv_timeout(DEADLINE).unwrap();
        *per_connection.entry(number).or_default() += 1;
        replies.push((request, sender));
        let began = Instant::now();
        while link.connections() < CONNECTIONS.min(call / 2 + 1) && began.elapsed() < DEADLINE {
            thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!((link.connections(), per_connection.len()), (CONNECTIONS, CONNECTIONS), "{per_connection:?}");
    let (least, most) = (per_connection.values().min().unwrap(), per_connection.values().max().unwrap());
    assert!(most - least <= 2, "the least busy connection takes the next request: {per_connection:?}");
    for (request, sender) in replies {
        sender.lock().unwrap().send(&request).unwrap();
    }
    for call in calls {
        call.join().unwrap().unwrap();
    }
}

#[test]
fn a_request_without_a_listening_peer_is_not_sent() {
    let (listener, address) = listener();
    drop(listener);
    let (link, _inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    let error = link.call(b"01").unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    assert!(matches!(error.error().cause(), Cause::Connect(ConnectError::Dial { .. })), "{error}");
}

#[test]
fn a_dropped_link_closes_its_connections() {
    let (listener, address) = listener();
    let (link, _inbox) = Link::new(profile(ConnectionKind::Long, by_key()).build().unwrap(), address).unwrap();
    link.connect().unwrap();
    let stream: TcpStream = listener.accept().unwrap().0;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    drop(link);
    assert_eq!(std::io::Read::read(&mut &stream, &mut [0]).unwrap(), 0);
}

/// Returns a link with this write timeout, over a socket with small buffers.
fn link_with_write_timeout(address: String, within: Duration) -> Link {
    let mut options = framelink_transport::SocketOptions::new();
    options.send_buffer = Some(16 * 1024);
    let profile = profile(ConnectionKind::Long, by_key()).write_timeout(within).socket(options);
    Link::new(profile.build().unwrap(), address).unwrap().0
}

#[test]
fn sending_to_a_peer_that_does_not_read_ends_at_the_write_timeout() {
    const WITHIN: Duration = Duration::from_millis(200);
    let (listener, address) = listener();
    let link = link_with_write_timeout(address, WITHIN);
    let (failed, failure) = mpsc::channel();
    thread::spawn(move || {
        // As many messages as the buffers hold, and one more.
        let error = loop {
            if let Err(error) = link.send(&[0; 60_000]) {
                break error;
            }
        };
        let began = Instant::now();
        // The unwritten rest of that message still blocks the connection.
        let next = link.send(b"01").unwrap_err();
        failed.send((error, next, began.elapsed())).unwrap();
    });
    let _unread = listener.accept().unwrap();
    let (error, next, took) = failure.recv_timeout(DEADLINE).expect("the sends end in time");
    for error in [&error, &next] {
        let Cause::TimedOut { after, .. } = error.error().cause() else { panic!("{error}") };
        assert_eq!((*after, error.sent()), (WITHIN, Sent::Perhaps), "{error}");
    }
    assert!(took >= WITHIN, "{took:?}");
}

#[test]
fn sending_waits_for_a_connection_no_longer_than_its_timeout() {
    let (listener, address) = listener();
    drop(listener);
    let link = link_with_write_timeout(address, Duration::from_millis(50));
    let error = link.send(b"01").unwrap_err();
    assert_eq!(error.sent(), Sent::Not, "{error}");
}

#[test]
fn the_threads_of_a_dropped_link_end_although_its_inbox_is_full_and_kept() {
    /// More events than an inbox holds.
    const EVENTS: usize = 1100;
    let (listener, address) = listener();
    let profile = std::sync::Arc::new(profile(ConnectionKind::Long, by_key()).build().unwrap());
    let upstream = framelink_transport::blocking::Upstream::new(&profile, [address]);
    let (link, mut inbox) = Link::over(upstream).unwrap();
    link.connect().unwrap();
    let mut host = accept(&listener);
    for _ in 0..EVENTS {
        host.send(b"99 news").unwrap();
    }
    let began = Instant::now();
    while !format!("{inbox:?}").contains("1024") {
        assert!(began.elapsed() < DEADLINE, "{inbox:?}");
        thread::sleep(Duration::from_millis(1));
    }
    drop(link);
    let began = Instant::now();
    // Each thread holds the profile.
    while std::sync::Arc::strong_count(&profile) > 1 {
        assert!(began.elapsed() < DEADLINE, "a thread of the link still runs");
        thread::sleep(Duration::from_millis(1));
    }
    let mut held = 0;
    while inbox.recv().is_some() {
        held += 1;
    }
    assert_eq!(held, 1024, "the inbox keeps its events");
}
