//! Many calls in flight: duplex, shared and simplex, each with a plain peer.

use std::collections::HashMap;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use framelink_transport::nonblocking::{Event, TryCall};
use framelink_transport::profile::{ConnectionKind, ExchangeKind, Reach};
use framelink_transport::session::Sent;
use framelink_transport::{CallError, Message, Profile, TryRecv, blocking, nonblocking, tokio};

use super::cell::{Cell, Driver, OUR_PREAMBLE, Style, THEIR_PREAMBLE};
use super::role::{drain, reply_to};
use crate::support::peer::{expect, half_close_if_open, ready, write};
use crate::support::runtime;
use crate::support::wire::payload;

const DEADLINE: Duration = Duration::from_secs(10);

/// Returns how our side makes each connection of a cell.
fn legs(cell: &Cell) -> Vec<Reach> {
    match cell.exchange {
        ExchangeKind::Simplex(simplex) => vec![simplex.send, simplex.receive],
        _ => vec![Reach::Dial],
    }
}

/// Returns a message of this size, with a key of its own if the cell has keys. Returns `None` if the size has no room
/// for the key.
fn request(cell: &Cell, number: usize, size: usize) -> Option<Vec<u8>> {
    let mut message = payload(size);
    if cell.exchange.duplex().is_some_and(|duplex| duplex.key.is_some()) {
        message.get_mut(..2)?.copy_from_slice(format!("{number:02}").as_bytes());
    }
    Some(message)
}

/// Returns the reply to a request: its key, if the cell has keys, and the changed rest.
fn reply(cell: &Cell, request: &[u8]) -> Vec<u8> {
    match cell.exchange.duplex().is_some_and(|duplex| duplex.key.is_some()) {
        true => [&request[..2], &reply_to(&request[2..])].concat(),
        false => reply_to(request),
    }
}

/// Sends all requests before the first reply. Replies with keys are sent in reverse order. Returns the number of requests.
pub(crate) fn run(cell: &Cell, profile: &Arc<Profile>) -> usize {
    let sizes = cell.wire.sizes().iter().enumerate();
    let requests: Vec<_> = sizes.filter_map(|(number, &size)| request(cell, number, size)).collect();
    let too_large = cell.wire.too_large().and_then(|size| request(cell, 99, size));
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for reach in legs(cell) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        match reach {
            Reach::Dial => {
                ours.push(Ours::Dials(address));
                theirs.push(Theirs::Accepts(listener));
            }
            Reach::Accept => {
                drop(listener);
                let (listener, address) = Ours::listen(cell.driver, profile);
                ours.push(listener);
                theirs.push(Theirs::Dials(address));
            }
        }
    }
    let peer = thread::spawn({
        let (cell, requests) = (*cell, requests.clone());
        move || answer_all(&cell, theirs, &requests)
    });
    let replies = match (cell.driver, cell.connection) {
        (Driver::Tokio, ConnectionKind::Shared(_)) => with_link(profile, ours, &requests, too_large),
        (Driver::Blocking, ConnectionKind::Shared(_)) => with_blocking_link(profile, ours, &requests, too_large),
        (Driver::Tokio, _) => with_tokio(profile, ours, &requests, too_large),
        (Driver::Blocking, _) => with_blocking(profile, ours, &requests, too_large),
        (Driver::NonBlocking, _) => with_nonblocking(profile, ours, &requests, too_large),
    };
    for (sent, came) in requests.iter().zip(&replies) {
        assert!(came[..] == reply(cell, sent), "the reply to {} bytes", sent.len());
    }
    peer.join().expect("the peer");
    requests.len()
}

/// The peer's side of one connection.
enum Theirs {
    Accepts(TcpListener),
    Dials(SocketAddr),
}

impl Theirs {
    fn connect(self, cell: &Cell) -> TcpStream {
        greeted(
            cell,
            match self {
                Self::Accepts(listener) => listener.accept().expect("accepting").0,
                Self::Dials(address) => TcpStream::connect(address).expect("dialling"),
            },
        )
    }
}

fn greeted(cell: &Cell, stream: TcpStream) -> TcpStream {
    let stream = ready(stream);
    if cell.style == Style::Preamble {
        write(&stream, THEIR_PREAMBLE);
        expect(&stream, OUR_PREAMBLE);
    }
    stream
}

fn answer_all(cell: &Cell, connections: Vec<Theirs>, requests: &[Vec<u8>]) {
    if matches!(cell.connection, ConnectionKind::Shared(_)) {
        let Some(Theirs::Accepts(listener)) = connections.into_iter().next() else { unreachable!("a link dials") };
        return answer_shared(cell, &listener, requests);
    }
    let streams: Vec<_> = connections.into_iter().map(|connection| connection.connect(cell)).collect();
    let (from, to) = (streams.first().expect("a connection"), streams.last().expect("a connection"));
    for request in requests {
        expect(from, &cell.wire.frame(request));
    }
    let mut replies: Vec<_> = requests.iter().map(|request| reply(cell, request)).collect();
    if cell.exchange.duplex().is_some_and(|duplex| duplex.key.is_some()) {
        replies.reverse();
    }
    for reply in replies {
        write(to, &cell.wire.frame(&reply));
    }
    drain(from);
    half_close_if_open(to);
}

