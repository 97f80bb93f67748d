//! The other side: a plain socket.

use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use framelink_transport::Directions;

pub(crate) use crate::driver::DEADLINE;
use crate::driver::Driver;

/// A driver's connection, and the plain socket at its other end.
pub(crate) fn pair<D: Driver>(framing: Directions) -> (D, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let connection = D::connect(address, framing).expect("a connection");
    (connection, ready(listener.accept().expect("accepting").0))
}

pub(crate) fn ready(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
    stream.set_write_timeout(Some(DEADLINE)).expect("a write deadline");
    stream.set_nodelay(true).expect("no delay");
    stream
}

pub(crate) fn read_exactly(mut stream: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).expect("so many bytes");
    bytes
}

pub(crate) fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("a proper end");
    bytes
}

pub(crate) fn half_close(stream: &TcpStream) {
    stream.shutdown(Shutdown::Write).expect("a half-close");
}

/// Closes so that the other side is reset.
pub(crate) fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("no lingering");
    drop(stream);
}

/// A thread that is waited for no longer than the deadline.
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
