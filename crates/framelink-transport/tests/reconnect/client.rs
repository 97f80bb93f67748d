//! A client on any driver.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use framelink_transport::profile::{Policy, Reconnect};
use framelink_transport::tokio::CallError;
use framelink_transport::upstream::{Counts, Loss, State};
use framelink_transport::{Profile, ProfileBuilder, blocking, nonblocking, tokio as on_tokio};

use crate::host::framing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    Tokio,
    Blocking,
    NonBlocking,
}

/// Short delays, so that a row is soon over: 20 ms, doubled up to 400 ms; back to the primary within 300 ms.
pub(crate) fn reconnect() -> Reconnect {
    let mut reconnect = Reconnect::new(Policy::PrimaryBackup);
    (reconnect.first, reconnect.cap) = (Duration::from_millis(20), Duration::from_millis(400));
    reconnect.fail_back = Duration::from_millis(300);
    reconnect
}

pub(crate) fn profile() -> ProfileBuilder {
    Profile::builder(framing()).reconnect(reconnect()).reply_timeout(Duration::from_secs(2))
}

/// How names are resolved.
#[derive(Clone)]
pub(crate) enum Names {
    Fail,
    /// Lookups hang until this is set.
    Hang(Arc<AtomicBool>),
    Panic,
    Are(Arc<Mutex<Vec<SocketAddr>>>),
}

type OnLoss = Box<dyn Fn(&Loss) + Send + Sync>;

/// The parts of a client.
pub(crate) struct Parts {
    pub(crate) profile: Profile,
    pub(crate) peers: Vec<String>,
    pub(crate) names: Option<Names>,
    pub(crate) on_loss: Option<OnLoss>,
}

pub(crate) enum Client {
    Tokio(on_tokio::Client),
    Blocking(Option<blocking::Client>),
    NonBlocking(Option<nonblocking::Client>),
}

pub(crate) fn parts(profile: &ProfileBuilder, peers: impl IntoIterator<Item = String>) -> Parts {
    Parts { profile: profile.build().unwrap(), peers: peers.into_iter().collect(), names: None, on_loss: None }
}

impl Parts {
    pub(crate) fn names(self, names: Names) -> Self {
        Self { names: Some(names), ..self }
    }

    pub(crate) fn on_loss(self, on_loss: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
        Self { on_loss: Some(Box::new(on_loss)), ..self }
    }

    pub(crate) fn on_tokio(self) -> on_tokio::Upstream {
        let mut upstream = on_tokio::Upstream::new(&Arc::new(self.profile), self.peers);
        if let Some(names) = self.names {
            upstream = upstream.resolver(move |_| {
                let names = names.clone();
                async move {
                    match names {
                        Names::Fail => Err(std::io::Error::other("no such name")),
                        Names::Hang(_) => std::future::pending().await,
                        Names::Panic => panic!("the resolver of a test"),
                        Names::Are(addresses) => Ok(addresses.lock().unwrap().clone()),
                    }
                }
            });
        }
        if let Some(on_loss) = self.on_loss {
            upstream = upstream.on_loss(on_loss);
        }
        upstream
    }

    pub(crate) fn on_threads(self) -> blocking::Upstream {
        let mut upstream = blocking::Upstream::new(&Arc::new(self.profile), self.peers);
        if let Some(names) = self.names {
            upstream = upstream.resolver(move |_| look_up(&names));
        }
        if let Some(on_loss) = self.on_loss {
            upstream = upstream.on_loss(on_loss);
        }
        upstream
    }

    pub(crate) fn client(self, driver: Driver) -> Client {
        match driver {
            Driver::Tokio => Client::Tokio(on_tokio::Client::over(self.on_tokio()).unwrap()),
            Driver::Blocking => Client::Blocking(Some(blocking::Client::over(self.on_threads()).unwrap())),
            Driver::NonBlocking => {
                let mut upstream = nonblocking::Upstream::new(&Arc::new(self.profile), self.peers);
                if let Some(names) = self.names {
                    upstream = upstream.resolver(move |_| look_up(&names));
                }
                if let Some(on_loss) = self.on_loss {
                    upstream = upstream.on_loss(on_loss);
                }
                Client::NonBlocking(Some(nonblocking::Client::over(upstream).unwrap()))
            }
        }
    }
}

/// Resolves a name on a thread.
fn look_up(names: &Names) -> std::io::Result<Vec<SocketAddr>> {
    match names {
        Names::Fail => Err(std::io::Error::other("no such name")),
        Names::Hang(until) => {
            while !until.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(Vec::new())
        }
        Names::Panic => panic!("the resolver of a test"),
        Names::Are(addresses) => Ok(addresses.lock().unwrap().clone()),
    }
}

