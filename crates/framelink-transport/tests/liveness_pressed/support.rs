//! What all of these tests begin with.

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

/// No test waits longer for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Two ends of a connection.
pub(crate) fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let peer = listener.accept().unwrap().0;
    peer.set_nodelay(true).unwrap();
    (ours, peer)
}

/// The peer is asked with PING after so many milliseconds, and has so many to say PONG.
pub(crate) fn ping(interval: u64, timeout: u64) -> Heartbeat {
    Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).interval(ms(interval)).unwrap().timeout(ms(timeout)).unwrap()
}