/// Accepts any number of connections, and answers each request on the connection where it arrives.
fn answer_shared(cell: &Cell, listener: &TcpListener, requests: &[Vec<u8>]) {
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        while answered.load(Ordering::Relaxed) < requests.len() {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).expect("a stream that waits");
                    let answered = &answered;
                    scope.spawn(move || answer_each(cell, &greeted(cell, stream), requests, answered));
                }
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    });
}

fn answer_each(cell: &Cell, mut stream: &TcpStream, requests: &[Vec<u8>], answered: &AtomicUsize) {
    let frames: Vec<_> = requests.iter().map(|request| cell.wire.frame(request)).collect();
    let (mut came, mut bytes) = (Vec::new(), vec![0; 64 * 1024]);
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        came.extend_from_slice(&bytes[..count]);
        while let Some(number) = frames.iter().position(|frame| came.starts_with(frame)) {
            came.drain(..frames[number].len());
            write(stream, &cell.wire.frame(&reply(cell, &requests[number])));
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
    half_close_if_open(stream);
}

/// Our side of one connection.
enum Ours {
    Dials(SocketAddr),
    Blocking(blocking::Listener),
    NonBlocking(nonblocking::Listener),
    Tokio(tokio::Listener, ::tokio::runtime::Runtime),
}

impl Ours {
    fn listen(driver: Driver, profile: &Arc<Profile>) -> (Self, SocketAddr) {
        let any = "127.0.0.1:0";
        match driver {
            Driver::Blocking => {
                let listener = blocking::Listener::bind_profile(any, profile).expect("a port");
                let address = listener.local_addr().expect("an address");
                (Self::Blocking(listener), address)
            }
            Driver::NonBlocking => {
                let listener = nonblocking::Listener::bind_profile(any, profile).expect("a port");
                let address = listener.local_addr().expect("an address");
                (Self::NonBlocking(listener), address)
            }
            Driver::Tokio => {
                let runtime = runtime();
                let listener = runtime.block_on(tokio::Listener::bind_profile(any, profile)).expect("a port");
                let address = listener.local_addr().expect("an address");
                (Self::Tokio(listener, runtime), address)
            }
        }
    }

    fn blocking(self, profile: &Arc<Profile>) -> blocking::Connection {
        match self {
            Self::Dials(address) => blocking::Connector::with_profile(profile).connect(address).expect("a connection"),
            Self::Blocking(mut listener) => listener.accept().expect("accepting").expect("a connection"),
            _ => unreachable!("a connection of another driver"),
        }
    }

    fn nonblocking(self, profile: &Arc<Profile>) -> nonblocking::Connection {
        match self {
            Self::Dials(address) => {
                nonblocking::Connector::with_profile(profile).connect(address).expect("a connection")
            }
            Self::NonBlocking(mut listener) => loop {
                match listener.try_accept().expect("accepting") {
                    Some(connection) => return connection,
                    None => thread::sleep(Duration::from_millis(1)),
                }
            },
            _ => unreachable!("a connection of another driver"),
        }
    }
}

/// Asserts that a request over the limit is refused before a byte of it is written. The connection stays usable.
fn expect_refused(refused: Result<impl Sized, CallError>) {
    let Err(error) = refused else { panic!("a request over the limit is accepted") };
    assert_eq!(error.sent(), Sent::Not, "{error}");
}

fn with_blocking(
    profile: &Arc<Profile>,
    ours: Vec<Ours>,
    requests: &[Vec<u8>],
    too_large: Option<Vec<u8>>,
) -> Vec<Message> {
    let matching = profile.exchange().duplex().expect("many calls").matching();
    let mut connections = ours.into_iter().map(|ours| ours.blocking(profile));
    let first = connections.next().expect("a connection");
    let (caller, mut receiver) = match connections.next() {
        Some(receiving) => first.simplex(receiving, matching),
        None => first.duplex(matching),
    };
    let receiving = thread::spawn(move || while let Ok(Some(_)) = receiver.recv() {});
    if let Some(too_large) = too_large {
        expect_refused(caller.call(&too_large, DEADLINE));
    }
    let mut calls = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        let (calling, request) = (caller.clone(), request.clone());
        calls.push(thread::spawn(move || calling.call(&request, DEADLINE)));
        // Waits, so that the calls begin in this order.
        while caller.in_flight() <= number && !calls[number].is_finished() {
            thread::yield_now();
        }
    }
    let replies = calls.into_iter().map(|call| call.join().expect("a thread").expect("a reply")).collect();
    caller.finish().expect("our end");
    receiving.join().expect("the receiver");
    replies
}

