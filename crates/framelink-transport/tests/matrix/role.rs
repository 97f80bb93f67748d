//! The exchange of each role in a cell, and the plain peer for it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Side};
use framelink_transport::session::Sent;
use framelink_transport::{Error, Profile};

use super::calls;
use super::cell::{Cell, Driver, OUR_PREAMBLE, Role, Style, THEIR_PREAMBLE};
use crate::support::driver;
use crate::support::party::{Client, Party as _};
use crate::support::peer::{Task, expect, expect_end, half_close_if_open, ready, write};
use crate::support::wire::{Wire, payload};

/// Runs a valid cell. Returns the number of messages that it exchanged.
pub(crate) fn run(cell: &Cell, profile: &Arc<Profile>) -> usize {
    match cell.role {
        Role::Client if cell.exchange.duplex().is_some() => calls::run(cell, profile),
        Role::Client => as_client(cell, profile),
        Role::Server => as_server(cell, profile),
    }
}

/// The limit for each message.
const DEADLINE: Duration = Duration::from_secs(20);

/// Returns the reply to a request. It differs from the request.
pub(crate) fn reply_to(request: &[u8]) -> Vec<u8> {
    request.iter().rev().copied().collect()
}

fn as_client(cell: &Cell, profile: &Arc<Profile>) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (tell, received) = mpsc::channel();
    let peer = thread::spawn({
        let cell = *cell;
        move || plain_server(&cell, &listener, &received)
    });
    let mut client = client(cell.driver, profile, address);
    for &size in cell.wire.sizes() {
        let message = payload(size);
        match cell.exchange {
            ExchangeKind::SendOnly => client.send(&message).expect("sending"),
            ExchangeKind::ReceiveOnly => {
                let received = client.recv().expect("receiving").expect("a message");
                assert!(received[..] == message, "the received message of {size} bytes differs from the sent one");
                // The channel is open only while more messages follow.
                let _ = tell.send(());
            }
            _ => {
                let reply = client.call(&message).expect("a reply");
                assert!(reply[..] == reply_to(&message), "the reply to {size} bytes");
            }
        }
    }
    // A message over the limit is refused before a byte of it is written. The connection stays usable.
    if let Some(size) = cell.wire.too_large()
        && cell.exchange == ExchangeKind::Sync
        && cell.short().is_none()
    {
        let error = client.call(&payload(size)).expect_err("a refusal");
        assert_eq!(error.sent(), Sent::Not, "{error}");
        assert!(error.to_string().contains(&size.to_string()), "{error}");
    }
    client.close().expect("closing");
    peer.join().expect("the peer");
    cell.wire.sizes().len()
}

/// Accepts as many connections as the cell makes, and exchanges messages as a host would.
fn plain_server(cell: &Cell, listener: &TcpListener, received: &Receiver<()>) {
    let mut stream = None;
    for &size in cell.wire.sizes() {
        let is_new = stream.is_none();
        let stream_now: TcpStream = stream.take().unwrap_or_else(|| ready(listener.accept().expect("accepting").0));
        if is_new && cell.style == Style::Preamble {
            write(&stream_now, THEIR_PREAMBLE);
        }
        let expects_ours = is_new && cell.style == Style::Preamble;
        let message = payload(size);
        if cell.exchange != ExchangeKind::ReceiveOnly {
            if expects_ours {
                expect(&stream_now, OUR_PREAMBLE);
            }
            expect(&stream_now, &cell.wire.frame(&message));
            if cell.short().is_some_and(|short| short.half_close) || cell.wire == Wire::UntilClose {
                expect_end(&stream_now);
            }
        }
        match cell.exchange {
            ExchangeKind::SendOnly => {}
            ExchangeKind::ReceiveOnly => write(&stream_now, &cell.wire.frame(&message)),
            _ => write(&stream_now, &cell.wire.frame(&reply_to(&message))),
        }
        match cell.short() {
            None => {
                // A message of this kind ends with silence or with one read, so the next one must not follow before it.
                if matches!(cell.wire, Wire::Quiet | Wire::EachRead) && cell.exchange == ExchangeKind::ReceiveOnly {
                    received.recv_timeout(DEADLINE).expect("the message is received");
                }
                stream = Some(stream_now);
            }
            Some(short) => {
                if short.closes == Side::Client && cell.wire.ends_by_itself() {
                    drain(&stream_now);
                }
                half_close_if_open(&stream_now);
                drain(&stream_now);
            }
        }
    }
    if let Some(stream) = stream {
        drain(&stream);
    }
}