impl Client {
    pub(crate) async fn call(&mut self, request: &'static [u8]) -> Result<Vec<u8>, CallError> {
        match self {
            Self::Tokio(client) => client.call(request).await.map(|reply| reply.to_vec()),
            Self::Blocking(client) => {
                let mut inner = client.take().unwrap();
                let (inner, reply) = aside(move || {
                    let reply = inner.call(request);
                    (inner, reply)
                })
                .await;
                *client = Some(inner);
                reply.map(|reply| reply.to_vec())
            }
            Self::NonBlocking(client) => {
                let mut inner = client.take().unwrap();
                let (inner, reply) = aside(move || {
                    let reply = inner.call(request);
                    (inner, reply)
                })
                .await;
                *client = Some(inner);
                reply.map(|reply| reply.to_vec())
            }
        }
    }

    pub(crate) async fn connect(&mut self) {
        match self {
            Self::Tokio(client) => client.connect().await.unwrap(),
            Self::Blocking(client) => {
                let mut inner = client.take().unwrap();
                *client = Some(
                    aside(move || {
                        inner.connect().unwrap();
                        inner
                    })
                    .await,
                );
            }
            Self::NonBlocking(client) => {
                let mut inner = client.take().unwrap();
                *client = Some(
                    aside(move || {
                        inner.connect().unwrap();
                        inner
                    })
                    .await,
                );
            }
        }
    }

    /// Waits for an event while the client is idle. A non-blocking client is maintained meanwhile.
    pub(crate) async fn idle_until<T>(&mut self, event: impl Future<Output = T>) -> T {
        let Self::NonBlocking(Some(client)) = self else { return event.await };
        let mut event = pin!(event);
        loop {
            let again = client.maintain().unwrap().min(Duration::from_millis(5));
            if let Ok(output) = tokio::time::timeout(again, &mut event).await {
                return output;
            }
        }
    }

    /// Calls again and again until a call is answered.
    pub(crate) async fn call_until_answered(&mut self, request: &'static [u8]) -> Vec<u8> {
        loop {
            match self.call(request).await {
                Ok(reply) => return reply,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Tokio(client) => assert!(client.close().await.is_ok()),
            Self::Blocking(client) => aside(move || assert!(client.unwrap().close().is_ok())).await,
            Self::NonBlocking(client) => aside(move || assert!(client.unwrap().close().is_ok())).await,
        }
    }

    pub(crate) fn address(&self) -> Option<String> {
        match self {
            Self::Tokio(client) => client.address(),
            Self::Blocking(client) => client.as_ref().unwrap().address(),
            Self::NonBlocking(client) => client.as_ref().unwrap().address(),
        }
        .map(ToOwned::to_owned)
    }

    pub(crate) fn counts(&self) -> Counts {
        match self {
            Self::Tokio(client) => client.upstream().counts(),
            Self::Blocking(client) => client.as_ref().unwrap().upstream().counts(),
            Self::NonBlocking(client) => client.as_ref().unwrap().upstream().counts(),
        }
    }

    pub(crate) fn state(&self) -> State {
        match self {
            Self::Tokio(client) => client.upstream().state(),
            Self::Blocking(client) => client.as_ref().unwrap().upstream().state(),
            Self::NonBlocking(client) => client.as_ref().unwrap().upstream().state(),
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        match self {
            Self::Tokio(client) => client.upstream().in_flight(),
            Self::Blocking(client) => client.as_ref().unwrap().upstream().in_flight(),
            Self::NonBlocking(client) => client.as_ref().unwrap().upstream().in_flight(),
        }
    }

    /// Returns all later states, in order.
    pub(crate) fn states(&self) -> std::sync::mpsc::Receiver<State> {
        let (sender, states) = std::sync::mpsc::channel();
        match self {
            Self::Tokio(client) => {
                let mut states = client.upstream().states();
                tokio::spawn(async move {
                    while let Some(state) = states.changed().await {
                        let _ = sender.send(state);
                    }
                });
            }
            Self::Blocking(client) => {
                let mut states = client.as_ref().unwrap().upstream().states();
                std::thread::spawn(move || {
                    while let Some(state) = states.changed_within(Duration::from_secs(1)) {
                        let _ = sender.send(state);
                    }
                });
            }
            Self::NonBlocking(_) => panic!("the non-blocking driver has no such client"),
        }
        states
    }
}

pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
