//! One trait for the three drivers, so that a rule is written once.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{Heartbeat, Role, Standing};
use framelink_transport::{
    CallError, CloseReport, ConnectError, Error, FramingPair, Message, SocketOptions, TryRecv, TrySend, blocking,
    nonblocking, tokio,
};

use super::peer::{listen, ready};
use super::secured;
use super::tls::{before_peer, before_server, before_socket};
pub(crate) use super::{DEADLINE, framing};

const ANY: &str = "127.0.0.1:0";

/// The operations of every driver, which the caller waits for.
pub(crate) trait Driver: Sized {
    const NAME: &'static str;
    type Listener;

    fn listen(framing: FramingPair) -> (Self::Listener, SocketAddr);
    /// Accepts the next connection. Panics if none arrives in time.
    fn accept(listener: &mut Self::Listener, within: Duration) -> Self;
    fn connect_with_options(
        address: SocketAddr,
        framing: FramingPair,
        options: SocketOptions,
    ) -> Result<Self, ConnectError>;
    /// Makes a connection over an existing socket.
    fn adopt(stream: TcpStream, framing: FramingPair) -> Self;
    fn send(&mut self, payload: &[u8]) -> Result<(), Error>;
    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error>;
    fn send_with_outcome(&mut self, payload: &[u8], within: Duration) -> Result<(), CallError>;
    fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, Error>;
    fn call(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError>;
    fn finish(&mut self) -> Result<(), Error>;
    fn close(self, within: Duration) -> Result<CloseReport, Error>;
    /// Accepts a message that is written together with later ones.
    fn feed(&mut self, payload: &[u8]) -> Result<(), Error>;
    fn flush(&mut self) -> Result<(), Error>;
    fn watch(&mut self, heartbeat: Heartbeat, role: Role);
    fn standing(&self) -> Option<Standing>;

    fn connect(address: SocketAddr, framing: FramingPair) -> Result<Self, ConnectError> {
        Self::connect_with_options(address, framing, SocketOptions::new())
    }

    /// Receives the next message, or `None` at the end. Panics if nothing arrives in time.
    #[track_caller]
    fn recv(&mut self) -> Result<Option<Message>, Error> {
        match self.recv_within(DEADLINE)? {
            TryRecv::Message(message) => Ok(Some(message)),
            TryRecv::Closed => Ok(None),
            TryRecv::Nothing => panic!("{}: nothing arrived within {DEADLINE:?}", Self::NAME),
        }
    }
}

/// Returns a driver's connection, and the plain socket at its other end.
pub(crate) fn pair<D: Driver>(framing: FramingPair) -> (D, TcpStream) {
    let (listener, address) = listen();
    let connection = D::connect(address, framing).expect("a connection");
    (connection, ready(listener.accept().expect("accepting").0))
}

pub(crate) struct Blocking(pub(crate) blocking::Connection);

impl Driver for Blocking {
    const NAME: &'static str = "blocking";
    type Listener = blocking::Listener;

    fn listen(framing: FramingPair) -> (Self::Listener, SocketAddr) {
        let listener = secured!(server, tls(), blocking::Listener::bind(ANY, framing).expect("a port"));
        let address = listener.local_addr().expect("an address");
        (listener, before_server(address))
    }

    fn accept(listener: &mut Self::Listener, within: Duration) -> Self {
        let (stopper, (accepted, waiting)) = (listener.stopper(), mpsc::channel::<()>());
        thread::spawn(move || {
            if waiting.recv_timeout(within) == Err(mpsc::RecvTimeoutError::Timeout) {
                stopper.stop();
            }
        });
        let connection = listener.accept().expect("accepting").expect("a peer that dials in time");
        drop(accepted);
        Self(connection)
    }

    fn connect_with_options(
        address: SocketAddr,
        framing: FramingPair,
        options: SocketOptions,
    ) -> Result<Self, ConnectError> {
        let connector = blocking::Connector::new(framing).within(DEADLINE).options(options);
        secured!(client, tls(), connector).connect(before_peer(address)).map(Self)
    }

    fn adopt(stream: TcpStream, framing: FramingPair) -> Self {
        let connection = blocking::Connection::from_stream(before_socket(stream), framing);
        Self(secured!(client, tls_client(&), connection))
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.0.send(payload)
    }

    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error> {
        self.0.send_within(payload, limit)
    }

    fn send_with_outcome(&mut self, payload: &[u8], within: Duration) -> Result<(), CallError> {
        self.0.send_with_outcome(payload, within)
    }

    fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, Error> {
        self.0.recv_within(limit)
    }

    fn call(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError> {
        self.0.call(request, within)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.0.finish()
    }

    fn close(self, within: Duration) -> Result<CloseReport, Error> {
        self.0.close(within)
    }

    fn feed(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.0.feed(payload)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.0.flush()
    }

    fn watch(&mut self, heartbeat: Heartbeat, role: Role) {
        self.0.watch(heartbeat, role);
    }

    fn standing(&self) -> Option<Standing> {
        self.0.standing()
    }
}

pub(crate) struct NonBlocking(pub(crate) nonblocking::Connection);

impl Driver for NonBlocking {
    const NAME: &'static str = "nonblocking";
    type Listener = nonblocking::Listener;

    fn listen(framing: FramingPair) -> (Self::Listener, SocketAddr) {
        let listener = secured!(server, tls(), nonblocking::Listener::bind(ANY, framing).expect("a port"));
        let address = listener.local_addr().expect("an address");
        (listener, before_server(address))
    }

