//! The other side: a plain socket, and frames of two bytes of length.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Whatever a test waits for comes within this time, or the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) fn dial(address: SocketAddr) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        // Small, so that a peer that does not read is noticed soon.
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::new(socket.into())
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn read(&mut self) -> Vec<u8> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).expect("a header");
        let mut payload = vec![0; usize::from(u16::from_be_bytes(head))];
        self.0.read_exact(&mut payload).expect("a payload");
        payload
    }

    pub(crate) fn write(&mut self, payloads: &[&[u8]]) {
        let frames: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload)).collect();
        self.0.write_all(&frames).expect("writing");
    }

    pub(crate) fn half_close(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// What comes until the end, where that is none in good order as well.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("it does not end"),
            _ => bytes,
        }
    }

    /// Nothing comes for a while. (Only the absence of a thing is shown by time.)
    #[track_caller]
    pub(crate) fn expect_nothing(&mut self) {
        self.0.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let read = self.0.read(&mut [0]);
        self.0.set_read_timeout(Some(DEADLINE)).unwrap();
        assert!(matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{read:?}");
    }
}

pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("a short payload");
    [&len.to_be_bytes(), payload].concat()
}
