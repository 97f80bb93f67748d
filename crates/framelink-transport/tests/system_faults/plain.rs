//! The peer on the other host: plain sockets, with framings by hand. It answers `PING` with `PONG`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::stage::Part;
use crate::wire::Wire;

/// The timeout of one read. Between two reads the peer checks whether the row is over.
const GLANCE: Duration = Duration::from_millis(50);

/// Returns the length that a header announces.
fn announced(wire: Wire, head: &[u8]) -> usize {
    let digits = |digits: &mut dyn Iterator<Item = u8>| digits.fold(0, |sum, digit| sum * 10 + usize::from(digit));
    match wire {
        Wire::Ascii4 => digits(&mut head.iter().map(|digit| digit - b'0')),
        Wire::Bcd2 => digits(&mut head.iter().flat_map(|pair| [pair >> 4, pair & 15])),
        _ => head.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)),
    }
}

/// A connection by hand.
pub(crate) struct Plain {
    stream: TcpStream,
    wire: Wire,
    came: Vec<u8>,
}

/// The result of a read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Message(Vec<u8>),
    End,
    /// Nothing has arrived yet.
    Nothing,
}

impl Plain {
    pub(crate) fn new(stream: TcpStream, wire: Wire) -> Self {
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(GLANCE)).expect("a read timeout");
        stream.set_write_timeout(Some(crate::stage::DEADLINE)).expect("a write timeout");
        Self { stream, wire, came: Vec::new() }
    }

    pub(crate) fn dial(address: SocketAddr, wire: Wire) -> Self {
        Self::new(TcpStream::connect(address).expect("dialling"), wire)
    }

    pub(crate) fn frame(&self, message: &[u8]) -> Vec<u8> {
        self.wire.frame(message)
    }

    pub(crate) const fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    pub(crate) fn write(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(&self.wire.frame(message))
    }

    /// Reads the next message. Heartbeats are answered and skipped.
    pub(crate) fn read(&mut self) -> io::Result<Seen> {
        loop {
            match self.read_any()? {
                Seen::Message(message) if message == b"PING" => self.write(b"PONG")?,
                Seen::Message(message) if message == b"PONG" => {}
                other => return Ok(other),
            }
        }
    }

    /// Reads the next message or heartbeat.
    pub(crate) fn read_any(&mut self) -> io::Result<Seen> {
        let head_len = self.wire.frame(b"").len();
        loop {
            if let Some((head, rest)) = self.came.split_at_checked(head_len)
                && let Some(message) = rest.get(..announced(self.wire, head)).map(<[u8]>::to_vec)
            {
                self.came.drain(..head_len + message.len());
                return Ok(Seen::Message(message));
            }
            let mut bytes = [0; 16 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(Seen::End),
                Ok(count) => self.came.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(Seen::Nothing);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a request and reads the reply.
    pub(crate) fn call(&mut self, request: &[u8], part: &Part) -> Vec<u8> {
        self.write(request).expect("sending");
        loop {
            match self.read().expect("receiving") {
                Seen::Message(reply) => return reply,
                Seen::End => panic!("the end instead of a reply"),
                Seen::Nothing => part.must_go_on("a reply"),
            }
        }
    }

    /// Answers heartbeats until the connection or the row is over.
    pub(crate) fn idle(&mut self, part: &Part) {
        while !part.is_over() && !matches!(self.read(), Ok(Seen::End) | Err(_)) {}
    }

    /// Reads until the end.
    pub(crate) fn idle_to_the_end(&mut self) {
        let began = std::time::Instant::now();
        while !matches!(self.read(), Ok(Seen::End) | Err(_)) {
            assert!(began.elapsed() < crate::stage::DEADLINE, "waited in vain for the end");
        }
    }

    pub(crate) fn half_close(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).expect("a half-close");
    }
}

/// Accepts one connection and echoes all messages `until` the row is over or the connection ends. Returns the messages.
pub(crate) fn echo(listener: &TcpListener, wire: Wire, part: &Part, until: Until) -> Vec<Vec<u8>> {
    let mut peer = Plain::new(accept(listener, part), wire);
    let mut seen = Vec::new();
    while until == Until::End || !part.is_over() {
        match peer.read() {
            Ok(Seen::Message(message)) => {
                let _ = peer.write(&message);
                seen.push(message);
            }
            Ok(Seen::Nothing) => part.must_go_on("the end of the connection"),
            Ok(Seen::End) | Err(_) => break,
        }
    }
    seen
}

/// When a peer stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// When the connection ends.
    End,
    /// When the row is over, because the peer is not told of the end of the connection.
    Over,
}

fn accept(listener: &TcpListener, part: &Part) -> TcpStream {
    listener.set_nonblocking(true).expect("a non-blocking listener");
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("a blocking stream");
                return stream;
            }
            Err(_) => part.must_go_on("a connection"),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
