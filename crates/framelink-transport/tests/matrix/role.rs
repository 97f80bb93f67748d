//! What each role does in a cell, and the plain peer with it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Side};
use framelink_transport::session::Sent;
use framelink_transport::{CallError, Error, Message, Profile, blocking, nonblocking, tokio};

use crate::calls;
use crate::cell::{Cell, Driver, OUR_PREAMBLE, Role, Style, THEIR_PREAMBLE};
use crate::peer::{Wire, expect, expect_end, half_close, payload, ready, write};

/// Runs a valid cell; how many messages it exchanged.
pub(crate) fn run(cell: &Cell, profile: &Arc<Profile>) -> usize {
    match cell.role {
        Role::Client if cell.exchange.duplex().is_some() => calls::run(cell, profile),
        Role::Client => as_client(cell, profile),
        Role::Server => as_server(cell, profile),
    }
}

/// No message takes longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// A reply is another message than its request.
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
    let mut client = Client::new(cell.driver, profile, address);
    for &size in cell.wire.sizes() {
        let message = payload(size);
        match cell.exchange {
            ExchangeKind::SendOnly => client.send(&message).expect("sending"),
            ExchangeKind::ReceiveOnly => {
                let received = client.recv().expect("receiving").expect("a message");
                assert!(received[..] == message, "{size} bytes came, others than were sent");
                // There is one who listens only where there are more messages to come.
                let _ = tell.send(());
            }
            _ => {
                let reply = client.call(&message).expect("a reply");
                assert!(reply[..] == reply_to(&message), "the reply to {size} bytes");
            }
        }
    }
    // One over the limit is refused before anything of it is written, and harms nothing.
    if let Some(size) = cell.wire.too_large()
        && cell.exchange == ExchangeKind::Sync
        && cell.short().is_none()
    {
        let error = client.call(&payload(size)).expect_err("a refusal");
        assert_eq!(error.sent(), Sent::Not, "{error}");
        assert!(error.to_string().contains(&size.to_string()), "{error}");
    }
    client.close();
    peer.join().expect("the peer");
    cell.wire.sizes().len()
}

/// Accepts as many connections as the cell makes, and does what a host would.
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
                // What ends a message of this kind is silence, or one read: the next must not follow before it has come.
                if matches!(cell.wire, Wire::Quiet | Wire::EachRead) && cell.exchange == ExchangeKind::ReceiveOnly {
                    received.recv_timeout(DEADLINE).expect("it is received");
                }
                stream = Some(stream_now);
            }
            Some(short) => {
                if short.closes == Side::Client && cell.wire.ends_by_itself() {
                    drain(&stream_now);
                }
                half_close(&stream_now);
                drain(&stream_now);
            }
        }
    }
    if let Some(stream) = stream {
        drain(&stream);
    }
}

/// Until the end, however it comes.
pub(crate) fn drain(mut stream: &TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(1..) = std::io::Read::read(&mut stream, &mut bytes) {}
}

fn as_server(cell: &Cell, profile: &Arc<Profile>) -> usize {
    let sizes = cell.wire.sizes();
    let connections = if cell.short().is_some() { sizes.len() } else { 1 };
    let (tell, received) = mpsc::channel();
    let (address, server) = start_server(cell, profile, connections, tell);
    let mut stream = None;
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
            half_close(&now);
        }
        if answers(cell) {
            expect(&now, &cell.wire.frame(&reply_to(&message)));
        } else if matches!(cell.wire, Wire::Quiet | Wire::EachRead) {
            received.recv_timeout(DEADLINE).expect("it is received");
        }
        match cell.short() {
            None => stream = Some(now),
            Some(short) => {
                if short.closes == Side::Server {
                    expect_end(&now);
                }
                half_close(&now);
                drain(&now);
            }
        }
    }
    if let Some(stream) = stream {
        half_close(&stream);
        drain(&stream);
    }
    let seen = server.join().expect("the server");
    let expected: Vec<Vec<u8>> = sizes.iter().map(|&size| payload(size)).collect();
    assert!(seen == expected, "the server saw {:?}", seen.iter().map(Vec::len).collect::<Vec<_>>());
    sizes.len()
}

