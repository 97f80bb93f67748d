//! Plain peers that read and write bytes, with a deadline for each operation.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use framelink_length::Length;
use framelink_testkit::{Fault, Hostile, HostileBuilder};
use framelink_unframed::Unframed;

/// The deadline of every wait. A test fails after it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn length(notation: &str) -> Length {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

pub(crate) fn unframed(notation: &str) -> Unframed {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

/// A server with the framing `ascii:4`, and a plain client.
pub(crate) fn serve(
    fault: Fault,
    with: impl FnOnce(HostileBuilder<Length>) -> HostileBuilder<Length>,
) -> (Hostile, TcpStream) {
    let peer = with(Hostile::builder(length("ascii:4,max=2048"), fault)).listen("127.0.0.1:0").expect("listening");
    let stream = dial(peer.local_addr());
    (peer, stream)
}

/// A client with the framing `ascii:4`, and a plain server.
pub(crate) fn ask(
    fault: Fault,
    with: impl FnOnce(HostileBuilder<Length>) -> HostileBuilder<Length>,
) -> (Hostile, TcpStream) {
    let host = Host::listen();
    let builder = Hostile::builder(length("ascii:4,max=2048"), fault).messages(["one", "two", "three"]);
    let peer = with(builder).dial(host.address).expect("dialling");
    let stream = host.accept();
    (peer, stream)
}

pub(crate) fn dial(address: SocketAddr) -> TcpStream {
    ready(TcpStream::connect_timeout(&address, DEADLINE).expect("dialling"))
}

/// Listens on a free port.
pub(crate) struct Host {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Host {
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
        let address = listener.local_addr().expect("an address");
        Self { listener, address }
    }

    /// Returns the next connection.
    pub(crate) fn accept(&self) -> TcpStream {
        let listener = self.listener.try_clone().expect("cloning a listener");
        let (sender, accepted) = mpsc::channel();
        thread::spawn(move || sender.send(listener.accept()));
        let (stream, _) = accepted.recv_timeout(DEADLINE).expect("a connection in time").expect("accepting");
        ready(stream)
    }
}

fn ready(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
    stream.set_write_timeout(Some(DEADLINE)).expect("a write deadline");
    stream.set_nodelay(true).expect("no delay");
    stream
}

pub(crate) fn send(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).expect("room for them");
}

/// Reads exactly this many bytes.
pub(crate) fn read_exactly(mut stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("so many bytes");
    bytes
}

/// Returns the bytes of one read.
pub(crate) fn read_once(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 65536];
    let count = stream.read(&mut bytes).expect("something");
    bytes.truncate(count);
    bytes
}

/// Reads up to the end, and returns the bytes and how the stream ended.
pub(crate) fn read_to_end(mut stream: &TcpStream) -> (Vec<u8>, Result<(), io::ErrorKind>) {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).map(drop).map_err(|error| error.kind());
    (bytes, end)
}

pub(crate) fn half_close(stream: &TcpStream) {
    stream.shutdown(Shutdown::Write).expect("a half-close");
}
