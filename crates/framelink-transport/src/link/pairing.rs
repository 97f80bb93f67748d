//! Makes simplex pairs. Each connection of a pair is dialled or accepted.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::LinkDriver;
use crate::connection::setup::ConnectionSetup;
use crate::drive::Clock as _;
use crate::driver::{Connection as _, Notify as _, Task as _};
use crate::error::ConnectError;
use crate::net::connector::Connector;
use crate::net::lock::Lock;
use crate::numbers::RoleNumbers;
use crate::profile::{Profile, Reach, Simplex};
use crate::session::{Leg, Legs, Matching};
use framelink_profile::FramingPair;

/// The shortest pause after a loss, in which the ends of old connections are noticed. The longest is twice that.
const SETTLE: Duration = Duration::from_millis(200);
/// How often a connection that waits for the other one is checked for its end.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// The pause after an error of accepting, such as running out of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections that wait for each other, and what is needed to make them.
pub(super) struct Pairing<D: LinkDriver> {
    state: Lock<PairState<D>>,
    /// Notified when a connection was made, or a pair was lost.
    pub(super) changed: D::Notify,
    matching: Matching,
    connector: Connector<FramingPair, D>,
    resolver: D::Resolver,
    send: Option<Arc<str>>,
    receive: Option<Arc<str>>,
    clock: D::Clock,
}

struct PairState<D: LinkDriver> {
    /// The waiting connections, by the address of the peer's host.
    legs: Legs<Option<IpAddr>, D::Connection>,
    /// The tasks in the background.
    tasks: Vec<D::Task>,
    /// Functions that end the waits of accepting tasks.
    stoppers: Vec<Box<dyn Fn() + Send + Sync>>,
}

impl<D: LinkDriver> Pairing<D> {
    /// Also returns the listeners for the connections that the peer dials.
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
            matching: profile.matching().unwrap_or_else(|| simplex.calls.matching()),
            connector: Connector::with_profile(profile),
            resolver: D::resolver(None, || {}),
            send,
            receive,
            clock: D::clock(),
        };
        Ok((pairing, listeners))
    }

    /// Returns what the connections that this side dials are made with.
    pub(super) const fn setup(&self) -> &ConnectionSetup {
        &self.connector.setup
    }

    /// Accepts connections until the link is closed, or until `on_connection` returns false.
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

    /// Adds a new connection. Returns true if the current pair has to be ended for it.
    pub(super) fn on_leg(&self, leg: Leg, connection: D::Connection) -> bool {
        // A listener on all addresses reports IPv4 addresses as IPv6.
        let host = connection.peer_addr().map(|peer| peer.ip().to_canonical());
        let must_end = self.state.lock().legs.on_leg(leg, host, connection);
        self.changed.notify();
        must_end
    }

    /// Dials the missing connections that are this side's to dial. One that has ended counts as missing.
    pub(super) async fn dial_missing(&self, deadline: Instant) -> Result<(), ConnectError> {
        self.state.lock().legs.prune(|leg| leg.has_ended(true));
        for leg in [Leg::Send, Leg::Receive] {
            let Some(peer) = self.dialled(leg) else { continue };
            if self.state.lock().legs.is_missing(leg) {
                let connector = self.connector.clone().within(D::left(deadline)).for_host(peer);
                let connected = D::dial(&connector, &self.resolver, peer).await;
                self.on_leg(leg, connected.map_err(|error| error.of_peer(peer))?);
            }
        }
        Ok(())
    }

    /// Returns the pair, if both connections exist.
    pub(super) fn join(&self) -> Option<(D::Caller, D::Receiver)> {
        let mut state = self.state.lock();
        let (sending, receiving) = state.legs.join(self.clock.now(), |leg| leg.has_ended(true))?;
        drop(state);
        // An accepted connection has other numbers.
        let numbers = self.connector.setup.numbers().map(RoleNumbers::numbers);
        Some(D::simplex(sending, receiving, self.matching.clone().or_numbers(numbers)))
    }

    pub(super) fn on_lost(&self) {
        let jitter = RandomState::new().build_hasher().finish() % 1000;
        let settled_at = self.clock.now() + SETTLE + SETTLE.mul_f64(jitter as f64 / 1000.0);
        self.state.lock().legs.on_lost(settled_at);
        self.changed.notify();
    }

    /// Waits until the pause after a loss is over, until `deadline` at most.
    pub(super) async fn settle(&self, deadline: Instant) {
        let left = self.state.lock().legs.settled_at().saturating_sub(self.clock.now());
        if !left.is_zero() {
            D::sleep_until(D::within(left).min(deadline)).await;
        }
    }

    /// Returns the missing connection that the peer should have dialled, if that is the problem.
    pub(super) fn not_dialled(&self) -> Option<Leg> {
        let mut state = self.state.lock();
        let is_theirs = |leg: &Leg| self.dialled(*leg).is_none();
        let mut theirs = [Leg::Send, Leg::Receive].into_iter().filter(is_theirs);
        // If both exist, they come from different hosts.
        theirs.clone().find(|leg| state.legs.is_missing(*leg)).or_else(|| theirs.next())
    }

    /// Stores a task, which ends with the link.
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

    /// Returns the address of a connection that this side dials.
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
