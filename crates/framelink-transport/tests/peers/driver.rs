//! The three drivers behind one face, so that an exchange is written once.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::{Directions, Framing, Message, TryRecv, TrySend, blocking, nonblocking, tokio};

/// Whatever an exchange waits for comes within this time, or its test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A connection of ours, where the caller waits for it.
pub(crate) trait Driver: Sized {
    const NAME: &'static str;
    type Listener;

    fn listen(framing: Directions) -> (Self::Listener, SocketAddr);
    fn accept(listener: &mut Self::Listener) -> Self;
    fn connect(address: SocketAddr, framing: Directions) -> Self;
    /// A connection on a socket that is there already.
    fn adopt(stream: TcpStream, framing: Directions) -> Self;
    fn call(&mut self, request: &[u8]) -> Message;
    fn send(&mut self, message: &[u8]);
    /// Feeds them all and flushes; as many leave in one write as the queue holds.
    fn burst(&mut self, messages: &[Vec<u8>]);
    fn try_recv(&mut self) -> TryRecv;
    fn close(self);

    /// The next message, `None` at the end.
    fn next(&mut self) -> Option<Message> {
        match self.try_recv() {
            TryRecv::Message(message) => Some(message),
            TryRecv::Closed => None,
            TryRecv::Nothing => panic!("{}: nothing came within {DEADLINE:?}", Self::NAME),
        }
    }

    fn recv(&mut self) -> Message {
        self.next().unwrap_or_else(|| panic!("{}: the end instead of a message", Self::NAME))
    }
}

pub(crate) fn framing(notation: &str) -> Directions {
    notation.parse::<Framing>().expect("a notation").into()
}

const ANY: &str = "127.0.0.1:0";

pub(crate) struct Blocking(blocking::Connection);

impl Driver for Blocking {
    const NAME: &'static str = "blocking";
    type Listener = blocking::Listener;

    fn listen(framing: Directions) -> (Self::Listener, SocketAddr) {
        let listener = blocking::Listener::bind(ANY, framing).expect("a port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    fn accept(listener: &mut Self::Listener) -> Self {
        let (stopper, (accepted, waiting)) = (listener.stopper(), mpsc::channel::<()>());
        thread::spawn(move || {
            if waiting.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
                stopper.stop();
            }
        });
        let connection = listener.accept().expect("accepting").expect("somebody who dials in time");
        drop(accepted);
        Self(connection)
    }

    fn connect(address: SocketAddr, framing: Directions) -> Self {
        Self(blocking::Connector::new(framing).within(DEADLINE).connect(address).expect("a connection"))
    }

    fn adopt(stream: TcpStream, framing: Directions) -> Self {
        Self(blocking::Connection::from_stream(stream, framing))
    }

    fn call(&mut self, request: &[u8]) -> Message {
        self.0.call(request, DEADLINE).expect("a reply")
    }

    fn send(&mut self, message: &[u8]) {
        self.0.send_within(message, DEADLINE).expect("sending");
    }

    fn burst(&mut self, messages: &[Vec<u8>]) {
        for message in messages {
            self.0.feed(message).expect("feeding");
        }
        self.0.flush().expect("flushing");
    }

    fn try_recv(&mut self) -> TryRecv {
        self.0.recv_within(DEADLINE).expect("receiving")
    }

    fn close(self) {
        self.0.close(DEADLINE).expect("closing");
    }
}

pub(crate) struct NonBlocking(nonblocking::Connection);

impl Driver for NonBlocking {
    const NAME: &'static str = "nonblocking";
    type Listener = nonblocking::Listener;

