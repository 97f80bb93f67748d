//! A server: accepting, serving and ending, in one call.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Connection, Listener, Stopper};
use crate::admission::Pause;
use crate::clock::Clock;
use crate::drive::Clock as _;
use crate::server::{Drain, Ledger, Observer, Seat, is_probe, tell};
use crate::session::{Concurrency, Stage};
use crate::threads;
use crate::{Answer, DrainReport, Error, Message, Profile, Registry, ServerCounts, ServerEvent};

/// Serves whoever its profile lets in, until it is drained.
///
/// Each connection has a thread; with [more than one](Self::concurrency) request at a time, with heartbeats or a registry, it has one
/// that reads, one that writes, and those that answer. All of it is within the limits of the profile: see its `limits`, `access` and
/// `timeouts`. When the system cannot accept, for want of file descriptors say, it is asked again after a pause, 500 ms at most, and
/// those that are connected go on. A handler that panics ends its connection, and nothing else.
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
    profile: Arc<Profile>,
    concurrency: Concurrency,
    registry: Option<Registry>,
    observer: Option<Observer>,
    handle: ServerHandle,
}

/// Reads the counts of a [`Server`] while it runs, and drains it. Clones are the same.
///
/// See [`Server`] for an example.
#[derive(Clone)]
pub struct ServerHandle(Arc<Shared>);

struct Shared {
    ledger: Arc<Ledger>,
    stopper: Stopper,
    clock: Clock,
    state: Mutex<State>,
    /// Told when something of that changes.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    drain: Drain,
    /// How many connections have a thread.
    serving: usize,
}

/// After the time of a drain is over: so long the connections that were cut have to be gone.
const GRACE: Duration = Duration::from_millis(250);

