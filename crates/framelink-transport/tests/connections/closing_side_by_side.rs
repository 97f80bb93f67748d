//! Closing a link or a pool closes its connections side by side: a peer that does not read, or does not sign off,
//! delays no other connection.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use framelink_transport::profile::{Duplex, Pooled, Shared, Sign};
use framelink_transport::{Framing, FramingPair, Profile, SocketOptions, blocking, tokio as on_tokio};

use crate::support::peer::listen;

/// Every event that a test waits for happens within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(10);
/// No test lasts this long: an end before this time has another cause than this time limit.
const FOREVER: Duration = Duration::from_secs(3600);
/// More bytes than the buffers of a socket hold.
const MUCH: usize = 15 << 20;

fn framing() -> Framing {
    "net:4,max=16MiB".parse().expect("a framing")
}

/// A profile with two connections that share the requests.
fn shared() -> Profile {
    let mut options = SocketOptions::new();
    options.send_buffer = Some(16 * 1024);
    let duplex = Duplex::new().key("0:2".parse().expect("a place"));
    let builder = Profile::builder(framing()).connection(Shared::new(2)).exchange(duplex).socket(options);
    builder.reply_timeout(FOREVER).write_timeout(FOREVER).build().expect("a profile")
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().expect("the listener is dialled");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
    stream
}

/// Asserts that our side of this connection ends. Bytes before the end are skipped.
fn assert_ends(mut stream: &TcpStream) {
    let mut space = [0; 4096];
    loop {
        match stream.read(&mut space) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => panic!("the connection was not closed: {error}"),
        }
    }
}

/// The peer of a link with two connections. The buffers of the first connection are full, and the peer does not read
/// it.
struct Peer {
    full: TcpStream,
    healthy: TcpStream,
}

/// Has a link open two connections and send more over the first than it takes. The link is used in threads of its own.
fn two_connections(
    listener: &TcpListener,
    call: impl Fn(&[u8]) + Clone + Send + 'static,
    send_much: impl FnOnce() + Send + 'static,
    connections: impl Fn() -> usize,
) -> Peer {
    let first = {
        let call = call.clone();
        thread::spawn(move || call(b"01"))
    };
    let full = accept(listener);
    let mut host = blocking::Connection::from_stream(full.try_clone().expect("a socket"), FramingPair::from(framing()));
    let one = host.recv().expect("a request").expect("a request");
    // The first connection has a call in flight, so the link dials a second one.
    let second = thread::spawn(move || call(b"02"));
    let healthy = accept(listener);
    let two = host.recv().expect("a request").expect("a request");
    host.send(&one).expect("the reply is sent");
    host.send(&two).expect("the reply is sent");
    first.join().expect("the first call is answered");
    second.join().expect("the second call is answered");
    while connections() < 2 {
        thread::sleep(Duration::from_millis(1));
    }
    thread::spawn(send_much);
    full.peek(&mut [0]).expect("the first bytes arrive");
    Peer { full, healthy }
}

#[test]
fn a_blocking_link_closes_the_healthy_connections_while_another_is_stuck() {
    let (listener, address) = listen();
    let (link, _inbox) = blocking::Link::new(shared(), address.to_string()).expect("a link");
    let (calling, sending, counting) = (link.clone(), link.clone(), link.clone());
    let Peer { full, healthy } = two_connections(
        &listener,
        move |request| drop(calling.call(request).expect("a reply")),
        move || drop(sending.send(&vec![0; MUCH])),
        move || counting.connections(),
    );
    let closing = thread::spawn(move || link.close(FOREVER));
    assert_ends(&healthy);
    assert!(!closing.is_finished(), "closing waits for the stuck connection");
    drop((full, healthy));
    closing.join().expect("closing ends with the last connection");
}

#[test]
fn a_link_on_tokio_closes_the_healthy_connections_while_another_is_stuck() {
    let (listener, address) = listen();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let (link, _inbox) = on_tokio::Link::new(shared(), address.to_string()).expect("a link");
    let (calling, sending, counting) = (link.clone(), link.clone(), link.clone());
    let (of_calls, of_sends) = (runtime.handle().clone(), runtime.handle().clone());
    let Peer { full, healthy } = two_connections(
        &listener,
        move |request| drop(of_calls.block_on(calling.call(request)).expect("a reply")),
        move || drop(of_sends.block_on(sending.send(&vec![0; MUCH]))),
        move || counting.connections(),
    );
    let closing = runtime.spawn(link.close(FOREVER));
    assert_ends(&healthy);
    assert!(!closing.is_finished(), "closing waits for the stuck connection");
    drop((full, healthy));
    runtime.block_on(closing).expect("closing ends with the last connection");
}

/// Runs `work` in a thread, and fails if it takes longer than `DEADLINE`.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    is_done.recv_timeout(DEADLINE).expect("the work ends within its time");
}

#[test]
fn closing_a_blocking_link_ends_in_time_although_a_peer_does_not_read() {
    let (listener, address) = listen();
    let (link, _inbox) = blocking::Link::new(shared(), address.to_string()).expect("a link");
    let (calling, sending, counting) = (link.clone(), link.clone(), link.clone());
    let Peer { full, healthy } = two_connections(
        &listener,
        move |request| drop(calling.call(request).expect("a reply")),
        move || drop(sending.send(&vec![0; MUCH])),
        move || counting.connections(),
    );
    in_time(move || link.close(Duration::from_millis(50)));
    assert_ends(&healthy);
    drop(full);
}

/// A pool whose connections sign off and wait for the answer.
fn pooled() -> Profile {
    let mut pooled = Pooled::new(2);
    (pooled.min, pooled.max_idle) = (2, 2);
    let builder = Profile::builder(framing()).connection(pooled).sign_off(Sign::new(b"off").expect(b"off"));
    builder.close_timeout(Duration::from_secs(60)).build().expect("a profile")
}

#[test]
fn a_blocking_pool_closes_one_connection_while_the_peer_of_another_is_silent() {
    let (listener, address) = listen();
    let pool = blocking::Pool::new(pooled(), [address.to_string()]).expect("a pool");
    let streams = [accept(&listener), accept(&listener)];
    while pool.status().idle < 2 {
        thread::sleep(Duration::from_millis(1));
    }
    let closing = thread::spawn(move || pool.close(FOREVER));
    assert_signs_off_and_ends(&streams[0], &streams[1]);
    drop(streams);
    closing.join().expect("closing ends with the last connection");
}

#[test]
fn a_pool_on_tokio_closes_one_connection_while_the_peer_of_another_is_silent() {
    let (listener, address) = listen();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let pool = on_tokio::Pool::new(pooled(), [address.to_string()]).expect("a pool");
    let streams = [accept(&listener), accept(&listener)];
    while pool.status().idle < 2 {
        thread::sleep(Duration::from_millis(1));
    }
    let closing = runtime.spawn(async move { pool.close(FOREVER).await });
    assert_signs_off_and_ends(&streams[0], &streams[1]);
    drop(streams);
    runtime.block_on(closing).expect("closing ends with the last connection");
}

/// Both connections sign off at once. The answered one ends although the other is not answered.
fn assert_signs_off_and_ends(answered: &TcpStream, silent: &TcpStream) {
    let stream = answered.try_clone().expect("a socket");
    let mut host = blocking::Connection::from_stream(stream, FramingPair::from(framing()));
    assert_eq!(&host.recv().expect("a message").expect("a message")[..], b"off");
    silent.peek(&mut [0]).expect("the silent connection has signed off too");
    host.send(b"off").expect("the answer is sent");
    assert_ends(answered);
}
