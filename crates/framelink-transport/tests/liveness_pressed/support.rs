//! Helpers of these tests.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use framelink_transport::Framing;
use framelink_transport::heartbeat::{Form, Heartbeat};

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn f(text: &str) -> Framing {
    text.parse().unwrap()
}

/// No test waits longer than this for an event.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Returns the two ends of a connection.
pub(crate) fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let peer = listener.accept().unwrap().0;
    peer.set_nodelay(true).unwrap();
    (ours, peer)
}

/// PING is sent after `interval` milliseconds, and PONG must arrive within `timeout` milliseconds.
pub(crate) fn ping(interval: u64, timeout: u64) -> Heartbeat {
    Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).interval(ms(interval)).unwrap().timeout(ms(timeout)).unwrap()
}