impl Server {
    /// Listens on the first of the addresses that can be bound. Nothing is accepted before it [runs](Self::run).
    ///
    /// # Errors
    /// As the system has it, and when a server cannot use the profile.
    pub fn bind(address: impl ToSocketAddrs, profile: &Arc<Profile>) -> io::Result<Self> {
        let listener = Listener::bind_profile(address, profile)?;
        let Some(admission) = listener.admission().cloned() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let shared = Shared {
            ledger: Ledger::new(admission),
            stopper: listener.stopper(),
            clock: Clock::start(),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        Ok(Self {
            listener,
            profile: Arc::clone(profile),
            concurrency: Concurrency::default(),
            registry: None,
            observer: None,
            handle: ServerHandle(Arc::new(shared)),
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

    /// Is told what happens, for a log. It runs in the threads that serve, and should be quick. Defaults to nobody.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&ServerEvent<'_>) + Send + Sync + 'static) -> Self {
        let observer: Observer = Arc::new(observer);
        self.handle.0.ledger.admission().set_observer(Arc::clone(&observer));
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
    /// message; after half of the time nothing new is taken, quiet or not; and when the time is over what is left is cut. A handler that
    /// does not return then is left behind in its thread, with its socket closed.
    pub fn run<H, A>(self, handler: H) -> DrainReport
    where
        H: Fn(Message) -> A + Send + Sync + 'static,
        A: Answer,
    {
        self.run_with_peer(move |message, _| handler(message))
    }

    /// The same, where the handler is also told the address of the client, where that has one.
    pub fn run_with_peer<H, A>(mut self, handler: H) -> DrainReport
    where
        H: Fn(Message, Option<SocketAddr>) -> A + Send + Sync + 'static,
        A: Answer,
    {
        let handler = Arc::new(handler);
        let mut pause = Pause::new();
        loop {
            // A thread that cannot be begun is the same as a connection that cannot be accepted.
            let begun = match self.listener.accept() {
                Ok(None) => break,
                Ok(Some(connection)) => self.begin(connection, &handler),
                Err(error) => Err(error),
            };
            match begun {
                Ok(()) if pause.on_accepted() => self.tell(&ServerEvent::AcceptingAgain),
                Ok(()) => {}
                Err(error) => self.wait(&mut pause, &error),
            }
        }
        self.serve_waiting(&mut pause, &handler);
        let Self { listener, handle, .. } = self;
        drop(listener);
        handle.end();
        handle.report()
    }

    /// Serves the connections that had come before the drain and wait to be accepted. When half of the time is over they end at once, and
    /// what they have sent is counted.
    fn serve_waiting<H, A>(&mut self, pause: &mut Pause, handler: &Arc<H>)
    where
        H: Fn(Message, Option<SocketAddr>) -> A + Send + Sync + 'static,
        A: Answer,
    {
        loop {
            let begun = match self.listener.accept_queued() {
                Ok(None) => {
                    let is_draining = self.handle.0.stage() == Stage::Draining;
                    let Some(pause) = self.listener.handshake_pause().filter(|_| is_draining) else { return };
                    self.wait_for_orders(pause);
                    continue;
                }
                Ok(Some(connection)) => self.begin(connection, handler),
                Err(error) => Err(error),
            };
            match begun {
                Ok(()) => drop(pause.on_accepted()),
                Err(_) if self.handle.0.stage() == Stage::Cut => return,
                Err(error) => {
                    // Those that are served free what the system lacks when they end.
                    self.handle.0.ledger.admission().tell(self.handle.0.stage());
                    self.wait(pause, &error);
                }
            }
        }
    }

    /// Serves a connection in a thread of its own.
    fn begin<H, A>(&self, mut connection: Connection, handler: &Arc<H>) -> io::Result<()>
    where
        H: Fn(Message, Option<SocketAddr>) -> A + Send + Sync + 'static,
        A: Answer,
    {
        connection.interrupted_by(self.listener.interrupt());
        let needs_threads =
            self.concurrency.limit() > 1 || self.registry.is_some() || self.profile.heartbeat().is_some();
        if let Some(registry) = &self.registry {
            connection.join(registry);
        }
        let (peer, concurrency) = (connection.peer_addr(), self.concurrency);
        let (profile, observer, handler) = (Arc::clone(&self.profile), self.observer.clone(), Arc::clone(handler));
        let place = Place::take(&self.handle);
        let serve = move || {
            let mut place = place;
            place.seat.begin();
            tell(observer.as_ref(), &ServerEvent::Connected { peer });
            let answer = |message: Message| handler(message, peer);
            let bytes = connection.receiver.byte_count();
            let outcome = match needs_threads {
                true => connection.serve_to_end(&profile, concurrency, answer),
                false => connection.serve_in_turn(&profile, answer),
            };
            place.seat.leave(outcome.ended.as_ref().copied().map_err(Error::cause), outcome.discarded);
            let (answered, error) = (outcome.answered, outcome.ended.as_ref().err());
            if is_probe(&outcome.ended, bytes.get()) {
                tell(observer.as_ref(), &ServerEvent::Probed { peer });
            }
            tell(observer.as_ref(), &ServerEvent::Closed { peer, answered, error });
        };
        threads::spawn("framelink-serve", serve).map(drop)
    }

    /// The system has nothing for us now.
    fn wait(&self, pause: &mut Pause, error: &io::Error) {
        self.handle.0.ledger.on_accept_failed();
        let is_first = !pause.is_on();
        let within = pause.on_failed();
        if is_first {
            self.tell(&ServerEvent::AcceptFailed { error, pause: within });
        }
        self.wait_for_orders(within);
    }

    /// Waits for so long. A drain ends the wait, and so does its next stage.
    fn wait_for_orders(&self, within: Duration) {
        let (shared, until) = (&self.handle.0, self.handle.0.clock.within(within));
        let mut state = shared.state();
        let stage = state.drain.stage(shared.clock.now());
        loop {
            let now = shared.clock.now();
            let until = state.drain.next_at(now).map_or(until, |next_at| until.min(next_at));
            if until <= now || state.drain.stage(now) != stage {
                return;
            }
            state = shared.wait(state, until - now);
        }
    }

    fn tell(&self, event: &ServerEvent<'_>) {
        tell(self.observer.as_ref(), event);
    }
}

/// A connection that has a thread.
struct Place {
    seat: Seat,
    handle: ServerHandle,
}

impl Place {
    fn take(handle: &ServerHandle) -> Self {
        handle.0.state().serving += 1;
        Self { seat: Seat::take(&handle.0.ledger), handle: handle.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.handle.0.state().serving -= 1;
        self.handle.0.changed.notify_all();
    }
}

impl ServerHandle {
    /// Has the server end within this time, as [`run`](Server::run) says. Said again, it can make the time shorter only: with zero what
    /// is in flight is cut at once.
    pub fn drain(&self, within: Duration) {
        let shared = &self.0;
        let mut state = shared.state();
        state.drain.order(shared.clock.now(), within, || shared.ledger.before());
        let stage = state.drain.stage(shared.clock.now());
        drop(state);
        // In this order: whoever is woken looks at the stage.
        shared.ledger.admission().tell(stage);
        shared.stopper.stop();
        shared.changed.notify_all();
    }

    /// What was counted until now.
    #[must_use]
    pub fn counts(&self) -> ServerCounts {
        self.0.ledger.counts()
    }

    fn report(&self) -> DrainReport {
        self.0.ledger.report(self.0.state().drain.before())
    }

    /// Waits until all connections have ended, and has them end.
    fn end(&self) {
        let shared = &self.0;
        let (mut told, mut state) = (Stage::Open, shared.state());
        let mut cut_at = None;
        while state.serving > 0 {
            let now = shared.clock.now();
            let stage = state.drain.stage(now);
            if stage > told {
                told = stage;
                drop(state);
                shared.ledger.admission().tell(stage);
                state = shared.state();
                continue;
            }
            let next_at = match state.drain.next_at(now) {
                Some(next_at) => next_at,
                // A handler that does not return cannot be ended by anybody: it is left alone.
                None => *cut_at.get_or_insert(now.saturating_add(GRACE)),
            };
            if next_at <= now {
                return;
            }
            state = shared.wait(state, next_at - now);
        }
    }
}

impl Shared {
    fn stage(&self) -> Stage {
        self.state().drain.stage(self.clock.now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something changed, so long at most.
    fn wait<'s>(&self, state: MutexGuard<'s, State>, left: Duration) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
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
