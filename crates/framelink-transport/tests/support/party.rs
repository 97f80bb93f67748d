//! One trait for the clients and servers of a profile on the three drivers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::{CallError, CloseReport, Error, Message, Profile, blocking, nonblocking, tokio};

use super::driver::{Blocking, NonBlocking, Tokio};
use super::task::Task;
use super::{DEADLINE, runtime};

/// Returns the reply to a message.
pub(crate) type Handler = Box<dyn FnMut(&[u8]) -> Option<Vec<u8>> + Send>;

/// A driver's client, and its server of a number of connections.
pub(crate) trait Party {
    const NAME: &'static str;

    fn client_of(profile: Profile, peer: &str) -> Box<dyn Client>;

    fn client(profile: Profile, peer: SocketAddr) -> Box<dyn Client> {
        Self::client_of(profile, &peer.to_string())
    }

    /// Echoes the messages of the first client, as the profile says. Returns the outcome.
    fn echo(profile: Profile) -> (SocketAddr, Task<Result<u64, Error>>) {
        Self::echo_slowly(profile, Duration::ZERO)
    }

    /// Like `echo`, with this pause before each reply.
    fn echo_slowly(profile: Profile, pause: Duration) -> (SocketAddr, Task<Result<u64, Error>>) {
        Self::serve_in_turn(profile, 1, pause, Box::new(|message| Some(message.to_vec())))
    }

    /// Serves this many connections one after the other, as the profile says, with this pause before each reply.
    /// Returns the number of messages.
    fn serve_in_turn(
        profile: Profile,
        connections: usize,
        pause: Duration,
        handler: Handler,
    ) -> (SocketAddr, Task<Result<u64, Error>>);
    /// Returns the outcome of listening with this profile.
    fn bind(profile: Profile) -> std::io::Result<()>;
}

/// The operations of every client, which the caller waits for.
pub(crate) trait Client {
    fn connect(&mut self) -> Result<(), CallError>;
    fn call(&mut self, request: &[u8]) -> Result<Message, CallError>;
    fn send(&mut self, message: &[u8]) -> Result<(), CallError>;
    fn recv(&mut self) -> Result<Option<Message>, Error>;
    /// Sends on the client's connection directly, so that the client does not know of it.
    fn send_outside(&mut self, message: &[u8]) -> Result<(), Error>;
    /// Makes no call for this time.
    fn rest(&mut self, time: Duration);
    fn close(self: Box<Self>) -> Result<CloseReport, Error>;
}

impl Party for Blocking {
    const NAME: &'static str = "blocking";

    fn client_of(profile: Profile, peer: &str) -> Box<dyn Client> {
        Box::new(blocking::Client::new(profile, peer).expect("a client's profile"))
    }

    fn bind(profile: Profile) -> std::io::Result<()> {
        blocking::Listener::bind_profile("127.0.0.1:0", &Arc::new(profile)).map(drop)
    }

    fn serve_in_turn(
        profile: Profile,
        connections: usize,
        pause: Duration,
        mut handler: Handler,
    ) -> (SocketAddr, Task<Result<u64, Error>>) {
        let profile = Arc::new(profile);
        let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &profile).expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = move || {
            let mut count = 0;
            for _ in 0..connections {
                let connection = listener.accept().expect("accepting").expect("a connection");
                count += connection.serve(&profile, |message| {
                    std::thread::sleep(pause);
                    handler(&message)
                })?;
            }
            Ok(count)
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

    fn send_outside(&mut self, message: &[u8]) -> Result<(), Error> {
        self.connection_mut().expect("a connection").send(message)
    }

    fn rest(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn close(self: Box<Self>) -> Result<CloseReport, Error> {
        (*self).close()
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

    fn serve_in_turn(
        profile: Profile,
        connections: usize,
        pause: Duration,
        mut handler: Handler,
    ) -> (SocketAddr, Task<Result<u64, Error>>) {
        let profile = Arc::new(profile);
        let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &profile).expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = move || {
            let mut count = 0;
            for _ in 0..connections {
                let connection = loop {
                    match listener.try_accept().expect("accepting") {
                        Some(connection) => break connection,
                        None => std::thread::yield_now(),
                    }
                };
                count += connection.serve(&profile, |message| {
                    std::thread::sleep(pause);
                    handler(&message)
                })?;
            }
            Ok(count)
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

    fn send_outside(&mut self, message: &[u8]) -> Result<(), Error> {
        self.connection_mut().expect("a connection").send_within(message, DEADLINE)
    }

    fn rest(&mut self, time: Duration) {
        let until = std::time::Instant::now() + time;
        while let Some(left) = until.checked_duration_since(std::time::Instant::now()) {
            std::thread::sleep(self.maintain().unwrap_or(left).min(left));
        }
    }

    fn close(self: Box<Self>) -> Result<CloseReport, Error> {
        (*self).close()
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

    fn serve_in_turn(
        profile: Profile,
        connections: usize,
        pause: Duration,
        mut handler: Handler,
    ) -> (SocketAddr, Task<Result<u64, Error>>) {
        let (profile, runtime) = (Arc::new(profile), runtime());
        let listener = runtime.block_on(tokio::Listener::bind_profile("127.0.0.1:0", &profile));
        let mut listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = async move {
            let mut count = 0;
            for _ in 0..connections {
                let connection = listener.accept().await.expect("accepting");
                let answer = |message: Message| {
                    let reply = handler(&message);
                    async move {
                        if !pause.is_zero() {
                            ::tokio::time::sleep(pause).await;
                        }
                        reply
                    }
                };
                count += connection.serve(&profile, answer).await?;
            }
            Ok(count)
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

    fn send_outside(&mut self, message: &[u8]) -> Result<(), Error> {
        self.0.block_on(self.1.connection_mut().expect("a connection").send(message))
    }

    fn rest(&mut self, time: Duration) {
        self.0.block_on(async { ::tokio::time::sleep(time).await });
    }

    fn close(self: Box<Self>) -> Result<CloseReport, Error> {
        self.0.block_on(self.1.close())
    }
}