fn with_nonblocking(
    profile: &Arc<Profile>,
    ours: Vec<Ours>,
    requests: &[Vec<u8>],
    too_large: Option<Vec<u8>>,
) -> Vec<Message> {
    let matching = profile.exchange().duplex().expect("many calls").matching();
    let mut connections = ours.into_iter().map(|ours| ours.nonblocking(profile));
    let first = connections.next().expect("a connection");
    let mut duplex = match connections.next() {
        Some(receiving) => first.simplex(receiving, matching),
        None => first.duplex(matching),
    };
    if let Some(too_large) = too_large {
        expect_refused(duplex.try_call(&too_large, DEADLINE));
    }
    let (mut calls, mut replies) = (Vec::new(), HashMap::new());
    while replies.len() < requests.len() {
        while let Some(request) = requests.get(calls.len()) {
            match duplex.try_call(request, DEADLINE).expect("a call") {
                TryCall::Begun(call) => calls.push(call),
                // The queue is full, so it has to be written first.
                TryCall::Full => break,
            }
        }
        let is_begun = calls.len() == requests.len();
        let limit = if is_begun { DEADLINE } else { Duration::from_millis(1) };
        match duplex.recv_within(limit).expect("receiving") {
            TryRecv::Message(Event::Reply { call, message }) => drop(replies.insert(call, message)),
            TryRecv::Nothing if !is_begun => {}
            other => panic!("{other:?}"),
        }
    }
    let _ = duplex.try_finish().expect("our end");
    calls.iter().map(|call| replies.remove(call).expect("a reply")).collect()
}

fn with_tokio(
    profile: &Arc<Profile>,
    ours: Vec<Ours>,
    requests: &[Vec<u8>],
    too_large: Option<Vec<u8>>,
) -> Vec<Message> {
    let matching = profile.exchange().duplex().expect("many calls").matching();
    // A listener belongs to the runtime on which it was made.
    let mut runtimes = Vec::new();
    let mut connections = Vec::new();
    let main = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    for ours in ours {
        connections.push(match ours {
            Ours::Dials(address) => {
                main.block_on(tokio::Connector::with_profile(profile).connect(address)).expect("a connection")
            }
            Ours::Tokio(mut listener, runtime) => {
                let accepted = runtime.block_on(listener.accept()).expect("a connection");
                runtimes.push(runtime);
                accepted
            }
            _ => unreachable!("a connection of another driver"),
        });
    }
    let mut connections = connections.into_iter();
    let first = connections.next().expect("a connection");
    let (caller, mut receiver) = match connections.next() {
        Some(receiving) => first.simplex(receiving, matching),
        None => first.duplex(matching),
    };
    // Accepted connections are driven by the runtimes that accepted them.
    let drivers: Vec<_> = runtimes
        .into_iter()
        .map(|runtime| {
            let (stop, stopped) = ::tokio::sync::oneshot::channel::<()>();
            (stop, thread::spawn(move || runtime.block_on(async { drop(stopped.await) })))
        })
        .collect();
    let receiving = main.spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} });
    let replies = main.block_on(async {
        if let Some(too_large) = too_large {
            expect_refused(caller.call(&too_large, DEADLINE).await);
        }
        let calls = requests.iter().map(|request| caller.call(request, DEADLINE));
        let replies = futures_util::future::join_all(calls).await;
        caller.finish().await.expect("our end");
        receiving.await.expect("the receiver");
        replies
    });
    for (stop, driver) in drivers {
        drop(stop);
        driver.join().expect("a runtime");
    }
    replies.into_iter().map(|reply| reply.expect("a reply")).collect()
}

fn with_blocking_link(
    profile: &Arc<Profile>,
    ours: Vec<Ours>,
    requests: &[Vec<u8>],
    too_large: Option<Vec<u8>>,
) -> Vec<Message> {
    let Some(Ours::Dials(address)) = ours.into_iter().next() else { unreachable!("a link dials") };
    let (link, mut inbox) = blocking::Link::new((**profile).clone(), address.to_string()).expect("a link");
    link.connect().expect("a connection");
    if let Some(too_large) = too_large {
        expect_refused(link.call(&too_large));
    }
    let mut calls = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        let (calling, request) = (link.clone(), request.clone());
        calls.push(thread::spawn(move || calling.call(&request)));
        // Waits, so that the calls begin in this order.
        while link.in_flight() <= number && !calls[number].is_finished() {
            thread::yield_now();
        }
    }
    let replies = calls.into_iter().map(|call| call.join().expect("a thread").expect("a reply")).collect();
    drop(link);
    while inbox.recv().is_some() {}
    replies
}

fn with_link(
    profile: &Arc<Profile>,
    ours: Vec<Ours>,
    requests: &[Vec<u8>],
    too_large: Option<Vec<u8>>,
) -> Vec<Message> {
    let Some(Ours::Dials(address)) = ours.into_iter().next() else { unreachable!("a link dials") };
    runtime().block_on(async {
        let (link, _) = tokio::Link::new((**profile).clone(), address.to_string()).expect("a link");
        link.connect().await.expect("a connection");
        if let Some(too_large) = too_large {
            expect_refused(link.call(&too_large).await);
        }
        let replies = futures_util::future::join_all(requests.iter().map(|request| link.call(request))).await;
        link.close(DEADLINE).await;
        replies.into_iter().map(|reply| reply.expect("a reply")).collect()
    })
}
