//! The three drivers behind one face, so that a rule is written once.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use framelink_transport::heartbeat::{Heartbeat, Role, Standing};
use framelink_transport::{
    CallError, CloseReport, ConnectError, Directions, Error, Framing, Message, TryRecv, TrySend, blocking, nonblocking,
    tokio,
};

/// Whatever a test waits for comes within this time, or the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// What every driver does, where the caller waits for it.
pub(crate) trait Driver: Sized {
    const NAME: &'static str;

    fn connect(address: SocketAddr, framing: Directions) -> Result<Self, ConnectError>;
    /// A connection on a socket that is there already.
    fn adopt(stream: TcpStream, framing: Directions) -> Self;
    fn send(&mut self, payload: &[u8]) -> Result<(), Error>;
    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error>;
    fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, Error>;
    fn call(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError>;
    fn finish(&mut self) -> Result<(), Error>;
    fn close(self, within: Duration) -> Result<CloseReport, Error>;
    /// Accepts a message that leaves with others.
    fn feed(&mut self, payload: &[u8]) -> Result<(), Error>;
    fn flush(&mut self) -> Result<(), Error>;
    fn watch(&mut self, heartbeat: Heartbeat, role: Role);
    fn standing(&self) -> Option<Standing>;

    /// The next message, `None` at the end; a test that waits in vain fails.
    #[track_caller]
    fn recv(&mut self) -> Result<Option<Message>, Error> {
        match self.recv_within(DEADLINE)? {
            TryRecv::Message(message) => Ok(Some(message)),
            TryRecv::Closed => Ok(None),
            TryRecv::Nothing => panic!("{}: nothing came within {DEADLINE:?}", Self::NAME),
        }
    }
}

pub(crate) fn framing(notation: &str) -> Directions {
    notation.parse::<Framing>().expect("a notation").into()
}

pub(crate) struct Blocking(pub(crate) blocking::Connection);

impl Driver for Blocking {
    const NAME: &'static str = "blocking";

    fn connect(address: SocketAddr, framing: Directions) -> Result<Self, ConnectError> {
        blocking::Connector::new(framing).within(DEADLINE).connect(address).map(Self)
    }

    fn adopt(stream: TcpStream, framing: Directions) -> Self {
        Self(blocking::Connection::from_stream(stream, framing))
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.0.send(payload)
    }

    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error> {
        self.0.send_within(payload, limit)
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

    fn connect(address: SocketAddr, framing: Directions) -> Result<Self, ConnectError> {
        nonblocking::Connector::new(framing).within(DEADLINE).connect(address).map(Self)
    }

    fn adopt(stream: TcpStream, framing: Directions) -> Self {
        Self(nonblocking::Connection::from_stream(stream, framing).expect("a non-blocking socket"))
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.0.send_within(payload, DEADLINE)
    }

    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error> {
        self.0.send_within(payload, limit)
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
    pub(crate) runtime: ::tokio::runtime::Runtime,
}

impl Tokio {
    pub(crate) fn runtime() -> ::tokio::runtime::Runtime {
        ::tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }
}

impl Driver for Tokio {
    const NAME: &'static str = "tokio";

    fn connect(address: SocketAddr, framing: Directions) -> Result<Self, ConnectError> {
        let runtime = Self::runtime();
        let connector = tokio::Connector::new(framing).within(DEADLINE);
        let connection = runtime.block_on(connector.connect(address))?;
        Ok(Self { connection, runtime })
    }

    fn adopt(stream: TcpStream, framing: Directions) -> Self {
        let runtime = Self::runtime();
        stream.set_nonblocking(true).expect("a non-blocking socket");
        let stream = runtime.block_on(async { ::tokio::net::TcpStream::from_std(stream) }).expect("a socket");
        Self { connection: tokio::Connection::from_stream(stream, framing), runtime }
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.runtime.block_on(self.connection.send(payload))
    }

    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error> {
        self.runtime.block_on(self.connection.send_within(payload, limit))
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

/// A test of each rule on each driver.
macro_rules! on_every_driver {
    ($($rule:ident),* $(,)?) => {
        $(
            mod $rule {
                #[test]
                fn blocking() {
                    super::$rule::<crate::driver::Blocking>();
                }

                #[test]
                fn nonblocking() {
                    super::$rule::<crate::driver::NonBlocking>();
                }

                #[test]
                fn tokio() {
                    super::$rule::<crate::driver::Tokio>();
                }
            }
        )*
    };
}
pub(crate) use on_every_driver;