    fn listen(framing: Directions) -> (Self::Listener, SocketAddr) {
        let listener = nonblocking::Listener::bind(ANY, framing).expect("a port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    fn accept(listener: &mut Self::Listener) -> Self {
        let began = Instant::now();
        loop {
            if let Some(connection) = listener.try_accept().expect("accepting") {
                return Self(connection);
            }
            assert!(began.elapsed() < DEADLINE, "nobody dialled in time");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn connect(address: SocketAddr, framing: Directions) -> Self {
        Self(nonblocking::Connector::new(framing).within(DEADLINE).connect(address).expect("a connection"))
    }

    fn adopt(stream: TcpStream, framing: Directions) -> Self {
        Self(nonblocking::Connection::from_stream(stream, framing).expect("a non-blocking socket"))
    }

    fn call(&mut self, request: &[u8]) -> Message {
        self.0.call(request, DEADLINE).expect("a reply")
    }

    fn send(&mut self, message: &[u8]) {
        self.0.send_within(message, DEADLINE).expect("sending");
    }

    fn burst(&mut self, messages: &[Vec<u8>]) {
        for message in messages {
            while self.0.try_feed(message).expect("feeding") == TrySend::Full {
                self.0.flush_within(DEADLINE).expect("flushing");
            }
        }
        self.0.flush_within(DEADLINE).expect("flushing");
    }

    fn try_recv(&mut self) -> TryRecv {
        self.0.recv_within(DEADLINE).expect("receiving")
    }

    fn close(self) {
        self.0.close(DEADLINE).expect("closing");
    }
}

pub(crate) struct Tokio {
    connection: tokio::Connection,
    runtime: ::tokio::runtime::Handle,
}

/// A connection belongs to the runtime that made it: one of two threads for all of them, which lives as long as the tests.
fn runtime() -> ::tokio::runtime::Handle {
    static RUNTIME: std::sync::OnceLock<::tokio::runtime::Runtime> = std::sync::OnceLock::new();
    let build = || ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    RUNTIME.get_or_init(|| build().expect("a runtime")).handle().clone()
}

impl Driver for Tokio {
    const NAME: &'static str = "tokio";
    type Listener = tokio::Listener;

    fn listen(framing: Directions) -> (Self::Listener, SocketAddr) {
        let listener = runtime().block_on(tokio::Listener::bind(ANY, framing)).expect("a port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    fn accept(listener: &mut Self::Listener) -> Self {
        let runtime = runtime();
        let accepted = runtime.block_on(async { ::tokio::time::timeout(DEADLINE, listener.accept()).await });
        let connection = accepted.expect("somebody who dials in time").expect("accepting");
        Self { connection, runtime }
    }

    fn connect(address: SocketAddr, framing: Directions) -> Self {
        let runtime = runtime();
        let connector = tokio::Connector::new(framing).within(DEADLINE);
        let connection = runtime.block_on(connector.connect(address)).expect("a connection");
        Self { connection, runtime }
    }

    fn adopt(stream: TcpStream, framing: Directions) -> Self {
        let runtime = runtime();
        stream.set_nonblocking(true).expect("a non-blocking socket");
        let stream = runtime.block_on(async { ::tokio::net::TcpStream::from_std(stream) }).expect("a socket");
        Self { connection: tokio::Connection::from_stream(stream, framing), runtime }
    }

    fn call(&mut self, request: &[u8]) -> Message {
        self.runtime.block_on(self.connection.call(request, DEADLINE)).expect("a reply")
    }

    fn send(&mut self, message: &[u8]) {
        self.runtime.block_on(self.connection.send_within(message, DEADLINE)).expect("sending");
    }

    fn burst(&mut self, messages: &[Vec<u8>]) {
        let connection = &mut self.connection;
        self.runtime.block_on(async {
            for message in messages {
                connection.feed(message).await.expect("feeding");
            }
            connection.flush().await.expect("flushing");
        });
    }

    fn try_recv(&mut self) -> TryRecv {
        self.runtime.block_on(self.connection.recv_within(DEADLINE)).expect("receiving")
    }

    fn close(self) {
        self.runtime.block_on(self.connection.close(DEADLINE)).expect("closing");
    }
}

/// A test of each exchange on each driver.
macro_rules! on_every_driver {
    ($($exchange:ident),* $(,)?) => {
        $(
            mod $exchange {
                #[test]
                fn blocking() {
                    super::$exchange::<crate::driver::Blocking>();
                }

                #[test]
                fn nonblocking() {
                    super::$exchange::<crate::driver::NonBlocking>();
                }

                #[test]
                fn tokio() {
                    super::$exchange::<crate::driver::Tokio>();
                }
            }
        )*
    };
}
pub(crate) use on_every_driver;
