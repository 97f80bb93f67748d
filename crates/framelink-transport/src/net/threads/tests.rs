//! The blocking driver on a system that has no thread left: it reports the lack, and goes on where it can.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{refuse, refuse_after};
use crate::blocking::{Client, Connection, Link, Pool, Upstream};
use crate::error::{Cause, ConnectError};
use crate::profile::{Duplex, Pooled, Reach, Shared, Simplex};
use crate::session::{Concurrency, Matching, Sent};
use crate::{Framing, FramingPair, Heartbeat, Profile, ProfileBuilder};

const DEADLINE: Duration = Duration::from_secs(10);

fn framing() -> Framing {
    "net:2".parse().unwrap()
}

fn profile() -> ProfileBuilder {
    Profile::builder(framing()).reply_timeout(DEADLINE)
}

/// A profile with heartbeats, so that an idle connection needs a thread.
fn living() -> ProfileBuilder {
    let heartbeat: Heartbeat = "empty,interval=30s".parse().unwrap();
    profile().heartbeat(heartbeat)
}

/// Starts a host that echoes each message, on this many connections one after the other.
fn echo(connections: usize) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let host = thread::spawn(move || {
        for _ in 0..connections {
            let mut host = Connection::from_stream(listener.accept().unwrap().0, FramingPair::from(framing()));
            thread::spawn(move || {
                while let Ok(Some(message)) = host.recv() {
                    host.send(&message).unwrap();
                }
            });
        }
    });
    (address, host)
}

#[test]
fn a_client_is_answered_and_says_that_it_has_no_heartbeats_between_exchanges() {
    let (address, host) = echo(1);
    let mut client = Client::new(living().build().unwrap(), address.to_string()).unwrap();
    let refusal = refuse();
    for _ in 0..2 {
        assert_eq!(&client.call(b"hello").unwrap()[..], b"hello");
        let why = client.idle_task_error().expect("no heartbeats are sent").to_string();
        assert!(why.starts_with("the system has no thread left"), "{why}");
    }
    drop(refusal);
    assert_eq!(&client.call(b"hello").unwrap()[..], b"hello", "over one connection");
    assert!(client.idle_task_error().is_none(), "there is a thread again");
    host.join().unwrap();
}

#[test]
fn a_link_without_a_thread_for_its_connection_dials_nothing_and_sends_nothing() {
    let (address, host) = echo(1);
    let profile = profile().exchange(Duplex::new().key("0:2".parse().unwrap())).build().unwrap();
    let (link, _inbox) = Link::new(profile, address.to_string()).unwrap();
    let refusal = refuse();
    for error in [link.call(b"01").unwrap_err(), link.send(b"01").unwrap_err(), link.connect().unwrap_err()] {
        assert_eq!(error.sent(), Sent::Not);
        assert!(matches!(error.error().cause(), Cause::Connect(ConnectError::NoThread(_))), "{error}");
    }
    assert_eq!((link.connections(), link.upstream().counts().dials), (0, 0));
    drop(refusal);
    assert_eq!(&link.call(b"01").unwrap()[..], b"01", "there is a thread again");
    host.join().unwrap();
}

#[test]
fn keep_up_begins_when_there_is_a_thread_again() {
    let (address, host) = echo(3);
    let duplex = Duplex::new().key("0:2".parse().unwrap());
    let shared = profile().connection(Shared::new(2)).exchange(duplex).keep_up(true).build().unwrap();
    let refusal = refuse();
    let (link, _inbox) = Link::new(shared, address.to_string()).unwrap();
    let mut client = Client::new(profile().keep_up(true).build().unwrap(), address.to_string()).unwrap();
    assert_eq!((link.upstream().counts().threads_refused, client.upstream().counts().threads_refused), (1, 1));
    drop(refusal);
    assert_eq!(&link.call(b"01").unwrap()[..], b"01");
    assert_eq!(&client.call(b"01").unwrap()[..], b"01");
    let began = Instant::now();
    while link.connections() < 2 {
        assert!(began.elapsed() < DEADLINE);
        thread::sleep(Duration::from_millis(1));
    }
    host.join().unwrap();
}

#[test]
fn a_busy_link_that_cannot_have_another_connection_goes_on_with_the_one_it_has() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let duplex = Duplex::new().key("0:2".parse().unwrap());
    let profile = profile().connection(Shared::new(2)).exchange(duplex).build().unwrap();
    let (link, _inbox) = Link::new(profile, address).unwrap();
    let other = link.clone();
    let first = thread::spawn(move || other.call(b"01").unwrap());
    let mut host = Connection::from_stream(listener.accept().unwrap().0, FramingPair::from(framing()));
    let one = host.recv().unwrap().unwrap();
    let host = thread::spawn(move || {
        let two = host.recv().unwrap().unwrap();
        host.send(&two).unwrap();
        host.send(&one).unwrap();
        host
    });
    let _refusal = refuse();
    assert_eq!(&link.call(b"02").unwrap()[..], b"02");
    assert_eq!(&first.join().unwrap()[..], b"01");
    assert_eq!(link.connections(), 1);
    drop(host.join().unwrap());
}

