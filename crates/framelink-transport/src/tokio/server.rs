//! A server: accepting, serving and ending, in one call.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::ToSocketAddrs;
use tokio::sync::watch;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout_at;

use super::clock::Clock;
use super::{Connection, Listener};
use crate::admission::ServerEvent;
use crate::answer::Answer;
use crate::drive::Clock as _;
use crate::driver::awaited;
use crate::profile::Profile;
use crate::registry::Registry;
use crate::server::{
    DrainReport, ServerControl, ServerCounts, ServerDriver, ServerRules, run, server_debug, server_driver_methods,
    server_handle_methods, server_methods,
};
use crate::session::Concurrency;
use framelink_session::Message;

/// Serves the clients that its profile lets in, until it is drained.
///
/// Each connection is [served](Connection::serve_many) in a task of its own, within the limits of the profile: see the profile's
/// `limits`, `access` and `timeouts`. If the system cannot accept, because file descriptors are used up for example, the server tries
/// again after a pause of 500 ms at most, and its connections go on. A handler that panics ends its connection, and nothing else.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::{sync::Arc, time::Duration};
/// use framelink_transport::{Framing, Profile, tokio::{Connector, Server}};
///
/// let framing: Framing = "ascii:4".parse()?;
/// let server = Server::bind("127.0.0.1:0", &Arc::new(Profile::builder(framing).build()?)).await?;
/// let (address, handle) = (server.local_addr()?, server.handle());
/// let running = tokio::spawn(server.run(|request| async move { Some(request.to_vec()) }));
///
/// let mut client = Connector::new(framing).connect(address).await?;
/// assert_eq!(&client.call(b"hello", Duration::from_secs(5)).await?[..], b"hello");
/// assert_eq!(handle.counts().answered, 1);
///
/// handle.drain(Duration::from_secs(5));
/// assert!(client.recv().await?.is_none(), "it was idle, and is closed in good order");
/// drop(client);
/// assert!(running.await?.is_clean());
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
    /// Notified when a drain is ordered.
    ordered: watch::Sender<()>,
}

impl Server {
    server_methods!(awaited awaited async, F: Future<Output: Answer> + Send + 'static);

    fn on(listener: Listener, profile: &Arc<Profile>) -> io::Result<Self> {
        let Some(admission) = listener.admission().cloned() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let (control, ordered) = (ServerControl::new(admission), watch::Sender::new(()));
        let state = HandleState { control, clock: Clock::start(), ordered };
        Ok(Self { listener, rules: ServerRules::new(profile), handle: ServerHandle(Arc::new(state)) })
    }

    async fn serve<H, F>(self, handler: H) -> DrainReport
    where
        H: Fn(Message, Option<SocketAddr>) -> F + Send + Sync + 'static,
        F: Future<Output: Answer> + Send + 'static,
    {
        let ordered = self.handle.0.ordered.subscribe();
        let (listener, handle, handler) = (Some(self.listener), self.handle, Arc::new(handler));
        run(ServerTasks { listener, handle, ordered, tasks: JoinSet::new(), handler }, self.rules).await
    }
}

impl ServerHandle {
    server_handle_methods!();

    fn order(&self, within: Duration) {
        self.0.control.order(self.0.clock.now(), within);
        self.0.ordered.send_replace(());
    }

    fn control(&self) -> &ServerControl {
        &self.0.control
    }
}

server_debug!();

/// A server with a task for each connection.
struct ServerTasks<H> {
    /// `None` after it was closed.
    listener: Option<Listener>,
    handle: ServerHandle,
    ordered: watch::Receiver<()>,
    tasks: JoinSet<()>,
    handler: Arc<H>,
}

impl<H, F> ServerDriver for ServerTasks<H>
where
    H: Fn(Message, Option<SocketAddr>) -> F + Send + Sync + 'static,
    F: Future<Output: Answer> + Send + 'static,
{
    server_driver_methods!();

    async fn accept(&mut self) -> io::Result<Option<Connection>> {
        let Some(listener) = &mut self.listener else { return Ok(None) };
        let (mut ordered, mut accepted) = (pin!(self.ordered.changed()), pin!(listener.accept()));
        poll_fn(|context| {
            while let Poll::Ready(Some(_)) = self.tasks.poll_join_next(context) {}
            match ordered.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(Ok(None)),
                Poll::Pending => accepted.as_mut().poll(context).map_ok(Some),
            }
        })
        .await
    }

    async fn accept_queued(&mut self) -> io::Result<Option<Connection>> {
        // The tasks on this thread go on before.
        yield_now().await;
        self.listener.as_mut().map_or(Ok(None), Listener::accept_queued)
    }

    fn serve(&mut self, rules: &ServerRules, mut connection: Connection) -> io::Result<()> {
        if let Some(registry) = &rules.registry {
            connection.join(registry);
        }
        let (peer, concurrency, profile) = (connection.peer_addr(), rules.concurrency, Arc::clone(&rules.profile));
        let (handler, guard) = (Arc::clone(&self.handler), rules.guard(self.control(), peer).begun());
        self.tasks.spawn(async move {
            guard.on_connected();
            let served = connection.serve_to_end(&profile, concurrency, |message| handler(message, peer)).await;
            let bytes = connection.byte_count().get();
            drop(connection);
            guard.on_ended(&served, bytes);
        });
        Ok(())
    }

    fn is_serving(&self) -> bool {
        !self.tasks.is_empty()
    }

    async fn changed(&mut self, until: Duration) {
        let (mut ordered, tasks) = (pin!(self.ordered.changed()), &mut self.tasks);
        let something = poll_fn(|context| match tasks.poll_join_next(context) {
            Poll::Ready(Some(_)) => Poll::Ready(()),
            _ => ordered.as_mut().poll(context).map(drop),
        });
        let _ = timeout_at(self.handle.0.clock.at(until), something).await;
    }

    fn abort(&mut self) {
        self.tasks.abort_all();
    }
}
