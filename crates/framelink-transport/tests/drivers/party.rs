//! Clients and servers of a profile on the three drivers, behind one face.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::{CallError, Error, Message, Profile, blocking, nonblocking, tokio};

use crate::driver::{Blocking, NonBlocking, Tokio};
use crate::peer::Task;

/// A driver's client, and its server of one connection.
pub(crate) trait Party {
    const NAME: &'static str;

    fn client_of(profile: Profile, peer: &str) -> Box<dyn Client>;

    fn client(profile: Profile, peer: SocketAddr) -> Box<dyn Client> {
        Self::client_of(profile, &peer.to_string())
    }

    /// Sends back what the first client says, as the profile has it; what became of it.
    fn echo(profile: Profile) -> (SocketAddr, Task<Result<u64, Error>>) {
        Self::echo_slowly(profile, Duration::ZERO)
    }

    /// The same, taking so long for each.
    fn echo_slowly(profile: Profile, pause: Duration) -> (SocketAddr, Task<Result<u64, Error>>);
    /// What becomes of listening as the profile has it.
    fn bind(profile: Profile) -> std::io::Result<()>;
}

/// What every client does, where the caller waits for it.
pub(crate) trait Client {
    fn connect(&mut self) -> Result<(), CallError>;
    fn call(&mut self, request: &[u8]) -> Result<Message, CallError>;
    fn send(&mut self, message: &[u8]) -> Result<(), CallError>;
    fn recv(&mut self) -> Result<Option<Message>, Error>;
    /// Sends on the connection that is there, past the client.
    fn send_past(&mut self, message: &[u8]) -> Result<(), Error>;
    /// Nobody calls for so long.
    fn rest(&mut self, time: Duration);
}

impl Party for Blocking {
    const NAME: &'static str = "blocking";

    fn client_of(profile: Profile, peer: &str) -> Box<dyn Client> {
        Box::new(blocking::Client::new(profile, peer).expect("a client's profile"))
    }

    fn bind(profile: Profile) -> std::io::Result<()> {
        blocking::Listener::bind_profile("127.0.0.1:0", &Arc::new(profile)).map(drop)
    }

    fn echo_slowly(profile: Profile, pause: Duration) -> (SocketAddr, Task<Result<u64, Error>>) {
        let profile = Arc::new(profile);
        let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &profile).expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = move || {
            let connection = listener.accept().expect("accepting").expect("a connection");
            connection.serve(&profile, |message| {
                std::thread::sleep(pause);
                Some(message.to_vec())
            })
        };
        (address, Task::start(serving))
    }
}

impl Client for blocking::Client {
    fn connect(&mut self) -> Result<(), CallError> {
        self.connect()
    }

    fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
        self.call(request)
    }

    fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
        self.send(message)
    }

    fn recv(&mut self) -> Result<Option<Message>, Error> {
        self.recv()
    }

    fn send_past(&mut self, message: &[u8]) -> Result<(), Error> {
        self.connection_mut().expect("a connection").send(message)
    }

    fn rest(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl Party for NonBlocking {
    const NAME: &'static str = "nonblocking";

    fn client_of(profile: Profile, peer: &str) -> Box<dyn Client> {
        Box::new(nonblocking::Client::new(profile, peer).expect("a client's profile"))
    }

    fn bind(profile: Profile) -> std::io::Result<()> {
        nonblocking::Listener::bind_profile("127.0.0.1:0", &Arc::new(profile)).map(drop)
    }

    fn echo_slowly(profile: Profile, pause: Duration) -> (SocketAddr, Task<Result<u64, Error>>) {
        let profile = Arc::new(profile);
        let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &profile).expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = move || {
            let connection = loop {
                match listener.try_accept().expect("accepting") {
                    Some(connection) => break connection,
                    None => std::thread::yield_now(),
                }
            };
            connection.serve(&profile, |message| {
                std::thread::sleep(pause);
                Some(message.to_vec())
            })
        };
        (address, Task::start(serving))
    }
}

impl Client for nonblocking::Client {
    fn connect(&mut self) -> Result<(), CallError> {
        self.connect()
    }

    fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
        self.call(request)
    }

    fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
        self.send(message)
    }

    fn recv(&mut self) -> Result<Option<Message>, Error> {
        self.recv()
    }

    fn send_past(&mut self, message: &[u8]) -> Result<(), Error> {
        self.connection_mut().expect("a connection").send_within(message, crate::driver::DEADLINE)
    }

    fn rest(&mut self, time: Duration) {
        let until = std::time::Instant::now() + time;
        while let Some(left) = until.checked_duration_since(std::time::Instant::now()) {
            std::thread::sleep(self.tend().unwrap_or(left).min(left));
        }
    }
}

impl Party for Tokio {
    const NAME: &'static str = "tokio";

    fn client_of(profile: Profile, peer: &str) -> Box<dyn Client> {
        let client = tokio::Client::new(profile, peer).expect("a client's profile");
        Box::new((runtime(), client))
    }

    fn bind(profile: Profile) -> std::io::Result<()> {
        runtime().block_on(tokio::Listener::bind_profile("127.0.0.1:0", &Arc::new(profile))).map(drop)
    }

    fn echo_slowly(profile: Profile, pause: Duration) -> (SocketAddr, Task<Result<u64, Error>>) {
        let (profile, runtime) = (Arc::new(profile), runtime());
        let listener = runtime.block_on(tokio::Listener::bind_profile("127.0.0.1:0", &profile));
        let mut listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = async move {
            let connection = listener.accept().await.expect("accepting");
            let answer = |message: Message| async move {
                ::tokio::time::sleep(pause).await;
                Some(message.to_vec())
            };
            connection.serve(&profile, answer).await
        };
        (address, Task::start(move || runtime.block_on(serving)))
    }
}

impl Client for (::tokio::runtime::Runtime, tokio::Client) {
    fn connect(&mut self) -> Result<(), CallError> {
        self.0.block_on(self.1.connect())
    }

    fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
        self.0.block_on(self.1.call(request))
    }

    fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
        self.0.block_on(self.1.send(message))
    }

    fn recv(&mut self) -> Result<Option<Message>, Error> {
        self.0.block_on(self.1.recv())
    }

    fn send_past(&mut self, message: &[u8]) -> Result<(), Error> {
        self.0.block_on(self.1.connection_mut().expect("a connection").send(message))
    }

    fn rest(&mut self, time: Duration) {
        self.0.block_on(async { ::tokio::time::sleep(time).await });
    }
}

fn runtime() -> ::tokio::runtime::Runtime {
    ::tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
