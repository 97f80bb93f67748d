//! A proxy that puts a PROXY protocol header before the first byte of its clients.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use framelink_transport::session::{Concurrency, ProxyHeader};
use framelink_transport::{Cause, Framing, Profile, ServerEvent, blocking, tokio};

use crate::support::peer::{DEADLINE, Peer};
use crate::support::server::{Serve, on_every_driver};

on_every_driver!(a_header_ends_the_connection_before_any_message);

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 7000\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\xdc\x04\x1b\x58";

fn profile(notation: &str) -> Profile {
    Profile::builder(notation.parse::<Framing>().unwrap()).build().unwrap()
}

/// Writes the pieces one after the other, and returns the bytes that arrive until the server ends the connection.
fn answer_to(address: SocketAddr, pieces: &[&[u8]]) -> Vec<u8> {
    let mut peer = Peer::dial(address).0;
    for piece in pieces {
        // The server may have ended the connection before the last piece.
        let _ = peer.write_all(piece);
        if pieces.len() > 1 {
            thread::sleep(Duration::from_micros(200));
        }
    }
    let mut answer = Vec::new();
    match peer.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("the connection is not ended: {error}"),
        _ => answer,
    }
}

fn a_header_ends_the_connection_before_any_message<S: Serve>() {
    for (notation, frame, is_cut) in [
        ("net:1", &b"\x02hi"[..], true),
        ("net:2", b"\0\x02hi", true),
        ("ascii:4", b"0002hi", false),
        ("bcd:2", b"\0\x02hi", false),
        ("line", b"hi\r\n", false),
        ("mllp", b"\x0bhi\x1c\r", false),
        ("fixed:2", b"hi", false),
        ("each-read", b"hi", false),
        ("quiet:50ms", b"hi", false),
    ] {
        let server = S::start(profile(notation), Concurrency::default(), Arc::new(|message| Some(message.to_vec())));
        for (header, version) in [(V1, ProxyHeader::Version1), (V2, ProxyHeader::Version2)] {
            let stream = [header, frame].concat();
            let mut cuts: Vec<Vec<&[u8]>> = vec![vec![header], vec![&stream]];
            if is_cut {
                cuts.push(stream.chunks(1).collect());
                cuts.push(vec![&stream[..5], &stream[5..]]);
            }
            for pieces in cuts {
                let name = format!("{} {notation} {version:?} in {}", S::NAME, pieces.len());
                assert_eq!(answer_to(server.address, &pieces), b"", "{name}");
                let error = server.outcome().expect_err(&name);
                assert!(matches!(error.cause(), Cause::ProxyHeader(came) if *came == version), "{name}: {error}");
            }
        }
    }
}

/// What a server reported: the text of each event, and the number of messages that reached the handler.
struct Told {
    events: mpsc::Receiver<String>,
    handled: Arc<AtomicUsize>,
}

impl Told {
    #[track_caller]
    fn next(&self) -> String {
        let event = self.events.recv_timeout(DEADLINE).expect("an event");
        // The address of the peer differs in each event.
        event.split_once(": ").map_or(event.clone(), |(_, what)| what.to_owned())
    }
}

/// Makes a connection with a header, one that is reset at once, and one that is closed at once.
fn assert_reported(address: SocketAddr, told: &Told) {
    assert_eq!(answer_to(address, &[V1]), b"");
    assert_eq!(told.next(), "connected");
    let ended = told.next();
    assert!(ended.starts_with("the connection begins with a PROXY protocol header (version 1)"), "{ended}");
    for resets in [true, false] {
        let peer = Peer::dial(address).0;
        let peer = socket2::Socket::from(peer);
        peer.set_linger(resets.then_some(Duration::ZERO)).unwrap();
        drop(peer);
        assert_eq!([told.next(), told.next()], ["connected", "closed before its first byte"], "resets: {resets}");
        let closed = told.next();
        assert!(closed.contains(if resets { "reset" } else { "closed after 0 messages" }), "{closed}");
    }
    assert_eq!(told.handled.load(Ordering::Relaxed), 0);
}

fn told() -> (Told, impl Fn(&ServerEvent<'_>) + Send + Sync + 'static, impl Fn() + Send + Sync + 'static) {
    let (tell, events) = mpsc::channel();
    let handled = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&handled);
    let observe = move |event: &ServerEvent<'_>| tell.send(event.to_string()).unwrap();
    (Told { events, handled }, observe, move || {
        count.fetch_add(1, Ordering::Relaxed);
    })
}

#[test]
fn a_server_on_tokio_reports_headers_and_probes() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(tokio::Server::bind("127.0.0.1:0", &Arc::new(profile("line")))).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let (told, observe, handled) = told();
    let serving = server.observe(observe).run(move |message| {
        handled();
        async move { Some(message.to_vec()) }
    });
    let running = thread::spawn(move || runtime.block_on(serving));
    assert_reported(address, &told);
    assert_eq!(handle.counts().closed.bad_bytes, 1);
    handle.drain(DEADLINE);
    assert!(running.join().unwrap().is_clean());
}

#[test]
fn a_server_on_threads_reports_headers_and_probes() {
    let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile("line"))).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let (told, observe, handled) = told();
    let running = thread::spawn(move || {
        server.observe(observe).run(move |message: framelink_transport::Message| {
            handled();
            Some(message.to_vec())
        })
    });
    assert_reported(address, &told);
    assert_eq!(handle.counts().closed.bad_bytes, 1);
    handle.drain(DEADLINE);
    assert!(running.join().unwrap().is_clean());
}
