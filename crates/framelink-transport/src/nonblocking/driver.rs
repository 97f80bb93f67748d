//! What roles need of this driver, where its operations wait for their one socket.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Connection;
use super::connector::{Connector, NonBlocking};
use crate::clock::Clock;
use crate::connector::ConnectError;
use crate::driver::{Driver, Task, ThreadNotify, at_once, plain, role_connection};
use crate::error::Error;
use crate::peer::Peer;
use crate::resolver::{Lookup, Resolver};
use crate::tries::TryRecv;
use framelink_session::Message;

impl Driver for NonBlocking {
    type Connection = Connection;
    type Clock = Clock;
    type Notify = ThreadNotify;
    type Task = Nothing;
    type Lookup = Lookup;
    type Resolver = Resolver;
    const HAS_BACKGROUND: bool = false;

    fn clock() -> Clock {
        Clock::start()
    }

    fn now() -> Instant {
        Instant::now()
    }

    fn resolver(lookup: Option<Lookup>, on_panic: impl Fn() + Send + Sync + 'static) -> Resolver {
        Resolver::new(lookup, on_panic)
    }

    async fn dial(connector: &Connector, resolver: &Resolver, name: &Arc<str>) -> Result<Connection, ConnectError> {
        connector.resolved_by(resolver).connect(Peer::Name(Arc::clone(name)))
    }

    fn spawn(_name: &'static str, _work: impl Future<Output = ()> + Send + 'static) -> io::Result<Nothing> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn detach<T, F>(
        _name: &'static str,
        value: T,
        _within: Duration,
        work: impl Fn(T, Duration) -> F + Clone + Send + 'static,
    ) -> io::Result<()>
    where
        T: Send + 'static,
        F: Future<Output = ()> + Send,
    {
        at_once(work(value, Duration::ZERO));
        Ok(())
    }
}

/// A task of a driver that has none: what goes on between two calls, the application does.
#[derive(Debug)]
pub(crate) enum Nothing {}

impl Task for Nothing {
    fn abort(&self) {}

    fn is_finished(&self) -> bool {
        match *self {}
    }
}

role_connection!(plain);

impl Connection {
    /// The next message, when there is one; `None` when the peer has ended the connection.
    fn recv(&mut self) -> Result<Option<Message>, Error> {
        loop {
            match self.recv_within(Duration::MAX)? {
                TryRecv::Nothing => {}
                received => return Ok(received.into_message()),
            }
        }
    }
}