#[test]
fn a_pool_without_threads_works_and_reports_the_lack() {
    let (address, host) = echo(1);
    let mut pooled = Pooled::new(3);
    (pooled.min, pooled.max_idle, pooled.wait) = (3, 3, Some(DEADLINE));
    let refusal = refuse();
    let pool = Pool::new(profile().connection(pooled).build().unwrap(), [address.to_string()]).unwrap();
    assert!(pool.idle_task_error().is_some());
    for _ in 0..3 {
        assert_eq!(&pool.call(b"hello").unwrap()[..], b"hello");
        assert_eq!(pool.status().idle, 1, "a caller dials for itself only");
    }
    let report = pool.close(DEADLINE);
    assert_eq!((report.cut, pool.status().idle), (0, 0));
    drop(refusal);
    assert!(pool.get().unwrap_err().is_closed());
    host.join().unwrap();
}

#[test]
fn a_pool_without_threads_that_cannot_dial_says_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut pooled = Pooled::new(1);
    (pooled.min, pooled.wait) = (0, Some(Duration::from_millis(100)));
    let _refusal = refuse();
    let pool = Pool::new(profile().connection(pooled).build().unwrap(), [address]).unwrap();
    let error = pool.call(b"hello").unwrap_err();
    assert_eq!(error.sent(), Sent::Not, "{error}");
}

#[test]
fn a_pool_has_its_thread_when_there_is_one_again() {
    let (address, host) = echo(1);
    let refusal = refuse();
    let pool = Pool::new(living().connection(Pooled::new(1)).build().unwrap(), [address.to_string()]).unwrap();
    drop(refusal);
    assert_eq!(&pool.call(b"hello").unwrap()[..], b"hello");
    assert!(pool.idle_task_error().is_none());
    host.join().unwrap();
}

#[test]
fn a_pair_that_nothing_watches_has_ended_and_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = || {
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Connection::from_stream(stream, FramingPair::from(framing())), listener.accept().unwrap().0)
    };
    let ((sending, mut host), (receiving, _other)) = (connection(), connection());
    let _refusal = refuse();
    let (caller, _receiver) = sending.simplex(receiving, Matching::in_order());
    let error = caller.call(b"hello", DEADLINE).unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    assert!(matches!(error.error().cause(), Cause::Io(_)), "{error}");
    host.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(host.read(&mut [0]).unwrap(), 0, "and the peer is told");
}

#[test]
fn a_pair_that_cannot_accept_one_connection_does_not_accept_the_other_either() {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let simplex = Simplex::new(Duplex::new().key("0:2".parse().unwrap())).send(Reach::Accept).receive(Reach::Accept);
    let profile = profile().exchange(simplex).build().unwrap();
    let (send, receive) = (free(), free());
    // The thread that accepts the first connection.
    let refusal = refuse_after(1);
    Link::simplex(profile, &send, &receive).unwrap_err();
    drop(refusal);
    let began = Instant::now();
    while TcpListener::bind(&*send).is_err() {
        assert!(began.elapsed() < DEADLINE, "the accepting thread is still there");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_upstream_without_a_thread_for_lost_addresses_says_so_and_asks_again() {
    let (address, host) = echo(2);
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let upstream = Upstream::new(&profile().build().unwrap().into(), [dead.to_string(), address.to_string()]);
    let mut client = Client::over(upstream.clone()).unwrap();
    let refusal = refuse();
    assert_eq!(&client.call(b"hello").unwrap()[..], b"hello");
    assert_eq!(upstream.counts().threads_refused, 1, "{:?}", upstream.counts());
    drop(refusal);
    let mut other = Client::over(upstream.clone()).unwrap();
    assert_eq!(&other.call(b"hello").unwrap()[..], b"hello");
    assert_eq!(upstream.counts().threads_refused, 1, "there is a thread again");
    host.join().unwrap();
}

#[test]
fn a_served_connection_goes_on_with_the_handlers_that_it_has() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (begun, has_begun) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let serving = thread::spawn(move || {
        let connection = Connection::from_stream(listener.accept().unwrap().0, FramingPair::from(framing()));
        let profile = profile().build().unwrap();
        let may_go = std::sync::Mutex::new(may_go);
        // One thread that writes, and one that runs the handler.
        let _refusal = refuse_after(2);
        connection.serve_many(&profile, Concurrency::new(4), |request| {
            begun.send(()).unwrap();
            let _ = may_go.lock().unwrap().recv();
            Some(request.to_vec())
        })
    });
    let mut client = Connection::from_stream(TcpStream::connect(address).unwrap(), FramingPair::from(framing()));
    client.send(b"1").unwrap();
    has_begun.recv_timeout(DEADLINE).unwrap();
    // There is no thread for these.
    client.send(b"2").unwrap();
    client.send(b"3").unwrap();
    drop(go);
    for expected in [b"1", b"2", b"3"] {
        let began = Instant::now();
        assert_eq!(&client.recv().unwrap().unwrap()[..], expected);
        assert!(began.elapsed() < DEADLINE);
    }
    client.finish().unwrap();
    assert_eq!(serving.join().unwrap().unwrap(), 3);
}
