//! The peer: a plain socket, which shares no code with the drivers under test.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

pub(crate) use super::DEADLINE;
pub(crate) use super::task::Task;

/// A small socket buffer: a writer soon notices that the peer does not read.
const SMALL_BUFFER: usize = 64 * 1024;

/// Listens on a free port of this machine. Returns the listener and its address.
pub(crate) fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Returns the two ends of one connection.
pub(crate) fn sockets() -> (TcpStream, TcpStream) {
    let (listener, address) = listen();
    let ours = TcpStream::connect(address).expect("a connection");
    (ours, listener.accept().expect("accepting").0)
}

/// Returns two ends with small buffers. The peer's end has timeouts.
pub(crate) fn small_sockets() -> (TcpStream, TcpStream) {
    let (listener, address) = listen();
    SockRef::from(&listener).set_recv_buffer_size(SMALL_BUFFER).expect("a receive buffer");
    let ours = TcpStream::connect(address).expect("a connection");
    SockRef::from(&ours).set_send_buffer_size(SMALL_BUFFER).expect("a send buffer");
    (ours, ready(listener.accept().expect("accepting").0))
}

/// Sets timeouts, so that no operation on the socket waits without end.
pub(crate) fn ready(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
    stream.set_write_timeout(Some(DEADLINE)).expect("a write deadline");
    stream.set_nodelay(true).expect("no delay");
    stream
}

pub(crate) fn read_exactly(mut stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("the expected number of bytes");
    bytes
}

/// Reads exactly these bytes.
pub(crate) fn expect(stream: &TcpStream, bytes: &[u8]) {
    let came = read_exactly(stream, bytes.len());
    assert!(came == bytes, "the {} received bytes differ from the expected ones", came.len());
}

pub(crate) fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an orderly end");
    bytes
}

/// Asserts that the stream ends here. (A peer that closes with unread bytes sends a reset, which also is an end.)
pub(crate) fn expect_end(mut stream: &TcpStream) {
    match stream.read(&mut [0]) {
        Ok(count) => assert_eq!(count, 0, "bytes arrived instead of the end"),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}"),
    }
}

pub(crate) fn write(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).expect("writing");
}

pub(crate) fn half_close(stream: &TcpStream) {
    stream.shutdown(Shutdown::Write).expect("a half-close");
}

/// Half-closes a connection that the other side may have closed.
pub(crate) fn half_close_if_open(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
}

/// Closes the connection with a reset.
pub(crate) fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("no lingering");
    drop(stream);
}

/// Returns a frame with a header of two bytes.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("a short payload");
    [&len.to_be_bytes(), payload].concat()
}

/// Reads a frame with a header of two bytes, and returns its payload.
pub(crate) fn read_frame(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes(head))];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}

/// A plain socket whose frames have a header of two bytes.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    /// Dials with a small receive buffer, so that the peer's window is soon full.
    pub(crate) fn dial(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(SMALL_BUFFER).expect("a receive buffer");
        socket.connect(&address.into()).expect("a connection");
        Self::new(socket.into())
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(ready(stream))
    }

    /// Reads the next message.
    #[track_caller]
    pub(crate) fn read(&mut self) -> Vec<u8> {
        read_frame(&mut self.0).expect("a frame")
    }

    pub(crate) fn send(&mut self, payload: &[u8]) {
        self.write(&[payload]);
    }

    /// Writes all messages in one write.
    pub(crate) fn write(&mut self, payloads: &[&[u8]]) {
        let frames: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload)).collect();
        write(&self.0, &frames);
    }

    pub(crate) fn half_close(&self) {
        half_close(&self.0);
    }

    /// Reads until the end or an error.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("the stream does not end"),
            _ => bytes,
        }
    }

    /// Asserts that no byte arrives for a while. (Only a wait can show that.)
    #[track_caller]
    pub(crate) fn expect_nothing(&mut self) {
        self.0.set_read_timeout(Some(Duration::from_millis(50))).expect("a read deadline");
        let read = self.0.read(&mut [0]);
        self.0.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
        assert!(matches!(&read, Err(error) if error.kind() == io::ErrorKind::WouldBlock), "{read:?}");
    }
}
