//! A peer that causes a given failure and counts the bytes that it receives.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use crate::way::Way;

/// Every event that a test waits for happens within this time, or the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    /// Receives a message when the peer has a whole request.
    pub(crate) whole: Option<Receiver<()>>,
    released: Arc<AtomicBool>,
    way: Way,
    /// Returns the received bytes of all connections. `None` if the peer does not accept.
    accepting: Option<JoinHandle<u64>>,
    /// Connections that keep the address from answering.
    _held: Vec<TcpStream>,
    _listener: Option<Socket>,
}

/// Returns the payload with the header of all framings here. (The peer receives no byte of `Unsayable`.)
fn frame(payload: &[u8]) -> Vec<u8> {
    [&u32::try_from(payload.len()).expect("a length").to_be_bytes(), payload].concat()
}

impl Host {
    pub(crate) fn start(way: Way) -> Self {
        match way {
            Way::Refused => Self::refusing(way),
            Way::NoAnswer => Self::not_answering(way),
            _ => Self::listening(way),
        }
    }

    fn refusing(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        // A port in use, on which no program listens.
        let address = stream.local_addr().expect("an address");
        let held = vec![stream, listener.accept().expect("accepting").0];
        Self { address, whole: None, released: Arc::default(), way, accepting: None, _held: held, _listener: None }
    }

    fn not_answering(way: Way) -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("binding");
        listener.listen(0).expect("no backlog");
        let address = listener.local_addr().expect("an address").as_socket().expect("an IP address");
        let mut held = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            held.push(stream);
        }
        let listener = Some(listener);
        Self { address, whole: None, released: Arc::default(), way, accepting: None, _held: held, _listener: listener }
    }

    fn listening(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        // A small buffer, so that our side soon notices that the peer does not read.
        SockRef::from(&listener).set_recv_buffer_size(64 * 1024).expect("a receive buffer");
        let address = listener.local_addr().expect("an address");
        let released: Arc<AtomicBool> = Arc::default();
        let (told, whole) = mpsc::channel();
        let accepting = thread::spawn({
            let released = Arc::clone(&released);
            move || accept(way, &listener, &released, &told)
        });
        let (whole, accepting) = (Some(whole), Some(accepting));
        Self { address, whole, released, way, accepting, _held: Vec::new(), _listener: None }
    }

    /// Returns how many bytes of the request the peer received. Our side has closed all connections by then.
    pub(crate) fn request_bytes(self) -> u64 {
        let Some(accepting) = self.accepting else { return 0 };
        self.released.store(true, Ordering::Release);
        // Ends the wait for another connection.
        drop(TcpStream::connect(self.address));
        let all = accepting.join().expect("a peer that ends");
        match self.way.earlier() {
            Some(earlier) if self.way != Way::EndedByUsQueued => all.saturating_sub(frame(&earlier).len() as u64),
            _ => all,
        }
    }
}

fn accept(way: Way, listener: &TcpListener, released: &Arc<AtomicBool>, told: &Sender<()>) -> u64 {
    let mut talks = Vec::new();
    while !released.load(Ordering::Acquire) {
        let stream = listener.accept().expect("accepting").0;
        let (released, told) = (Arc::clone(released), told.clone());
        talks.push(thread::spawn(move || talk(way, stream, &released, &told)));
    }
    talks.into_iter().map(|talk| talk.join().expect("a talk")).sum()
}

/// Causes the failure on this connection. Returns the number of received bytes of the request.
fn talk(way: Way, mut stream: TcpStream, released: &AtomicBool, told: &Sender<()>) -> u64 {
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let earlier = way.earlier().map_or(0, |earlier| frame(&earlier).len());
    let whole = earlier + 4 + way.request().len();
    let mut count = 0;
    match way {
        Way::NoRoom | Way::StuckMidway | Way::EndedByUsQueued => {
            let start = Instant::now();
            while !released.load(Ordering::Acquire) && start.elapsed() < DEADLINE {
                thread::sleep(Duration::from_millis(5));
            }
        }
        Way::ResetBefore | Way::ClosedBefore => {
            stream.set_nonblocking(true).expect("a non-blocking socket");
            return end(way, stream, 0);
        }
        Way::ResetMidway => {
            count += read(&mut stream, 1000);
            return end(way, stream, count);
        }
        _ => count += read(&mut stream, whole),
    }
    if way == Way::EndedByUsQueued {
        return requested(&mut stream);
    }
    if count == whole as u64 {
        let _ = told.send(());
    }
    match way {
        Way::ResetAfter => return end(way, stream, count),
        Way::ClosedAfter => stream.shutdown(Shutdown::Write).unwrap_or_default(),
        Way::Garbage => stream.write_all(b"garbage!").unwrap_or_default(),
        Way::HalfReply => {
            stream.write_all(b"\0\0\0\x0a01 ").unwrap_or_default();
            stream.shutdown(Shutdown::Write).unwrap_or_default();
        }
        _ => {}
    }
    count + read(&mut stream, usize::MAX)
}

/// Returns the number of bytes that only the request contains.
fn requested(stream: &mut TcpStream) -> u64 {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes.iter().filter(|&&byte| byte == b'R').count() as u64
}

/// Closes at once, with a reset if the failure is one.
fn end(way: Way, mut stream: TcpStream, count: u64) -> u64 {
    // Bytes that have already arrived count too.
    let more = if way == Way::ResetBefore || way == Way::ClosedBefore { read(&mut stream, usize::MAX) } else { 0 };
    if way != Way::ClosedBefore {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a reset");
    }
    count + more
}

/// Reads up to `most` bytes, or fewer if the connection ends.
fn read(stream: &mut TcpStream, most: usize) -> u64 {
    let (mut buffer, mut count) = (vec![0; 64 * 1024], 0);
    while count < most {
        let len = buffer.len().min(most - count);
        match stream.read(&mut buffer[..len]) {
            Ok(0) | Err(_) => break,
            Ok(read) => count += read,
        }
    }
    count as u64
}
