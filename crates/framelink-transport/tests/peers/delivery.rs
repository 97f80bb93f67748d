//! How messages are written, ours and the peer's.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::{FrameWriter, FramingPair, Message, TryRecv};

use crate::DEADLINE;
use crate::driver::Driver;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Each message in one write, answered before the next.
    Whole,
    /// All messages before the first is answered, in as few writes as possible.
    Burst,
    /// Each message one byte a write, answered before the next.
    Bytes,
}

impl Delivery {
    pub(crate) const ALL: &[Self] = &[Self::Whole, Self::Burst, Self::Bytes];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Burst => "burst",
            Self::Bytes => "bytes",
        }
    }
}

/// A connection of ours, and a second handle of its socket for writing single bytes.
pub(crate) struct Ours<D> {
    connection: D,
    framing: FramingPair,
    bytes: Option<TcpStream>,
}

impl<D: Driver> Ours<D> {
    pub(crate) fn connect(address: SocketAddr, framing: FramingPair, delivery: Delivery) -> Self {
        match delivery {
            Delivery::Whole | Delivery::Burst => {
                Self { connection: D::connect(address, framing).expect("a connection"), framing, bytes: None }
            }
            Delivery::Bytes => Self::adopt(TcpStream::connect(address).expect("a connection"), framing),
        }
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &[u8]) {
        match &self.bytes {
            None => self.connection.send_within(message, DEADLINE).expect("sending"),
            Some(socket) => write_bytes(socket, &frame(self.framing, message)),
        }
    }

    /// Sends a request and receives its reply.
    pub(crate) fn call(&mut self, request: &[u8]) -> Vec<u8> {
        match &self.bytes {
            None => self.connection.call(request, DEADLINE).expect("a reply").to_vec(),
            Some(socket) => {
                write_bytes(socket, &frame(self.framing, request));
                self.recv().to_vec()
            }
        }
    }

    /// Feeds all messages and flushes. Each write has as many of them as the queue holds.
    pub(crate) fn burst(&mut self, messages: &[Vec<u8>]) {
        for message in messages {
            self.connection.feed(message).expect("feeding");
        }
        self.connection.flush().expect("flushing");
    }

    /// Returns the next message, or `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Message> {
        match self.connection.recv_within(DEADLINE).expect("receiving") {
            TryRecv::Message(message) => Some(message),
            TryRecv::Closed => None,
            TryRecv::Nothing => panic!("{}: no message arrived within {DEADLINE:?}", D::NAME),
        }
    }

    pub(crate) fn recv(&mut self) -> Message {
        self.next().unwrap_or_else(|| panic!("{}: the end instead of a message", D::NAME))
    }

    pub(crate) fn close(self) {
        self.connection.close(DEADLINE).expect("closing");
    }

    fn adopt(stream: TcpStream, framing: FramingPair) -> Self {
        stream.set_nodelay(true).expect("no delay");
        let bytes = stream.try_clone().expect("a second handle of the socket");
        Self { connection: D::adopt(stream, framing), framing, bytes: Some(bytes) }
    }
}

/// The listener that a peer dials: one of ours, or a plain one if single bytes are to be written.
pub(crate) enum Door<D: Driver> {
    Listener(D::Listener, FramingPair),
    Plain(TcpListener, FramingPair),
}

impl<D: Driver> Door<D> {
    pub(crate) fn open(framing: FramingPair, delivery: Delivery) -> (Self, SocketAddr) {
        match delivery {
            Delivery::Whole | Delivery::Burst => {
                let (listener, address) = D::listen(framing);
                (Self::Listener(listener, framing), address)
            }
            Delivery::Bytes => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
                listener.set_nonblocking(true).expect("a non-blocking listener");
                let address = listener.local_addr().expect("an address");
                (Self::Plain(listener, framing), address)
            }
        }
    }

    pub(crate) fn accept(&mut self) -> Ours<D> {
        match self {
            Self::Listener(listener, framing) => {
                Ours { connection: D::accept(listener, DEADLINE), framing: *framing, bytes: None }
            }
            Self::Plain(listener, framing) => {
                let (stream, _) = patiently(|| listener.accept());
                stream.set_nonblocking(false).expect("a blocking socket");
                Ours::adopt(stream, *framing)
            }
        }
    }
}

/// Returns the bytes of a frame, encoded by framelink.
fn frame(framing: FramingPair, message: &[u8]) -> Vec<u8> {
    let mut writer = FrameWriter::new(Vec::new(), framing);
    writer.write(message).expect("a message that can be sent");
    writer.into_inner()
}

/// Writes each byte by itself. The socket may be non-blocking, because the connection beside it may have set it so.
fn write_bytes(mut socket: &TcpStream, bytes: &[u8]) {
    for byte in bytes {
        assert_eq!(patiently(|| socket.write(&[*byte])), 1, "a byte");
    }
}

/// Repeats an operation while it would block.
fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>) -> T {
    let began = Instant::now();
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(error) => assert!(
                error.kind() == io::ErrorKind::WouldBlock && began.elapsed() < DEADLINE,
                "after {:?}: {error}",
                began.elapsed()
            ),
        }
        thread::sleep(Duration::from_millis(1));
    }
}
