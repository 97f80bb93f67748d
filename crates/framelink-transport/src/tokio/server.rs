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
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::clock::Clock;
use super::{Connection, Listener};
use crate::admission::Pause;
use crate::drive::{Clock as _, Outcome};
use crate::server::{Drain, Ledger, Observer, Seat, is_probe, tell};
use crate::session::{Concurrency, Stage};
use crate::{Answer, DrainReport, Error, Message, Profile, Registry, ServerCounts, ServerEvent};

/// Serves whoever its profile lets in, until it is drained.
///
/// Each connection is [served](Connection::serve_many) in a task of its own, within the limits of the profile: see the profile's
/// `limits`, `access` and `timeouts`. When the system cannot accept, for want of file descriptors say, it is asked again after a pause,
/// 500 ms at most, and those that are connected go on. A handler that panics ends its connection, and nothing else.
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
    profile: Arc<Profile>,
    concurrency: Concurrency,
    registry: Option<Registry>,
    observer: Option<Observer>,
    handle: ServerHandle,
    /// While accepting fails: when to try again.
    pause: Pause,
    paused_until: Option<Instant>,
}

/// Reads the counts of a [`Server`] while it runs, and drains it. Clones are the same.
///
/// See [`Server`] for an example.
#[derive(Clone)]
pub struct ServerHandle {
    ledger: Arc<Ledger>,
    drain: Arc<watch::Sender<Drain>>,
    clock: Clock,
}

/// After the time of a drain is over: so long the connections that were cut have to be gone.
const GRACE: Duration = Duration::from_millis(250);

impl Server {
    /// Listens on the first of the addresses that can be bound. Nothing is accepted before it [runs](Self::run).
    ///
    /// # Errors
    /// As the system has it, and when a server cannot use the profile.
    pub async fn bind(address: impl ToSocketAddrs, profile: &Arc<Profile>) -> io::Result<Self> {
        let listener = Listener::bind_profile(address, profile).await?;
        let Some(admission) = listener.admission().cloned() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let drain = Arc::new(watch::Sender::new(Drain::default()));
        Ok(Self {
            listener,
            profile: Arc::clone(profile),
            concurrency: Concurrency::default(),
            registry: None,
            observer: None,
            handle: ServerHandle { ledger: Ledger::new(admission), drain, clock: Clock::start() },
            pause: Pause::new(),
            paused_until: None,
        })
    }

