//! What roles need of this driver.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Connection;
use super::connector::{Blocking, Connector};
use crate::clock::Clock;
use crate::connector::ConnectError;
use crate::driver::{Driver, Task, ThreadNotify, at_once, plain, role_connection};
use crate::peer::Peer;
use crate::resolver::{Lookup, Resolver};
use crate::threads;

impl Driver for Blocking {
    type Connection = Connection;
    type Clock = Clock;
    type Notify = ThreadNotify;
    type Task = JoinHandle<()>;
    type Lookup = Lookup;
    type Resolver = Resolver;
    const HAS_BACKGROUND: bool = true;

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

    fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<JoinHandle<()>> {
        threads::spawn(name, move || at_once(work))
    }

    fn detach<T, F>(
        name: &'static str,
        value: T,
        within: Duration,
        work: impl Fn(T, Duration) -> F + Clone + Send + 'static,
    ) -> io::Result<()>
    where
        T: Send + 'static,
        F: Future<Output = ()> + Send,
    {
        let on_thread = work.clone();
        threads::hand_over(name, value, move |value| at_once(on_thread(value, within))).map_err(|(error, value)| {
            at_once(work(value, Duration::ZERO));
            error
        })
    }
}

impl Task for JoinHandle<()> {
    fn abort(&self) {}

    fn is_finished(&self) -> bool {
        Self::is_finished(self)
    }
}

role_connection!(plain);