/// Serves so many connections one after the other; what it saw.
fn start_server(
    cell: &Cell,
    profile: &Arc<Profile>,
    connections: usize,
    tell: Sender<()>,
) -> (SocketAddr, thread::JoinHandle<Vec<Vec<u8>>>) {
    let (profile, driver, answers) = (Arc::clone(profile), cell.driver, answers(cell));
    let (sender, address) = std::sync::mpsc::channel();
    let server = thread::spawn(move || {
        let mut seen = Vec::new();
        let any = "127.0.0.1:0";
        let mut answer = |message: &[u8]| {
            seen.push(message.to_vec());
            // There is one who listens only where there are more messages to come.
            let _ = tell.send(());
            answers.then(|| reply_to(message))
        };
        match driver {
            Driver::Blocking => {
                let mut listener = blocking::Listener::bind_profile(any, &profile).expect("a port");
                sender.send(listener.local_addr().expect("an address")).expect("a test");
                for _ in 0..connections {
                    let connection = listener.accept().expect("accepting").expect("a connection");
                    connection.serve(&profile, |message| answer(&message)).expect("serving");
                }
            }
            Driver::NonBlocking => {
                let mut listener = nonblocking::Listener::bind_profile(any, &profile).expect("a port");
                sender.send(listener.local_addr().expect("an address")).expect("a test");
                for _ in 0..connections {
                    let connection = loop {
                        match listener.try_accept().expect("accepting") {
                            Some(connection) => break connection,
                            None => thread::sleep(Duration::from_millis(1)),
                        }
                    };
                    connection.serve(&profile, |message| answer(&message)).expect("serving");
                }
            }
            Driver::Tokio => runtime().block_on(async {
                let mut listener = tokio::Listener::bind_profile(any, &profile).await.expect("a port");
                sender.send(listener.local_addr().expect("an address")).expect("a test");
                for _ in 0..connections {
                    let connection = listener.accept().await.expect("accepting");
                    let answering = |message: Message| std::future::ready(answer(&message));
                    connection.serve(&profile, answering).await.expect("serving");
                }
            }),
        }
        seen
    });
    (address.recv().expect("a server"), server)
}

/// Whether a server has anything to say.
fn answers(cell: &Cell) -> bool {
    cell.exchange.sends() && cell.exchange.receives()
}

/// A client of any driver.
enum Client {
    Blocking(blocking::Client),
    NonBlocking(nonblocking::Client),
    Tokio(tokio::Client, ::tokio::runtime::Runtime),
}

impl Client {
    fn new(driver: Driver, profile: &Profile, address: SocketAddr) -> Self {
        let (profile, address) = (profile.clone(), address.to_string());
        match driver {
            Driver::Blocking => Self::Blocking(blocking::Client::new(profile, address).expect("a client")),
            Driver::NonBlocking => Self::NonBlocking(nonblocking::Client::new(profile, address).expect("a client")),
            Driver::Tokio => Self::Tokio(tokio::Client::new(profile, address).expect("a client"), runtime()),
        }
    }

    fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
        match self {
            Self::Blocking(client) => client.call(request),
            Self::NonBlocking(client) => client.call(request),
            Self::Tokio(client, runtime) => runtime.block_on(client.call(request)),
        }
    }

    fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
        match self {
            Self::Blocking(client) => client.send(message),
            Self::NonBlocking(client) => client.send(message),
            Self::Tokio(client, runtime) => runtime.block_on(client.send(message)),
        }
    }

    fn recv(&mut self) -> Result<Option<Message>, Error> {
        match self {
            Self::Blocking(client) => client.recv(),
            Self::NonBlocking(client) => client.recv(),
            Self::Tokio(client, runtime) => runtime.block_on(client.recv()),
        }
    }

    fn close(self) {
        match self {
            Self::Blocking(client) => client.close().map(|_| ()),
            Self::NonBlocking(client) => client.close().map(|_| ()),
            Self::Tokio(client, runtime) => runtime.block_on(client.close()).map(|_| ()),
        }
        .expect("closing");
    }
}

pub(crate) fn runtime() -> ::tokio::runtime::Runtime {
    ::tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
