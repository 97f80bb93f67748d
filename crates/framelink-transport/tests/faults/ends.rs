//! What the rows need of each driver beside what every test of the drivers does.

use std::net::{SocketAddr, TcpStream};

use framelink_transport::{Directions, blocking, nonblocking, tokio};

use crate::driver::{Blocking, Driver, NonBlocking, Tokio};
use crate::party::Party;
use crate::peer::ready;

pub(crate) trait Ends: Driver + Party {
    /// A connection that this driver's listener has accepted, and the plain socket that dialled it.
    fn accepted(framing: Directions) -> (Self, TcpStream);
}

fn dial(address: SocketAddr) -> TcpStream {
    ready(TcpStream::connect(address).expect("dialling"))
}

const ANY: &str = "127.0.0.1:0";

impl Ends for Blocking {
    fn accepted(framing: Directions) -> (Self, TcpStream) {
        let mut listener = blocking::Listener::bind(ANY, framing).expect("a port");
        let peer = dial(listener.local_addr().expect("an address"));
        (Self(listener.accept().expect("accepting").expect("a connection")), peer)
    }
}

impl Ends for NonBlocking {
    fn accepted(framing: Directions) -> (Self, TcpStream) {
        let mut listener = nonblocking::Listener::bind(ANY, framing).expect("a port");
        let peer = dial(listener.local_addr().expect("an address"));
        (Self(listener.try_accept().expect("accepting").expect("a connection")), peer)
    }
}

impl Ends for Tokio {
    fn accepted(framing: Directions) -> (Self, TcpStream) {
        let runtime = Self::runtime();
        let mut listener = runtime.block_on(tokio::Listener::bind(ANY, framing)).expect("a port");
        let peer = dial(listener.local_addr().expect("an address"));
        let connection = runtime.block_on(listener.accept()).expect("accepting");
        (Self { connection, runtime }, peer)
    }
}
