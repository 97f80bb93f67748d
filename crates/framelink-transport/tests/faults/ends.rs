//! What the rows need of each driver in addition to the helpers of the driver tests.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use framelink_transport::{FramingPair, Profile, SocketOptions, TryRecv, blocking, nonblocking, tokio};

use crate::driver::{Blocking, Driver, NonBlocking, Tokio};
use crate::party::{Client, Party};
use crate::peer::ready;
use crate::{many, server};

/// A function that resolves a host name.
pub(crate) type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

pub(crate) trait Ends: Driver + Party {
    /// The connection of this driver with many calls in flight.
    type Many: many::Many;
    /// This driver's listener, whose connections are served by a handler.
    type Server: server::Serve;

    /// Returns a client of these addresses, whose names are resolved with `lookup`.
    fn client_with(profile: Profile, peers: Vec<String>, lookup: Lookup) -> Box<dyn Client>;
    /// Begins to receive and gives up at once. Returns the message if it had already arrived.
    fn give_up_receiving(&mut self) -> Option<Vec<u8>>;
    /// Returns a connection that this driver's listener has accepted, and the plain socket that dialled it.
    fn accepted(framing: FramingPair) -> (Self, TcpStream);
    /// Returns the address of this driver's listener with this backlog, and a function that accepts its next
    /// connection.
    fn listening(framing: FramingPair, backlog: u32) -> (SocketAddr, impl FnMut() -> Self);
}

fn options(backlog: u32) -> SocketOptions {
    let mut options = SocketOptions::new();
    options.backlog = backlog;
    options
}

fn dial(address: SocketAddr) -> TcpStream {
    ready(TcpStream::connect(address).expect("dialling"))
}

const ANY: &str = "127.0.0.1:0";

impl Ends for Blocking {
    type Many = many::Blocking;
    type Server = server::Blocking;

    fn client_with(profile: Profile, peers: Vec<String>, lookup: Lookup) -> Box<dyn Client> {
        let upstream = blocking::Upstream::new(&Arc::new(profile), peers).resolver(move |name| lookup(name));
        Box::new(blocking::Client::over(upstream).expect("a client's profile"))
    }

    fn give_up_receiving(&mut self) -> Option<Vec<u8>> {
        received(self.recv_within(Duration::ZERO))
    }

    fn accepted(framing: FramingPair) -> (Self, TcpStream) {
        let mut listener = blocking::Listener::bind(ANY, framing).expect("a port");
        let peer = dial(listener.local_addr().expect("an address"));
        (Self(listener.accept().expect("accepting").expect("a connection")), peer)
    }

    fn listening(framing: FramingPair, backlog: u32) -> (SocketAddr, impl FnMut() -> Self) {
        let mut listener = blocking::Listener::bind_with(ANY, framing, options(backlog)).expect("a port");
        let address = listener.local_addr().expect("an address");
        (address, move || Self(listener.accept().unwrap().unwrap()))
    }
}

impl Ends for NonBlocking {
    type Many = many::NonBlocking;
    type Server = server::NonBlocking;

    fn client_with(profile: Profile, peers: Vec<String>, lookup: Lookup) -> Box<dyn Client> {
        let upstream = nonblocking::Upstream::new(&Arc::new(profile), peers).resolver(move |name| lookup(name));
        Box::new(nonblocking::Client::over(upstream).expect("a client's profile"))
    }

    fn give_up_receiving(&mut self) -> Option<Vec<u8>> {
        received(self.0.try_recv())
    }

    fn accepted(framing: FramingPair) -> (Self, TcpStream) {
        let mut listener = nonblocking::Listener::bind(ANY, framing).expect("a port");
        let peer = dial(listener.local_addr().expect("an address"));
        (Self(listener.try_accept().expect("accepting").expect("a connection")), peer)
    }

    fn listening(framing: FramingPair, backlog: u32) -> (SocketAddr, impl FnMut() -> Self) {
        let mut listener = nonblocking::Listener::bind_with(ANY, framing, options(backlog)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let accept = move || {
            loop {
                match listener.try_accept().unwrap() {
                    Some(connection) => return Self(connection),
                    None => std::thread::sleep(Duration::from_millis(1)),
                }
            }
        };
        (address, accept)
    }
}

impl Ends for Tokio {
    type Many = many::Tokio;
    type Server = server::Tokio;

    fn client_with(profile: Profile, peers: Vec<String>, lookup: Lookup) -> Box<dyn Client> {
        let upstream = tokio::Upstream::new(&Arc::new(profile), peers).resolver(move |name| {
            let lookup = Arc::clone(&lookup);
            async move { ::tokio::task::spawn_blocking(move || lookup(&name)).await.map_err(io::Error::other)? }
        });
        Box::new((Self::runtime(), tokio::Client::over(upstream).expect("a client's profile")))
    }

    /// The future is polled once, and dropped.
    fn give_up_receiving(&mut self) -> Option<Vec<u8>> {
        self.runtime.block_on(::tokio::task::yield_now());
        let _entered = self.runtime.enter();
        let receiving = pin!(self.connection.recv());
        match receiving.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(received) => received.expect("receiving").map(|message| message.to_vec()),
            Poll::Pending => None,
        }
    }

    fn accepted(framing: FramingPair) -> (Self, TcpStream) {
        let runtime = Self::runtime();
        let mut listener = runtime.block_on(tokio::Listener::bind(ANY, framing)).expect("a port");
        let peer = dial(listener.local_addr().expect("an address"));
        let connection = runtime.block_on(listener.accept()).expect("accepting");
        (Self { connection, runtime: runtime.into() }, peer)
    }

    fn listening(framing: FramingPair, backlog: u32) -> (SocketAddr, impl FnMut() -> Self) {
        let runtime = Self::runtime();
        let listener = runtime.block_on(tokio::Listener::bind_with(ANY, framing, options(backlog)));
        let mut listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let runtime = Arc::new(runtime);
        let accept = move || {
            let connection = runtime.block_on(listener.accept()).unwrap();
            Self { connection, runtime: Arc::clone(&runtime) }
        };
        (address, accept)
    }
}

fn received(received: Result<TryRecv, framelink_transport::Error>) -> Option<Vec<u8>> {
    received.expect("receiving").into_message().map(|message| message.to_vec())
}
