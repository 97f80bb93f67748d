//! How a pair of connections comes about, each of them dialled or accepted.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::members::Members;
use crate::drive::Clock as _;
use crate::profile::{Reach, Simplex};
use crate::session::{Leg, Legs};
use crate::tokio::clock::Clock;
use crate::tokio::{Caller, Connection, Connector, Listener, Receiver};
use crate::{ConnectError, Profile};

/// After a loss so long passes before new connections are made, and up to twice as long, so that the ends of the old ones are seen.
const SETTLE: Duration = Duration::from_millis(200);
/// So often it is looked whether a connection that waits has ended.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// So long nothing is accepted after an error, such as running out of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// What there is of a pair: connections that wait for each other, and how they are made.
pub(super) struct Pairing {
    state: Mutex<State>,
    /// Told when a connection was made.
    pub(super) told: Notify,
    simplex: Simplex,
    connector: Connector,
    send: Way,
    receive: Way,
    clock: Clock,
}

struct State {
    /// By the address of the host at the other end.
    legs: Legs<Option<IpAddr>, Connection>,
    /// What goes on by itself.
    tasks: Vec<AbortHandle>,
}

enum Way {
    Dial(String),
    /// Until somebody accepts.
    Listen(Box<Mutex<Option<Listener>>>),
}

impl Pairing {
    pub(super) async fn new(profile: &Arc<Profile>, simplex: Simplex, send: &str, receive: &str) -> io::Result<Self> {
        let connector = Connector::with_profile(profile);
        let send = Way::of(simplex.send, send, profile).await?;
        let receive = Way::of(simplex.receive, receive, profile).await?;
        let state = Mutex::new(State { legs: Legs::new(), tasks: Vec::new() });
        Ok(Self { state, told: Notify::new(), simplex, connector, send, receive, clock: Clock::start() })
    }

    /// Accepts what the peer dials from now on, for as long as there are members.
    pub(super) fn accept_for(&self, members: &Weak<Members>) {
        for leg in [Leg::Send, Leg::Receive] {
            if let Way::Listen(listener) = self.way(leg)
                && let Some(listener) = listener.lock().unwrap_or_else(PoisonError::into_inner).take()
            {
                let accepting = tokio::spawn(accept(listener, leg, Weak::clone(members)));
                self.until_closed(accepting.abort_handle());
            }
        }
    }

    /// A connection was made. True if the pair that is up has to be ended for it.
    pub(super) fn on_leg(&self, leg: Leg, connection: Connection) -> bool {
        // A listener on all addresses has IPv4 ones as IPv6.
        let host = connection.peer_addr().map(|peer| peer.ip().to_canonical());
        let must_end = self.lock().legs.on_leg(leg, host, connection);
        self.told.notify_waiters();
        must_end
    }

    /// Dials what is missing and ours to dial. One that has ended while it waited is missing.
    pub(super) async fn dial_missing(&self) -> Result<(), ConnectError> {
        self.lock().legs.prune(|leg| leg.has_ended(true));
        for leg in [Leg::Send, Leg::Receive] {
            if let Way::Dial(peer) = self.way(leg)
                && self.lock().legs.is_missing(leg)
            {
                let connected = self.connector.connect_to(peer).await.map_err(|error| error.of_peer(peer))?;
                self.on_leg(leg, connected);
            }
        }
        Ok(())
    }

    /// The pair, if both connections are there.
    pub(super) fn join(&self) -> Option<(Caller, Receiver)> {
        let mut state = self.lock();
        let (sending, receiving) = state.legs.join(self.clock.now(), |leg| leg.has_ended(true))?;
        Some(sending.simplex(receiving, self.simplex.calls.matching()))
    }

    pub(super) fn on_lost(&self) {
        let jitter = RandomState::new().build_hasher().finish() % 1000;
        let settled_at = self.clock.now() + SETTLE + SETTLE.mul_f64(jitter as f64 / 1000.0);
        let mut state = self.lock();
        state.legs.on_lost(settled_at);
        drop(state);
        self.told.notify_waiters();
    }

    /// Waits until things have settled after a loss.
    pub(super) async fn settle(&self) {
        let settled_at = self.lock().legs.settled_at();
        tokio::time::sleep_until(self.clock.at(settled_at)).await;
    }

    /// The connection that the peer has not dialled, if it is that.
    pub(super) fn not_dialled(&self) -> Option<Leg> {
        let mut state = self.lock();
        let is_theirs = |leg: &Leg| matches!(self.way(*leg), Way::Listen(_));
        let mut theirs = [Leg::Send, Leg::Receive].into_iter().filter(is_theirs);
        // Where there is one, it is not of the host that has the other.
        theirs.clone().find(|leg| state.legs.is_missing(*leg)).or_else(|| theirs.next())
    }

    /// A task that ends with the link.
    pub(super) fn until_closed(&self, task: AbortHandle) {
        let mut state = self.lock();
        state.tasks.retain(|task| !task.is_finished());
        state.tasks.push(task);
    }

    pub(super) fn close(&self) {
        self.lock().tasks.drain(..).for_each(|task| task.abort());
    }

    const fn way(&self, leg: Leg) -> &Way {
        match leg {
            Leg::Send => &self.send,
            Leg::Receive => &self.receive,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    async fn of(reach: Reach, address: &str, profile: &Arc<Profile>) -> io::Result<Self> {
        match reach {
            Reach::Dial => Ok(Self::Dial(address.to_owned())),
            Reach::Accept => Ok(Self::Listen(Box::new(Mutex::new(Some(Listener::bind_leg(address, profile).await?))))),
        }
    }
}

async fn accept(mut listener: Listener, leg: Leg, members: Weak<Members>) {
    loop {
        let accepted = listener.accept().await;
        let Some(members) = members.upgrade() else { return };
        match accepted {
            Ok(connection) => members.on_leg(leg, connection),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
