//! Our clients, with many requests in flight, behind one interface.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use framelink_transport::{CallError, Incoming, LinkEvent, Message, Profile, blocking, tokio};

use super::ledger::Outcome;
use crate::DEADLINE;

/// Answers a message that the peer sent on its own, and takes late replies.
pub(crate) type Answer = Arc<dyn Fn(&Incoming) -> Option<Vec<u8>> + Send + Sync>;

/// Why a request has no reply.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) outcome: Outcome,
    pub(crate) why: String,
}

impl Failure {
    pub(crate) fn new(outcome: Outcome, why: impl fmt::Display) -> Self {
        Self { outcome, why: why.to_string() }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::new(Outcome::of_error(&error), error)
    }
}

/// A client that signs on, and dials again after a loss. Several threads call.
pub(crate) trait Client: Sync + Sized {
    const NAME: &'static str;

    fn start(profile: &Profile, address: String, answer: Answer) -> Self;
    fn call(&self, request: &[u8]) -> Result<Message, Failure>;
    /// Closes the connection at once.
    fn disconnect(&self);
    /// Signs off and closes. All incoming messages have been answered afterwards.
    fn close(self);
}

pub(crate) struct OnThreads {
    link: blocking::Link,
    inbox: JoinHandle<()>,
}

impl OnThreads {
    /// Connects, and sends no request.
    pub(crate) fn connect(&self) {
        self.link.connect().unwrap();
    }
}

impl Client for OnThreads {
    const NAME: &'static str = "blocking";

    fn start(profile: &Profile, address: String, answer: Answer) -> Self {
        let (link, mut inbox) = blocking::Link::new(profile.clone(), address).unwrap();
        let inbox = thread::spawn(move || {
            while let Some((event, sender)) = inbox.recv_with_sender() {
                if let Some(reply) = reply(event, &answer) {
                    let _ = sender.send(&reply);
                }
            }
        });
        Self { link, inbox }
    }

    fn call(&self, request: &[u8]) -> Result<Message, Failure> {
        Ok(self.link.call(request)?)
    }

    fn disconnect(&self) {
        self.link.disconnect();
    }

    fn close(self) {
        self.link.close(DEADLINE);
        self.inbox.join().unwrap();
    }
}

pub(crate) struct OnTasks {
    runtime: ::tokio::runtime::Runtime,
    link: tokio::Link,
    inbox: ::tokio::task::JoinHandle<()>,
}

impl Client for OnTasks {
    const NAME: &'static str = "tokio";

    fn start(profile: &Profile, address: String, answer: Answer) -> Self {
        let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (link, mut inbox) = tokio::Link::new(profile.clone(), address).unwrap();
        let inbox = runtime.spawn(async move {
            while let Some((event, sender)) = inbox.recv_with_sender().await {
                if let Some(reply) = reply(event, &answer) {
                    let _ = sender.send(&reply).await;
                }
            }
        });
        Self { runtime, link, inbox }
    }

    fn call(&self, request: &[u8]) -> Result<Message, Failure> {
        Ok(self.runtime.block_on(self.link.call(request))?)
    }

    fn disconnect(&self) {
        self.link.disconnect();
    }

    fn close(self) {
        self.runtime.block_on(self.link.close(DEADLINE));
        self.runtime.block_on(self.inbox).unwrap();
    }
}

fn reply(event: LinkEvent, answer: &Answer) -> Option<Vec<u8>> {
    match event {
        LinkEvent::Incoming(incoming) => answer(&incoming),
        _ => None,
    }
}
