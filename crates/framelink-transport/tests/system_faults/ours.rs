//! Our end of a connection on each driver: as a server of one connection or of many, and as a client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::upstream::Counts;
use framelink_transport::{CallError, ConnectError, Error, Message, Profile, blocking, nonblocking, tokio};

use crate::driver::{Blocking, Driver, NonBlocking, Tokio};

pub(crate) trait Serves: Driver {
    /// Listens on a free port of this address, sends the address to the test, and serves one connection until it ends.
    fn serve(
        host: &str,
        profile: Arc<Profile>,
        tell: &Sender<SocketAddr>,
        answer: impl FnMut(&[u8]) -> Vec<u8>,
    ) -> Result<u64, Error>;

    /// Serves all connections from now on, and echoes their messages. Returns the address.
    fn serve_all(host: &str, profile: Arc<Profile>) -> SocketAddr;

    /// Dials as the profile says.
    fn connect_as(profile: &Arc<Profile>, address: SocketAddr) -> Result<Self, ConnectError>;

    /// Returns a function that calls this peer with a client.
    fn client(profile: &Profile, address: SocketAddr) -> Calls;

    /// Calls with a client again and again for this time, and asserts that each call fails. Returns the client's
    /// counts.
    fn call_for(profile: &Arc<Profile>, address: SocketAddr, time: Duration) -> Counts;
}

/// A function that makes a call.
pub(crate) type Calls = Box<dyn FnMut(&[u8]) -> Result<Message, CallError>>;

/// Makes calls one after the other for this time, and asserts that each fails.
fn fail_for(time: Duration, mut call: impl FnMut() -> bool) {
    let began = Instant::now();
    while began.elapsed() < time {
        assert!(!call(), "a call fails without a free port");
    }
}

impl Serves for Blocking {
    fn serve(
        host: &str,
        profile: Arc<Profile>,
        tell: &Sender<SocketAddr>,
        mut answer: impl FnMut(&[u8]) -> Vec<u8>,
    ) -> Result<u64, Error> {
        let mut listener = blocking::Listener::bind_profile((host, 0), &profile).expect("a port");
        tell.send(listener.local_addr().expect("an address")).expect("a peer");
        let connection = listener.accept().expect("accepting").expect("a connection");
        connection.serve(&profile, |message: Message| Some(answer(&message)))
    }

    fn serve_all(host: &str, profile: Arc<Profile>) -> SocketAddr {
        let mut listener = blocking::Listener::bind_profile((host, 0), &profile).expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            while let Ok(Some(connection)) = listener.accept() {
                let profile = Arc::clone(&profile);
                thread::spawn(move || connection.serve(&profile, |message: Message| Some(message.to_vec())));
            }
        });
        address
    }

    fn connect_as(profile: &Arc<Profile>, address: SocketAddr) -> Result<Self, ConnectError> {
        blocking::Connector::with_profile(profile).connect(address).map(Self)
    }

    fn client(profile: &Profile, address: SocketAddr) -> Calls {
        let mut client = blocking::Client::new(profile.clone(), address.to_string()).expect("a client");
        Box::new(move |request| client.call(request))
    }

    fn call_for(profile: &Arc<Profile>, address: SocketAddr, time: Duration) -> Counts {
        let upstream = blocking::Upstream::new(profile, [address.to_string()]);
        let mut client = blocking::Client::over(upstream.clone()).expect("a client");
        fail_for(time, || client.call(b"hi").is_ok());
        upstream.counts()
    }
}

impl Serves for NonBlocking {
    fn serve(
        host: &str,
        profile: Arc<Profile>,
        tell: &Sender<SocketAddr>,
        mut answer: impl FnMut(&[u8]) -> Vec<u8>,
    ) -> Result<u64, Error> {
        let mut listener = nonblocking::Listener::bind_profile((host, 0), &profile).expect("a port");
        tell.send(listener.local_addr().expect("an address")).expect("a peer");
        let connection = loop {
            match listener.try_accept().expect("accepting") {
                Some(connection) => break connection,
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        connection.serve(&profile, |message: Message| Some(answer(&message)))
    }

    fn serve_all(host: &str, profile: Arc<Profile>) -> SocketAddr {
        let mut listener = nonblocking::Listener::bind_profile((host, 0), &profile).expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            while let Ok(accepted) = listener.try_accept() {
                let Some(connection) = accepted else {
                    thread::sleep(Duration::from_millis(1));
                    continue;
                };
                let profile = Arc::clone(&profile);
                thread::spawn(move || connection.serve(&profile, |message: Message| Some(message.to_vec())));
            }
        });
        address
    }

    fn connect_as(profile: &Arc<Profile>, address: SocketAddr) -> Result<Self, ConnectError> {
        nonblocking::Connector::with_profile(profile).connect(address).map(Self)
    }

    fn client(profile: &Profile, address: SocketAddr) -> Calls {
        let mut client = nonblocking::Client::new(profile.clone(), address.to_string()).expect("a client");
        Box::new(move |request| client.call(request))
    }

    fn call_for(profile: &Arc<Profile>, address: SocketAddr, time: Duration) -> Counts {
        let upstream = nonblocking::Upstream::new(profile, [address.to_string()]);
        let mut client = nonblocking::Client::over(upstream.clone()).expect("a client");
        fail_for(time, || client.call(b"hi").is_ok());
        upstream.counts()
    }
}

impl Serves for Tokio {
    fn serve(
        host: &str,
        profile: Arc<Profile>,
        tell: &Sender<SocketAddr>,
        mut answer: impl FnMut(&[u8]) -> Vec<u8>,
    ) -> Result<u64, Error> {
        Self::runtime().block_on(async {
            let mut listener = tokio::Listener::bind_profile((host, 0), &profile).await.expect("a port");
            tell.send(listener.local_addr().expect("an address")).expect("a peer");
            let connection = listener.accept().await.expect("accepting");
            connection.serve(&profile, |message: Message| std::future::ready(Some(answer(&message)))).await
        })
    }

    fn serve_all(host: &str, profile: Arc<Profile>) -> SocketAddr {
        let runtime = Self::runtime();
        let mut listener = runtime.block_on(tokio::Listener::bind_profile((host, 0), &profile)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let accepting = async move {
            while let Ok(connection) = listener.accept().await {
                let profile = Arc::clone(&profile);
                let answer = |message: Message| std::future::ready(Some(message.to_vec()));
                ::tokio::spawn(async move { connection.serve(&profile, answer).await });
            }
        };
        thread::spawn(move || runtime.block_on(accepting));
        address
    }

    fn connect_as(profile: &Arc<Profile>, address: SocketAddr) -> Result<Self, ConnectError> {
        let runtime = Self::runtime();
        let connection = runtime.block_on(tokio::Connector::with_profile(profile).connect(address))?;
        Ok(Self { connection, runtime: runtime.into() })
    }

    fn client(profile: &Profile, address: SocketAddr) -> Calls {
        let runtime = Self::runtime();
        let mut client = tokio::Client::new(profile.clone(), address.to_string()).expect("a client");
        Box::new(move |request| runtime.block_on(client.call(request)))
    }

    fn call_for(profile: &Arc<Profile>, address: SocketAddr, time: Duration) -> Counts {
        let runtime = Self::runtime();
        let upstream = tokio::Upstream::new(profile, [address.to_string()]);
        let mut client = tokio::Client::over(upstream.clone()).expect("a client");
        fail_for(time, || runtime.block_on(client.call(b"hi")).is_ok());
        upstream.counts()
    }
}
