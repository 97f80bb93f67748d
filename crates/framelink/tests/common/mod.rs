//! Runs the program, and peers that read and write plain bytes. This module does not use the code under test.

#![allow(dead_code, reason = "each test file uses its part")]

mod process;
mod wire;

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

#[allow(unused_imports, reason = "each test file uses its part")]
pub(crate) use self::{
    process::{Finished, Running, framelink},
    wire::Wire,
};

/// The longest wait of a test. A test that waits longer fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Dials, with deadlines on everything.
pub(crate) fn dial(address: SocketAddr) -> TcpStream {
    ready(TcpStream::connect_timeout(&address, DEADLINE).expect("dialling"))
}

/// A listener on a free port.
pub(crate) struct Host {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Host {
    pub(crate) fn listen() -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"))
    }

    /// Listens on this address. A test that listens on one address more than once takes it from a `ReservedPort`. A
    /// process that another test starts holds the descriptors of this process until it executes its program. Until then
    /// the previous listener still listens.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let deadline = Instant::now() + DEADLINE;
        let listener = loop {
            match TcpListener::bind(address) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(1));
                }
                bound => break bound.expect("listening"),
            }
        };
        let address = listener.local_addr().expect("an address");
        Self { listener, address }
    }

    /// Returns the next connection.
    pub(crate) fn accept(&self) -> TcpStream {
        let listener = self.listener.try_clone().expect("cloning a listener");
        let (sender, accepted) = mpsc::channel();
        thread::spawn(move || {
            let stream = listener.accept();
            // Dropped first: the caller may rely on a closed port.
            drop(listener);
            sender.send(stream)
        });
        let (stream, _) = accepted.recv_timeout(DEADLINE).expect("a connection in time").expect("accepting");
        ready(stream)
    }

    /// Asserts that no connection waits to be accepted.
    pub(crate) fn expect_untouched(self) {
        self.listener.set_nonblocking(true).expect("a non-blocking listener");
        let accepted = self.listener.accept().map_err(|error| error.kind());
        assert!(matches!(accepted, Err(io::ErrorKind::WouldBlock)), "a program has dialled: {accepted:?}");
    }

    /// Runs `talk` on a thread with the next connection. The task has its result.
    pub(crate) fn serve<T: Send + 'static>(self, talk: impl FnOnce(TcpStream) -> T + Send + 'static) -> Task<T> {
        Task::start(move || talk(self.accept()))
    }

    /// Runs `talk` on a thread of its own for each connection, until the test ends.
    pub(crate) fn serve_all(self, talk: impl Fn(TcpStream) + Clone + Send + 'static) {
        thread::spawn(move || {
            while let Ok((stream, _)) = self.listener.accept() {
                let talk = talk.clone();
                thread::spawn(move || talk(ready(stream)));
            }
        });
    }
}

/// An address that does not answer: its queue is full, so Linux drops each SYN.
#[cfg(target_os = "linux")]
pub(crate) struct SilentPort {
    _holds: (socket2::Socket, Vec<TcpStream>),
    pub(crate) address: SocketAddr,
}

#[cfg(target_os = "linux")]
impl SilentPort {
    pub(crate) fn new() -> Self {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("binding");
        listener.listen(0).expect("no backlog");
        let address = listener.local_addr().expect("an address").as_socket().expect("an IP address");
        let mut queued = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queued.push(stream);
        }
        Self { _holds: (listener, queued), address }
    }

    /// Waits until a program dials it: a connection in the state `SYN_SENT` (2).
    pub(crate) fn wait_for_dial(&self) {
        let SocketAddr::V4(address) = self.address else { panic!("it is bound to an IPv4 address") };
        let remote = format!("{:08X}:{:04X} 02 ", u32::from_ne_bytes(address.ip().octets()), address.port());
        let began = Instant::now();
        while !std::fs::read_to_string("/proc/net/tcp").expect("Linux").contains(&remote) {
            assert!(began.elapsed() < DEADLINE, "no program dials {address}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Returns the row of a connection in the system's table, for the side with our address. The row is empty if there is
/// no such connection.
pub(crate) fn system_row(ours: SocketAddr, theirs: SocketAddr) -> Vec<String> {
    let shown = |address: SocketAddr| match address {
        SocketAddr::V4(v4) => format!("{:08X}:{:04X}", u32::from_ne_bytes(v4.ip().octets()), v4.port()),
        SocketAddr::V6(_) => unreachable!("tests listen on IPv4"),
    };
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the table");
    let row = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    table.lines().map(row).find(|row| row[1..3] == [shown(ours), shown(theirs)]).unwrap_or_default()
}

/// A thread whose result is waited for up to the deadline.
pub(crate) struct Task<T>(mpsc::Receiver<thread::Result<T>>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, done) = mpsc::channel();
        thread::spawn(move || sender.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))));
        Self(done)
    }

    pub(crate) fn join(self) -> T {
        match self.0.recv_timeout(DEADLINE).expect("a thread that ends in time") {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// A local port on which no program listens while this value lives.
pub(crate) struct DeadPort {
    _holds: (TcpListener, TcpStream),
    pub(crate) address: SocketAddr,
}

impl DeadPort {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("dialling");
        let address = stream.local_addr().expect("an address");
        Self { _holds: (listener, stream), address }
    }
}

/// Reads exactly `count` bytes.
pub(crate) fn read_exactly(mut stream: impl Read, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("so many bytes");
    bytes
}

/// Reads all bytes up to a proper end.
pub(crate) fn read_to_end(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("a proper end");
    bytes
}

/// Returns whether the peer closes, properly or by a reset, without sending a byte.
pub(crate) fn is_closed(mut stream: &TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe),
    }
}

pub(crate) fn half_close(stream: &TcpStream) {
    stream.shutdown(Shutdown::Write).expect("a half-close");
}

fn ready(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
    stream.set_write_timeout(Some(DEADLINE)).expect("a write deadline");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// A file that is removed when this value is dropped.
pub(crate) struct TempFile(pub(crate) PathBuf);

impl TempFile {
    pub(crate) fn with(bytes: &[u8]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}.bin", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, bytes).expect("writing a file");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