    /// How many requests of one connection are handled at a time. Defaults to one.
    #[must_use]
    pub const fn concurrency(mut self, concurrency: Concurrency) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Every connection joins this registry, and is pushed to by it. Defaults to none.
    #[must_use]
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Is told what happens, for a log. It runs in the tasks that serve, and should be quick. Defaults to nobody.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&ServerEvent<'_>) + Send + Sync + 'static) -> Self {
        let observer: Observer = Arc::new(observer);
        self.handle.ledger.admission().set_observer(Arc::clone(&observer));
        self.observer = Some(observer);
        self
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// As the system has it.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What reads its counts and drains it.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Serves until it is [drained](ServerHandle::drain): each request is answered with what the handler says, or with nothing.
    ///
    /// Then, in this order: the connections that wait to be accepted are accepted, within the limits, and the listener is closed; each
    /// connection ends in good order at its next quiet moment, when nothing is there to be read, no message has begun to come, and no
    /// reply is owed; one that has sent nothing since it was accepted has [a moment](crate::session::Tenure::CONNECT_GRACE) for its first
    /// message; after half of the time nothing new is taken, quiet or not; and when the time is over what is left is cut.
    ///
    /// Dropping the future cuts everything at once.
    pub async fn run<H, F>(self, handler: H) -> DrainReport
    where
        H: Fn(Message) -> F + Send + Sync + 'static,
        F: Future<Output: Answer> + Send + 'static,
    {
        self.run_with_peer(move |message, _| handler(message)).await
    }

    /// The same, where the handler is also told the address of the client, where that has one.
    pub async fn run_with_peer<H, F>(mut self, handler: H) -> DrainReport
    where
        H: Fn(Message, Option<SocketAddr>) -> F + Send + Sync + 'static,
        F: Future<Output: Answer> + Send + 'static,
    {
        let (handler, mut orders) = (Arc::new(handler), self.handle.drain.subscribe());
        let mut serving = JoinSet::new();
        while self.handle.stage() == Stage::Open {
            if let Some(connection) = self.next(&mut serving, &mut orders).await {
                serving.spawn(self.serve(connection, &handler));
            }
        }
        self.serve_waiting(&mut serving, &mut orders, &handler).await;
        drop(self.listener);
        self.handle.end(&mut serving, &mut orders).await;
        self.handle.report()
    }

    /// The next connection; `None` when something else happened, which is to be looked at first.
    async fn next(&mut self, serving: &mut JoinSet<()>, orders: &mut watch::Receiver<Drain>) -> Option<Connection> {
        let (mut ordered, mut accepted) = (pin!(orders.changed()), pin!(self.accept()));
        poll_fn(|context| {
            let has_ended = matches!(serving.poll_join_next(context), Poll::Ready(Some(_)));
            match ordered.as_mut().poll(context) {
                Poll::Pending if !has_ended => accepted.as_mut().poll(context),
                _ => Poll::Ready(None),
            }
        })
        .await
    }

    /// The next connection, or `None` when the system has none for us now. Dropping the future loses none.
    async fn accept(&mut self) -> Option<Connection> {
        if let Some(until) = self.paused_until {
            sleep_until(until).await;
            self.paused_until = None;
        }
        match self.listener.accept().await {
            Ok(connection) => {
                if self.pause.on_accepted() {
                    self.tell(&ServerEvent::AcceptingAgain);
                }
                Some(connection)
            }
            Err(error) => {
                self.paused_until = Some(Instant::now() + self.on_accept_failed(&error));
                None
            }
        }
    }

    /// The system cannot accept now. How long to wait.
    fn on_accept_failed(&mut self, error: &io::Error) -> Duration {
        self.handle.ledger.on_accept_failed();
        let is_first = !self.pause.is_on();
        let pause = self.pause.on_failed();
        if is_first {
            self.tell(&ServerEvent::AcceptFailed { error, pause });
        }
        pause
    }

    /// Serves the connections that had come before the drain and wait to be accepted. When half of the time is over they end at once, and
    /// what they have sent is counted.
    async fn serve_waiting<H, F>(
        &mut self,
        serving: &mut JoinSet<()>,
        orders: &mut watch::Receiver<Drain>,
        handler: &Arc<H>,
    ) where
        H: Fn(Message, Option<SocketAddr>) -> F + Send + Sync + 'static,
        F: Future<Output: Answer> + Send + 'static,
    {
        loop {
            match self.listener.accept_queued() {
                Ok(None) => {
                    let is_draining = self.handle.stage() == Stage::Draining;
                    let Some(pause) = self.listener.handshake_pause().filter(|_| is_draining) else { return };
                    self.wait_for_orders(Instant::now() + pause, orders).await;
                }
                Ok(Some(connection)) => {
                    self.pause.on_accepted();
                    drop(serving.spawn(self.serve(connection, handler)));
                    // The others on this thread go on meanwhile.
                    yield_now().await;
                }
                Err(_) if self.handle.stage() == Stage::Cut => return,
                Err(error) => {
                    // Those that are served free what the system lacks when they end.
                    self.handle.ledger.admission().tell(self.handle.stage());
                    let paused_until = Instant::now() + self.on_accept_failed(&error);
                    self.wait_for_orders(paused_until, orders).await;
                }
            }
        }
    }

    /// Waits until a time. The next stage of a drain, or an order that makes its time shorter, ends the wait.
    async fn wait_for_orders(&self, until: Instant, orders: &mut watch::Receiver<Drain>) {
        let next_at = self.handle.drain.borrow().next_at(self.handle.clock.now());
        let until = next_at.map_or(until, |at| until.min(self.handle.clock.at(at)));
        let _ = timeout_at(until, orders.changed()).await;
    }

    fn serve<H, F>(&self, mut connection: Connection, handler: &Arc<H>) -> impl Future<Output = ()> + Send + 'static
    where
        H: Fn(Message, Option<SocketAddr>) -> F + Send + Sync + 'static,
        F: Future<Output: Answer> + Send + 'static,
    {
        if let Some(registry) = &self.registry {
            connection.join(registry);
        }
        let (peer, concurrency) = (connection.peer_addr(), self.concurrency);
        let (profile, observer, handler) = (Arc::clone(&self.profile), self.observer.clone(), Arc::clone(handler));
        let mut seat = Seat::take(&self.handle.ledger);
        seat.begin();
        async move {
            tell(observer.as_ref(), &ServerEvent::Connected { peer });
            let Outcome { answered, discarded, ended } =
                connection.serve_to_end(&profile, concurrency, |message| handler(message, peer)).await;
            let is_probe = is_probe(&ended, connection.byte_count().get());
            // Its place is free before it is said to be.
            drop(connection);
            seat.leave(ended.as_ref().copied().map_err(Error::cause), discarded);
            if is_probe {
                tell(observer.as_ref(), &ServerEvent::Probed { peer });
            }
            tell(observer.as_ref(), &ServerEvent::Closed { peer, answered, error: ended.as_ref().err() });
        }
    }

    fn tell(&self, event: &ServerEvent<'_>) {
        tell(self.observer.as_ref(), event);
    }
}

impl ServerHandle {
    /// Has the server end within this time, as [`run`](Server::run) says. Said again, it can make the time shorter only: with zero what
    /// is in flight is cut at once.
    pub fn drain(&self, within: Duration) {
        self.drain.send_modify(|drain| {
            drain.order(self.clock.now(), within, || self.ledger.before());
        });
        self.ledger.admission().tell(self.stage());
    }

    /// What was counted until now.
    #[must_use]
    pub fn counts(&self) -> ServerCounts {
        self.ledger.counts()
    }

    fn stage(&self) -> Stage {
        self.drain.borrow().stage(self.clock.now())
    }

    fn report(&self) -> DrainReport {
        self.ledger.report(self.drain.borrow().before())
    }

    /// Waits until all connections have ended, and has them end.
    async fn end(&self, serving: &mut JoinSet<()>, orders: &mut watch::Receiver<Drain>) {
        let mut told = Stage::Open;
        while !serving.is_empty() {
            let (now, stage) = (self.clock.now(), self.stage());
            if stage > told {
                told = stage;
                self.ledger.admission().tell(stage);
            }
            let Some(next_at) = self.drain.borrow().next_at(now) else { break };
            let mut ordered = pin!(orders.changed());
            let something = poll_fn(|context| match serving.poll_join_next(context) {
                Poll::Pending => ordered.as_mut().poll(context).map(drop),
                Poll::Ready(_) => Poll::Ready(()),
            });
            let _ = timeout_at(self.clock.at(next_at), something).await;
        }
        // A handler that blocks its thread cannot be ended by anybody: it is left alone.
        let _ = timeout(GRACE, async { while serving.join_next().await.is_some() {} }).await;
        serving.abort_all();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).field("handle", &self.handle).finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
