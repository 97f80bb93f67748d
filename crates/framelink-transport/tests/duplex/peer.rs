//! The other side: a plain socket, and frames of two bytes of length.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use framelink_transport::session::{KeyRule, Matching};

use crate::many::{DEADLINE, Many, framing};

/// A driver's end with calls in flight, and the plain socket at its other end.
pub(crate) fn pair<M: Many>(matching: Matching) -> (M, Peer) {
    let (ours, theirs) = sockets();
    (M::new(ours, framing("net:2"), matching), Peer(theirs))
}

pub(crate) fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    // Small buffers, so that a peer that does not read is noticed soon.
    socket2::SockRef::from(&listener).set_recv_buffer_size(64 * 1024).expect("a receive buffer");
    let ours = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    socket2::SockRef::from(&ours).set_send_buffer_size(64 * 1024).expect("a send buffer");
    let theirs = listener.accept().expect("accepting").0;
    theirs.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
    theirs.set_write_timeout(Some(DEADLINE)).expect("a write deadline");
    (ours, theirs)
}

/// By the first two bytes.
pub(crate) fn by_key() -> Matching {
    Matching::by_key(KeyRule::at("0:2".parse().expect("a place")))
}

pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    /// The next message.
    #[track_caller]
    pub(crate) fn read(&mut self) -> Vec<u8> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).expect("a header");
        let mut payload = vec![0; usize::from(u16::from_be_bytes(head))];
        self.0.read_exact(&mut payload).expect("a payload");
        payload
    }

    pub(crate) fn write(&mut self, payload: &[u8]) {
        self.0.write_all(&frame(payload)).expect("writing");
    }

    /// What comes until the end, where that is none in good order as well.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes);
        bytes
    }

    /// Nothing comes for a while. (Only the absence of a thing is shown by time.)
    #[track_caller]
    pub(crate) fn expect_nothing(&mut self) {
        self.0.set_read_timeout(Some(Duration::from_millis(50))).expect("a read deadline");
        let read = self.0.read(&mut [0]);
        self.0.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
        assert!(matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{read:?}");
    }
}

pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("a short payload");
    [&len.to_be_bytes(), payload].concat()
}