/// Reads until the end or an error.
pub(crate) fn drain(mut stream: &TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(1..) = std::io::Read::read(&mut stream, &mut bytes) {}
}

fn as_server(cell: &Cell, profile: &Arc<Profile>) -> usize {
    let sizes = cell.wire.sizes();
    let connections = if cell.short().is_some() { sizes.len() } else { 1 };
    let (tell, received) = mpsc::channel();
    let (address, server) = start_server(cell, profile, connections, tell);
    let (mut stream, mut seen) = (None, Vec::new());
    for &size in sizes {
        let is_new = stream.is_none();
        let now: TcpStream = stream.take().unwrap_or_else(|| ready(TcpStream::connect(address).expect("dialling")));
        if is_new && cell.style == Style::Preamble {
            write(&now, THEIR_PREAMBLE);
            expect(&now, OUR_PREAMBLE);
        }
        let message = payload(size);
        write(&now, &cell.wire.frame(&message));
        if cell.short().is_some_and(|short| short.half_close) || cell.wire == Wire::UntilClose {
            half_close_if_open(&now);
        }
        if answers(cell) {
            expect(&now, &cell.wire.frame(&reply_to(&message)));
        } else if matches!(cell.wire, Wire::Quiet | Wire::EachRead) {
            seen.push(received.recv_timeout(DEADLINE).expect("the message is received"));
        }
        match cell.short() {
            None => stream = Some(now),
            Some(short) => {
                if short.closes == Side::Server {
                    expect_end(&now);
                }
                half_close_if_open(&now);
                drain(&now);
            }
        }
    }
    if let Some(stream) = stream {
        half_close_if_open(&stream);
        drain(&stream);
    }
    server.join().expect("serving");
    seen.extend(received.try_iter());
    let expected: Vec<Vec<u8>> = sizes.iter().map(|&size| payload(size)).collect();
    assert!(seen == expected, "the server saw {:?}", seen.iter().map(Vec::len).collect::<Vec<_>>());
    sizes.len()
}

/// Starts a server that serves this many connections and sends each message to the test.
fn start_server(
    cell: &Cell,
    profile: &Arc<Profile>,
    connections: usize,
    tell: Sender<Vec<u8>>,
) -> (SocketAddr, Task<Result<u64, Error>>) {
    let (profile, answers) = ((**profile).clone(), answers(cell));
    let handler = Box::new(move |message: &[u8]| {
        tell.send(message.to_vec()).expect("a test");
        answers.then(|| reply_to(message))
    });
    match cell.driver {
        Driver::Blocking => driver::Blocking::serve_in_turn(profile, connections, Duration::ZERO, handler),
        Driver::NonBlocking => driver::NonBlocking::serve_in_turn(profile, connections, Duration::ZERO, handler),
        Driver::Tokio => driver::Tokio::serve_in_turn(profile, connections, Duration::ZERO, handler),
    }
}

/// Returns whether the server of the cell sends replies.
fn answers(cell: &Cell) -> bool {
    cell.exchange.sends() && cell.exchange.receives()
}

fn client(driver: Driver, profile: &Profile, address: SocketAddr) -> Box<dyn Client> {
    match driver {
        Driver::Blocking => driver::Blocking::client(profile.clone(), address),
        Driver::NonBlocking => driver::NonBlocking::client(profile.clone(), address),
        Driver::Tokio => driver::Tokio::client(profile.clone(), address),
    }
}
