//! One cell: a framing and a role. The driver is the type parameter with which its row is run.

use std::fmt;
use std::io::Write;
use std::net::{TcpListener, TcpStream};

use framelink_transport::{FramingPair, Profile, ProfileBuilder};

use crate::driver::{self, Driver};
use crate::ends::Ends;
use crate::peer;
pub(crate) use crate::wire::Wire;

/// The framings of the table: a length in text, in packed digits, and as a binary number.
pub(crate) const WIRES: [Wire; 3] = [Wire::Ascii4, Wire::Bcd2, Wire::Net4];

/// Which side of the connection is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Our side has dialled.
    Client,
    /// Our side has accepted.
    Server,
}

pub(crate) const CLIENT: &[Role] = &[Role::Client];
pub(crate) const SERVER: &[Role] = &[Role::Server];
pub(crate) const BOTH: &[Role] = &[Role::Client, Role::Server];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) wire: Wire,
    pub(crate) role: Role,
}

impl Cell {
    /// Returns our end of a connection, and the plain socket at its other end.
    pub(crate) fn pair<D: Ends>(&self) -> (D, TcpStream) {
        self.pair_with(self.framing())
    }

    pub(crate) fn pair_with<D: Ends>(&self, framing: FramingPair) -> (D, TcpStream) {
        match self.role {
            Role::Client => driver::pair(framing),
            Role::Server => D::accepted(framing),
        }
    }

    /// Returns two plain sockets, ours first. Ours has dialled or was accepted, as the role says.
    pub(crate) fn sockets(&self) -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dialled = peer::ready(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let accepted = peer::ready(listener.accept().unwrap().0);
        let (ours, peer) = match self.role {
            Role::Client => (dialled, accepted),
            Role::Server => (accepted, dialled),
        };
        // A driver is given a stream without timeouts.
        ours.set_read_timeout(None).unwrap();
        ours.set_write_timeout(None).unwrap();
        (ours, peer)
    }

    /// Reads one frame and returns its payload.
    #[track_caller]
    pub(crate) fn read(&self, peer: &TcpStream) -> Vec<u8> {
        let header = peer::read_exactly(peer, self.header_len());
        let len = match self.wire {
            Wire::Ascii4 => std::str::from_utf8(&header).unwrap().parse().unwrap(),
            Wire::Bcd2 => {
                header.iter().fold(0, |len, pair| len * 100 + usize::from(pair >> 4) * 10 + usize::from(pair & 15))
            }
            _ => header.iter().fold(0, |len, &byte| len << 8 | usize::from(byte)),
        };
        peer::read_exactly(peer, len)
    }

    pub(crate) fn write(&self, mut peer: &TcpStream, payload: &[u8]) {
        peer.write_all(&self.frame(payload)).expect("writing");
    }

    pub(crate) fn framing(&self) -> FramingPair {
        driver::framing(self.wire.notation())
    }

    /// Returns the cell's framing with one more option, such as `max=2KiB`.
    pub(crate) fn framing_with(&self, option: &str) -> FramingPair {
        driver::framing(&format!("{},{option}", self.wire.notation()))
    }

    pub(crate) fn profile(&self) -> ProfileBuilder {
        Profile::builder(self.framing())
    }

    pub(crate) fn frame(&self, payload: &[u8]) -> Vec<u8> {
        self.wire.frame(payload)
    }

    /// Returns the frames of these messages, one after the other.
    pub(crate) fn frames<P: AsRef<[u8]>>(&self, payloads: &[P]) -> Vec<u8> {
        payloads.iter().flat_map(|payload| self.frame(payload.as_ref())).collect()
    }

    /// Returns a header that announces this many payload bytes.
    pub(crate) fn header(&self, payload_len: usize) -> Vec<u8> {
        let mut frame = self.frame(&vec![0; payload_len]);
        frame.truncate(self.header_len());
        frame
    }

    pub(crate) fn header_len(&self) -> usize {
        self.frame(b"").len()
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Client => "client",
            Role::Server => "server",
        };
        write!(f, "{}, {role}", self.wire.notation())
    }
}

/// Returns the next message. Panics if there is none.
#[track_caller]
pub(crate) fn next<D: Driver>(ours: &mut D) -> Vec<u8> {
    ours.recv().expect("receiving").expect("a message").to_vec()
}
