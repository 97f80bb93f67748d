//! How a pair of connections is made, each of them dialled or accepted.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::LinkDriver;
use crate::drive::Clock as _;
use crate::driver::{Connection as _, Notify as _, Task as _};
use crate::error::ConnectError;
use crate::net::connector::Connector;
use crate::net::lock::Lock;
use crate::profile::{Profile, Reach, Simplex};
use crate::session::{Leg, Legs};
use framelink_profile::FramingPair;

/// After a loss so long passes before new connections are made, and up to twice as long, so that the ends of the old ones are seen.
const SETTLE: Duration = Duration::from_millis(200);
/// How often a connection that waits for its other half is asked whether it has ended.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// How long nothing is accepted after an error, such as running out of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Connections that wait for each other, and how they are made.
pub(super) struct Pairing<D: LinkDriver> {
    state: Lock<PairState<D>>,
    /// Notified when a connection was made, or a pair was lost.
    pub(super) changed: D::Notify,
    simplex: Simplex,
    connector: Connector<FramingPair, D>,
    resolver: D::Resolver,
    send: Option<Arc<str>>,
    receive: Option<Arc<str>>,
    clock: D::Clock,
}

struct PairState<D: LinkDriver> {
    /// By the address of the host at the other end.
    legs: Legs<Option<IpAddr>, D::Connection>,
    /// What goes on in the background.
    tasks: Vec<D::Task>,
    /// End the waits of the tasks that accept.
    stoppers: Vec<Box<dyn Fn() + Send + Sync>>,
}

impl<D: LinkDriver> Pairing<D> {
    /// Also what accepts the connections that are to be accepted.
    pub(super) async fn new(
        profile: &Arc<Profile>,
        simplex: Simplex,
        send: &str,
        receive: &str,
    ) -> io::Result<(Self, Vec<(Leg, D::Listener)>)> {
        let mut listeners = Vec::new();
        let mut dialled = [None, None];
        let legs = [(Leg::Send, simplex.send, send), (Leg::Receive, simplex.receive, receive)];
        for ((leg, reach, address), dialled) in legs.into_iter().zip(&mut dialled) {
            match reach {
                Reach::Dial => *dialled = Some(address.into()),
                Reach::Accept => listeners.push((leg, D::listen(address, profile).await?)),
            }
        }
        let [send, receive] = dialled;
        let state = PairState { legs: Legs::new(), tasks: Vec::new(), stoppers: Vec::new() };
        let pairing = Self {
            state: Lock::new(state),
            changed: D::Notify::default(),
            simplex,
            connector: Connector::with_profile(profile),
            resolver: D::resolver(None, || {}),
            send,
            receive,
            clock: D::clock(),
        };
        Ok((pairing, listeners))
    }

    /// Accepts connections until the link is closed, or `on_connection` is false.
    pub(super) fn accept(
        &self,
        listener: D::Listener,
        on_connection: impl Fn(D::Connection) -> bool + Send + Sync + 'static,
    ) -> io::Result<()> {
        let stopper = D::stopper(&listener);
        let task = D::spawn("framelink-accept", accept::<D>(listener, on_connection))?;
        self.state.lock().stoppers.push(stopper);
        self.until_closed(task);
        Ok(())
    }

    /// A connection was made. True if the pair that is up has to be ended for it.
    pub(super) fn on_leg(&self, leg: Leg, connection: D::Connection) -> bool {
        // A listener on all addresses has IPv4 ones as IPv6.
        let host = connection.peer_addr().map(|peer| peer.ip().to_canonical());
        let must_end = self.state.lock().legs.on_leg(leg, host, connection);
        self.changed.notify();
        must_end
    }

    /// Dials the connections that are missing and ours to dial. A connection that has ended while it waited is missing.
    pub(super) async fn dial_missing(&self, deadline: Instant) -> Result<(), ConnectError> {
        self.state.lock().legs.prune(|leg| leg.has_ended(true));
        for leg in [Leg::Send, Leg::Receive] {
            let Some(peer) = self.dialled(leg) else { continue };
            if self.state.lock().legs.is_missing(leg) {
                let connector = self.connector.clone().within(D::left(deadline));
                let connected = D::dial(&connector, &self.resolver, peer).await;
                self.on_leg(leg, connected.map_err(|error| error.of_peer(peer))?);
            }
        }
        Ok(())
    }

    /// The pair, if both connections are there.
    pub(super) fn join(&self) -> Option<(D::Caller, D::Receiver)> {
        let mut state = self.state.lock();
        let (sending, receiving) = state.legs.join(self.clock.now(), |leg| leg.has_ended(true))?;
        drop(state);
        Some(D::simplex(sending, receiving, self.simplex.calls.matching()))
    }

    pub(super) fn on_lost(&self) {
        let jitter = RandomState::new().build_hasher().finish() % 1000;
        let settled_at = self.clock.now() + SETTLE + SETTLE.mul_f64(jitter as f64 / 1000.0);
        self.state.lock().legs.on_lost(settled_at);
        self.changed.notify();
    }

    /// Waits until things have settled after a loss, until the deadline at most.
    pub(super) async fn settle(&self, deadline: Instant) {
        let left = self.state.lock().legs.settled_at().saturating_sub(self.clock.now());
        if !left.is_zero() {
            D::sleep_until(D::within(left).min(deadline)).await;
        }
    }

    /// The connection that the peer has not dialled, if it is that.
    pub(super) fn not_dialled(&self) -> Option<Leg> {
        let mut state = self.state.lock();
        let is_theirs = |leg: &Leg| self.dialled(*leg).is_none();
        let mut theirs = [Leg::Send, Leg::Receive].into_iter().filter(is_theirs);
        // Where there is one, it is not of the host that has the other.
        theirs.clone().find(|leg| state.legs.is_missing(*leg)).or_else(|| theirs.next())
    }

    /// A task that ends with the link.
    pub(super) fn until_closed(&self, task: D::Task) {
        let mut state = self.state.lock();
        state.tasks.retain(|task| !task.is_finished());
        state.tasks.push(task);
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.tasks.drain(..).for_each(|task| task.abort());
        state.stoppers.drain(..).for_each(|stop| stop());
        drop(state);
        self.changed.notify();
    }

    /// The address of a connection that is ours to dial.
    const fn dialled(&self, leg: Leg) -> Option<&Arc<str>> {
        match leg {
            Leg::Send => self.send.as_ref(),
            Leg::Receive => self.receive.as_ref(),
        }
    }
}

async fn accept<D: LinkDriver>(mut listener: D::Listener, on_connection: impl Fn(D::Connection) -> bool + Send + Sync) {
    loop {
        match D::accept(&mut listener).await {
            Ok(Some(connection)) => {
                if !on_connection(connection) {
                    return;
                }
            }
            Ok(None) => return,
            Err(_) => D::sleep_until(D::within(PAUSE)).await,
        }
    }
}
