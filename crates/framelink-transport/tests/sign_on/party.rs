//! The clients and servers of the three drivers, behind one interface.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use framelink_transport::session::Concurrency;
use framelink_transport::upstream::State;
use framelink_transport::{CallError, ConnectError, Message, Profile, TryRecv, blocking, nonblocking, tokio};

use crate::peer::DEADLINE;

pub(crate) const ALL: [Driver; 3] = [Driver::Blocking, Driver::NonBlocking, Driver::Tokio];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    Blocking,
    NonBlocking,
    Tokio,
}

pub(crate) fn on_tokio<T>(work: impl Future<Output = T>) -> T {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

pub(crate) fn profile(toml: &str) -> Profile {
    Profile::from_toml(toml).unwrap_or_else(|error| panic!("{toml}\n{error}"))
}

/// A client of one of the drivers.
pub(crate) enum Client {
    Blocking(blocking::Client),
    NonBlocking(nonblocking::Client),
    Tokio(Box<::tokio::runtime::Runtime>, tokio::Client),
}

impl Client {
    pub(crate) fn over(driver: Driver, profile: &Profile, names: Vec<String>) -> Self {
        let profile = Arc::new(profile.clone());
        match driver {
            Driver::Blocking => {
                Self::Blocking(blocking::Client::over(blocking::Upstream::new(&profile, names)).unwrap())
            }
            Driver::NonBlocking => {
                Self::NonBlocking(nonblocking::Client::over(nonblocking::Upstream::new(&profile, names)).unwrap())
            }
            Driver::Tokio => {
                let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let client = {
                    let _entered = runtime.enter();
                    tokio::Client::over(tokio::Upstream::new(&profile, names)).unwrap()
                };
                Self::Tokio(Box::new(runtime), client)
            }
        }
    }

    pub(crate) fn new(driver: Driver, profile: &Profile, name: String) -> Self {
        Self::over(driver, profile, vec![name])
    }

    pub(crate) fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
        match self {
            Self::Blocking(client) => client.call(request),
            Self::NonBlocking(client) => client.call(request),
            Self::Tokio(runtime, client) => runtime.block_on(client.call(request)),
        }
    }

    pub(crate) fn state(&self) -> State {
        match self {
            Self::Blocking(client) => client.upstream().state(),
            Self::NonBlocking(client) => client.upstream().state(),
            Self::Tokio(_, client) => client.upstream().state(),
        }
    }

    pub(crate) fn close(self) {
        match self {
            Self::Blocking(client) => drop(client.close()),
            Self::NonBlocking(client) => drop(client.close()),
            Self::Tokio(runtime, client) => drop(runtime.block_on(client.close())),
        }
    }
}

pub(crate) type Messages = Vec<Vec<u8>>;

/// Connects with a bare connector, and receives this many messages. Returns them and what was handed over as unread.
pub(crate) fn receives(
    driver: Driver,
    profile: &Profile,
    name: &str,
    count: usize,
) -> (Result<Messages, ConnectError>, Messages) {
    let (profile, unread) = (Arc::new(profile.clone()), Arc::new(std::sync::Mutex::new(Vec::new())));
    let heard = Arc::clone(&unread);
    let on_unread = move |message: Message| heard.lock().unwrap().push(message.to_vec());
    let message = |received: TryRecv| received.into_message().expect("a message in time").to_vec();
    let received = match driver {
        Driver::Blocking => {
            let connector = blocking::Connector::with_profile(&profile).on_unread(on_unread);
            connector
                .connect(name)
                .map(|mut connection| (0..count).map(|_| message(connection.recv_within(DEADLINE).unwrap())).collect())
        }
        Driver::NonBlocking => {
            let connector = nonblocking::Connector::with_profile(&profile).on_unread(on_unread);
            connector
                .connect(name)
                .map(|mut connection| (0..count).map(|_| message(connection.recv_within(DEADLINE).unwrap())).collect())
        }
        Driver::Tokio => on_tokio(async {
            let connector = tokio::Connector::with_profile(&profile).on_unread(on_unread);
            let mut connection = connector.connect(name).await?;
            let mut messages = Vec::new();
            while messages.len() < count {
                messages.push(message(connection.recv_within(DEADLINE).await.unwrap()));
            }
            Ok(messages)
        }),
    };
    let unread = unread.lock().unwrap().clone();
    (received, unread)
}

/// How a server answers its connections.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Serving {
    /// One request after the other, with `serve`.
    InTurn(Driver),
    /// Many at a time, with `serve_many`: on the non-blocking driver in an event loop.
    Many(Driver),
}

pub(crate) const EVERY_SERVING: [Serving; 6] = [
    Serving::InTurn(Driver::Blocking),
    Serving::InTurn(Driver::NonBlocking),
    Serving::InTurn(Driver::Tokio),
    Serving::Many(Driver::Blocking),
    Serving::Many(Driver::NonBlocking),
    Serving::Many(Driver::Tokio),
];

/// A server that echoes the messages of one client.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<Result<u64, String>>,
}

impl Echo {
    pub(crate) fn start(serving: Serving, profile: &Profile) -> Self {
        let profile = Arc::new(profile.clone());
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || match serving {
            Serving::InTurn(Driver::Blocking) | Serving::Many(Driver::Blocking) => {
                let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let connection = listener.accept().unwrap().unwrap();
                let served = match serving {
                    Serving::InTurn(_) => connection.serve(&profile, |message| Some(message.to_vec())),
                    Serving::Many(_) => {
                        connection.serve_many(&profile, Concurrency::new(4), |message| Some(message.to_vec()))
                    }
                };
                served.map_err(|error| error.to_string())
            }
            Serving::InTurn(Driver::NonBlocking) | Serving::Many(Driver::NonBlocking) => {
                let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let connection = loop {
                    match listener.try_accept().unwrap() {
                        Some(connection) => break connection,
                        None => thread::yield_now(),
                    }
                };
                match serving {
                    Serving::InTurn(_) => {
                        connection.serve(&profile, |message| Some(message.to_vec())).map_err(|error| error.to_string())
                    }
                    Serving::Many(_) => in_a_loop(connection, &profile),
                }
            }
            Serving::InTurn(Driver::Tokio) | Serving::Many(Driver::Tokio) => on_tokio(async {
                let mut listener = tokio::Listener::bind_profile("127.0.0.1:0", &profile).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let connection = listener.accept().await.unwrap();
                let answer = |message: Message| async move { Some(message.to_vec()) };
                let served = match serving {
                    Serving::InTurn(_) => connection.serve(&profile, answer).await,
                    Serving::Many(_) => connection.serve_many(&profile, Concurrency::new(4), answer).await,
                };
                served.map_err(|error| error.to_string())
            }),
        });
        Self { address: told.recv().unwrap(), thread }
    }

    /// Returns how many messages were answered, or why the connection failed.
    pub(crate) fn finish(self) -> Result<u64, String> {
        self.thread.join().unwrap()
    }
}

fn in_a_loop(connection: nonblocking::Connection, profile: &Profile) -> Result<u64, String> {
    let mut served = connection.serve_many(profile, Concurrency::new(4));
    loop {
        match served.try_next() {
            Ok(TryRecv::Message((place, request))) => {
                served.reply(place, Some(&request)).map_err(|error| error.to_string())?;
            }
            Ok(TryRecv::Nothing) => thread::yield_now(),
            Ok(TryRecv::Closed) => return served.close(profile).map_err(|error| error.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
}