    fn accept(listener: &mut Self::Listener, within: Duration) -> Self {
        let began = Instant::now();
        loop {
            if let Some(connection) = listener.try_accept().expect("accepting") {
                return Self(connection);
            }
            assert!(began.elapsed() < within, "no peer dialled in time");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn connect_with_options(
        address: SocketAddr,
        framing: FramingPair,
        options: SocketOptions,
    ) -> Result<Self, ConnectError> {
        let connector = nonblocking::Connector::new(framing).within(DEADLINE).options(options);
        secured!(client, tls(), connector).connect(before_peer(address)).map(Self)
    }

    fn adopt(stream: TcpStream, framing: FramingPair) -> Self {
        let connection = nonblocking::Connection::from_stream(before_socket(stream), framing);
        Self(secured!(client, tls_client(&), connection.expect("a non-blocking socket")))
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.0.send_within(payload, DEADLINE)
    }

    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error> {
        self.0.send_within(payload, limit)
    }

    fn send_with_outcome(&mut self, payload: &[u8], within: Duration) -> Result<(), CallError> {
        self.0.send_with_outcome(payload, within)
    }

    fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, Error> {
        self.0.recv_within(limit)
    }

    fn call(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError> {
        self.0.call(request, within)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.0.finish_within(DEADLINE)
    }

    fn close(self, within: Duration) -> Result<CloseReport, Error> {
        self.0.close(within)
    }

    fn feed(&mut self, payload: &[u8]) -> Result<(), Error> {
        while self.0.try_feed(payload)? == TrySend::Full {
            self.0.flush_within(DEADLINE)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.0.flush_within(DEADLINE)
    }

    fn watch(&mut self, heartbeat: Heartbeat, role: Role) {
        self.0.watch(heartbeat, role);
    }

    fn standing(&self) -> Option<Standing> {
        self.0.standing()
    }
}

pub(crate) struct Tokio {
    pub(crate) connection: tokio::Connection,
    pub(crate) runtime: Arc<::tokio::runtime::Runtime>,
}

impl Tokio {
    pub(crate) fn runtime() -> ::tokio::runtime::Runtime {
        super::runtime()
    }
}

impl Driver for Tokio {
    const NAME: &'static str = "tokio";
    /// An accepted connection belongs to the runtime of its listener.
    type Listener = (tokio::Listener, Arc<::tokio::runtime::Runtime>);

    fn listen(framing: FramingPair) -> (Self::Listener, SocketAddr) {
        let runtime = Self::runtime();
        let listener = runtime.block_on(tokio::Listener::bind(ANY, framing)).expect("a port");
        let listener = secured!(server, tls(), listener);
        let address = listener.local_addr().expect("an address");
        ((listener, runtime.into()), before_server(address))
    }

    fn accept((listener, runtime): &mut Self::Listener, within: Duration) -> Self {
        let accepted = runtime.block_on(async { ::tokio::time::timeout(within, listener.accept()).await });
        let connection = accepted.expect("a peer that dials in time").expect("accepting");
        Self { connection, runtime: Arc::clone(runtime) }
    }

    fn connect_with_options(
        address: SocketAddr,
        framing: FramingPair,
        options: SocketOptions,
    ) -> Result<Self, ConnectError> {
        let runtime = Self::runtime();
        let connector = tokio::Connector::new(framing).within(DEADLINE).options(options);
        let connector = secured!(client, tls(), connector);
        let connection = runtime.block_on(connector.connect(before_peer(address)))?;
        Ok(Self { connection, runtime: runtime.into() })
    }

    fn adopt(stream: TcpStream, framing: FramingPair) -> Self {
        let (runtime, stream) = (Self::runtime(), before_socket(stream));
        stream.set_nonblocking(true).expect("a non-blocking socket");
        let stream = runtime.block_on(async { ::tokio::net::TcpStream::from_std(stream) }).expect("a socket");
        let connection = secured!(client, tls_client(&), tokio::Connection::from_stream(stream, framing));
        Self { connection, runtime: runtime.into() }
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.runtime.block_on(self.connection.send(payload))
    }

    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error> {
        self.runtime.block_on(self.connection.send_within(payload, limit))
    }

    fn send_with_outcome(&mut self, payload: &[u8], within: Duration) -> Result<(), CallError> {
        self.runtime.block_on(self.connection.send_with_outcome(payload, within))
    }

    fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, Error> {
        self.runtime.block_on(self.connection.recv_within(limit))
    }

    fn call(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError> {
        self.runtime.block_on(self.connection.call(request, within))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.runtime.block_on(self.connection.finish())
    }

    fn close(self, within: Duration) -> Result<CloseReport, Error> {
        self.runtime.block_on(self.connection.close(within))
    }

    fn feed(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.runtime.block_on(self.connection.feed(payload))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.runtime.block_on(self.connection.flush())
    }

    fn watch(&mut self, heartbeat: Heartbeat, role: Role) {
        self.connection.watch(heartbeat, role);
    }

    fn standing(&self) -> Option<Standing> {
        self.connection.standing()
    }
}

/// Makes a test of each rule on each driver.
macro_rules! on_every_driver {
    ($($rule:ident),* $(,)?) => {
        $crate::support::on_every_driver_of!(driver: $($rule),*);
    };
    // Over TLS too.
    (tls: $($rule:ident),* $(,)?) => {
        $crate::support::on_every_driver_of!(tls driver: $($rule),*);
    };
}
pub(crate) use on_every_driver;
