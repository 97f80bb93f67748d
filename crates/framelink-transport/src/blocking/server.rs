//! A server: accepting, serving and ending, in one call.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Connection, Listener, Stopper};
use crate::admission::ServerEvent;
use crate::answer::Answer;
use crate::clock::Clock;
use crate::drive::Clock as _;
use crate::driver::{plain, ready};
use crate::profile::Profile;
use crate::registry::Registry;
use crate::server::{
    DrainReport, ServerControl, ServerCounts, ServerDriver, ServerRules, run, serve_in_turn, server_debug,
    server_driver_methods, server_handle_methods, server_methods,
};
use crate::session::Concurrency;
use crate::threads;
use framelink_session::Message;

/// Serves the clients that its profile lets in, until it is drained.
///
/// Each connection has a thread. With [more than one](Self::concurrency) request at a time, with heartbeats or a registry, it has one
/// thread that reads, one that writes, and those that answer. All of it is within the limits of the profile: see the profile's `limits`,
/// `access` and `timeouts`. If the system cannot accept, because file descriptors are used up for example, the server tries again after a
/// pause of 500 ms at most, and its connections go on. A handler that panics ends its connection, and nothing else.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::{sync::Arc, thread, time::Duration};
/// use framelink_transport::{Framing, Profile, blocking::{Connector, Server}};
///
/// let framing: Framing = "ascii:4".parse()?;
/// let server = Server::bind("127.0.0.1:0", &Arc::new(Profile::builder(framing).build()?))?;
/// let (address, handle) = (server.local_addr()?, server.handle());
/// let running = thread::spawn(move || server.run(|request| Some(request.to_vec())));
///
/// let mut client = Connector::new(framing).connect(address)?;
/// assert_eq!(&client.call(b"hello", Duration::from_secs(5))?[..], b"hello");
/// handle.drain(Duration::from_secs(5));
/// assert!(client.recv()?.is_none(), "it was idle, and is closed in good order");
/// drop(client);
/// assert!(running.join().unwrap().is_clean());
/// # Ok(())
/// # }
/// ```
pub struct Server {
    listener: Listener,
    rules: ServerRules,
    handle: ServerHandle,
}

/// Reads the counts of a [`Server`] while it runs, and drains it. Clones are the same.
///
/// See [`Server`] for an example.
#[derive(Clone)]
pub struct ServerHandle(Arc<HandleState>);

struct HandleState {
    control: ServerControl,
    clock: Clock,
    stopper: Stopper,
    threads: Mutex<ThreadCount>,
    /// Notified when these change.
    changed: Condvar,
}

#[derive(Default)]
struct ThreadCount {
    /// How many connections have a thread.
    serving: usize,
    /// How often a connection has ended or a drain was ordered.
    changes: u64,
}

impl Server {
    server_methods!(plain ready, A: Answer);

    fn on(listener: Listener, profile: &Arc<Profile>) -> io::Result<Self> {
        let Some(admission) = listener.admission().cloned() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let (control, stopper, clock) = (ServerControl::new(admission), listener.stopper(), Clock::start());
        let state = HandleState { control, clock, stopper, threads: Mutex::default(), changed: Condvar::new() };
        Ok(Self { listener, rules: ServerRules::new(profile), handle: ServerHandle(Arc::new(state)) })
    }

    async fn serve<H, A>(self, handler: H) -> DrainReport
    where
        H: Fn(Message, Option<SocketAddr>) -> A + Send + Sync + 'static,
        A: Answer,
    {
        let (listener, handle, handler) = (Some(self.listener), self.handle, Arc::new(handler));
        run(ServerThreads { listener, handle, handler, seen: 0 }, self.rules).await
    }
}

impl ServerHandle {
    server_handle_methods!();

    fn order(&self, within: Duration) {
        self.0.control.order(self.0.clock.now(), within);
        self.0.stopper.stop();
        self.0.change(|_| ());
    }

    fn control(&self) -> &ServerControl {
        &self.0.control
    }
}

impl HandleState {
    fn change(&self, change: impl FnOnce(&mut ThreadCount)) {
        let mut threads = self.threads();
        threads.changes += 1;
        change(&mut threads);
        drop(threads);
        self.changed.notify_all();
    }

    /// A panic while it was held left nothing half done.
    fn threads(&self) -> MutexGuard<'_, ThreadCount> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

server_debug!();

/// A connection that has a thread.
struct ServingThread(ServerHandle);

impl ServingThread {
    fn count(handle: &ServerHandle) -> Self {
        handle.0.threads().serving += 1;
        Self(handle.clone())
    }
}

impl Drop for ServingThread {
    fn drop(&mut self) {
        self.0.0.change(|threads| threads.serving -= 1);
    }
}

/// A server with threads for each connection.
struct ServerThreads<H> {
    /// `None` after it was closed.
    listener: Option<Listener>,
    handle: ServerHandle,
    handler: Arc<H>,
    /// How many changes it has seen.
    seen: u64,
}

impl<H, A> ServerDriver for ServerThreads<H>
where
    H: Fn(Message, Option<SocketAddr>) -> A + Send + Sync + 'static,
    A: Answer,
{
    server_driver_methods!();

    async fn accept(&mut self) -> io::Result<Option<Connection>> {
        self.listener.as_mut().map_or(Ok(None), Listener::accept)
    }

    async fn accept_queued(&mut self) -> io::Result<Option<Connection>> {
        self.listener.as_mut().map_or(Ok(None), Listener::accept_queued)
    }

    fn serve(&mut self, rules: &ServerRules, mut connection: Connection) -> io::Result<()> {
        if let Some(listener) = &self.listener {
            connection.interrupted_by(listener.interrupt());
        }
        if let Some(registry) = &rules.registry {
            connection.join(registry);
        }
        let (peer, concurrency, profile) = (connection.peer_addr(), rules.concurrency, Arc::clone(&rules.profile));
        let needs_threads = concurrency.limit() > 1 || rules.registry.is_some() || profile.heartbeat().is_some();
        let (handler, guard) = (Arc::clone(&self.handler), rules.guard(self.control(), peer));
        let thread = ServingThread::count(&self.handle);
        let serve = move || {
            let (_thread, guard) = (thread, guard.begun());
            guard.on_connected();
            let bytes = connection.receiver.byte_count();
            let answer = |message: Message| handler(message, peer);
            let served = match needs_threads {
                true => ready!(connection.serve_to_end(&profile, concurrency, answer)),
                false => ready!(serve_in_turn(connection, &profile, answer)),
            };
            guard.on_ended(&served, bytes.get());
        };
        threads::spawn("framelink-serve", serve).map(drop)
    }

    fn is_serving(&self) -> bool {
        self.handle.0.threads().serving > 0
    }

    async fn changed(&mut self, until: Duration) {
        let state = &self.handle.0;
        let left = until.saturating_sub(state.clock.now());
        let is_same = |threads: &mut ThreadCount| threads.changes == self.seen;
        let waited = state.changed.wait_timeout_while(state.threads(), left, is_same);
        self.seen = waited.unwrap_or_else(PoisonError::into_inner).0.changes;
    }
}
