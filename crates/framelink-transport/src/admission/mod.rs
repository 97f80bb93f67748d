//! Decides which connections a server accepts: by access lists first, then by the limits in total and per client.

mod claim;
mod event;
mod header;
mod held;
mod table;

use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use claim::Claim;
use event::Observer;
pub use event::ServerEvent;
pub(crate) use header::HeaderStage;
pub use held::HeldBytes;
pub(crate) use table::Table;
pub use table::{AdmissionCounts, Refusal};

use crate::profile::{Access, Network, Profile, ProxyProtocol, WhenFull};
use crate::proxy_protocol::ProxiedPeer;
use crate::session::memory::{Account, Budget};
use crate::session::{Notice, NoticeStage, Tally};

/// The connections that a listener with a profile has accepted, and the limits for them. Clones share their state.
///
/// A connection counts until its last part is dropped, for example both halves, or the caller and the receiver.
///
/// ```
/// # #[cfg(feature = "blocking")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use framelink_transport::{Framing, Profile, blocking::{Connector, Listener}};
///
/// let framing: Framing = "net:2".parse()?;
/// let profile = Arc::new(Profile::builder(framing).connections_per_client(1).build()?);
/// let mut listener = Listener::bind_profile("127.0.0.1:0", &profile)?;
/// let admission = listener.admission().expect("it was bound with a profile").clone();
/// let address = listener.local_addr()?;
///
/// let (first, mut second) = (Connector::new(framing).connect(address)?, Connector::new(framing).connect(address)?);
/// let stopper = listener.stopper();
/// let accepting = std::thread::spawn(move || {
///     let first = listener.accept().unwrap();
///     (first, listener.accept().unwrap())
/// });
/// assert!(!matches!(second.recv(), Ok(Some(_))), "it was refused, and closed at once");
/// stopper.stop();
/// let (accepted, none) = accepting.join().unwrap();
/// assert!(accepted.is_some() && none.is_none());
/// assert_eq!((admission.len(), admission.counts().refused_by_client), (1, 1));
/// drop(accepted);
/// assert_eq!(admission.len(), 0);
/// # drop(first);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "blocking"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Admission(Arc<AdmissionShared>);

struct AdmissionShared {
    access: Access,
    proxy: Option<ProxyProtocol>,
    can_drop: bool,
    /// The memory of all connections.
    memory: Arc<Budget>,
    state: Mutex<AdmissionState>,
}

struct AdmissionState {
    table: Table<Arc<Notice>>,
    counts: AdmissionCounts,
    /// The stage that each new connection starts with.
    stage: NoticeStage,
    /// Counts requests, if the server asks for that.
    tally: Option<Arc<Tally>>,
    /// The observer of refusals.
    observer: Option<Observer>,
}

/// What a connection gets when it is accepted.
pub(crate) struct Permit {
    pub(crate) notice: Arc<Notice>,
    pub(crate) account: Arc<Account>,
    pub(crate) tally: Option<Arc<Tally>>,
    pub(crate) place: Place,
    /// What the connection begins with, if its peer is a proxy.
    pub(crate) header: Option<HeaderStage>,
    pub(crate) proxy: Option<Arc<ProxiedPeer>>,
}

/// The place of one connection. Dropping it frees the place.
pub(crate) struct Place {
    id: u64,
    client: Network,
    /// The client of a proxy, once it is known.
    identified: Option<Arc<OnceLock<Network>>>,
    admission: Arc<AdmissionShared>,
}

impl Admission {
    pub(crate) fn new(profile: &Profile) -> Self {
        let limits = profile.limits();
        let table = Table::new(limits.connections as usize, limits.per_client as usize, limits.when_full);
        let state = AdmissionState {
            table,
            counts: AdmissionCounts::default(),
            stage: NoticeStage::Open,
            tally: None,
            observer: None,
        };
        Self(Arc::new(AdmissionShared {
            access: profile.access().clone(),
            proxy: profile.proxy_protocol().cloned(),
            can_drop: limits.when_full == WhenFull::DropOldest,
            memory: Budget::new(limits.memory, limits.memory_per_client),
            state: Mutex::new(state),
        }))
    }

    /// Returns how many connections there are now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.state().table.len()
    }

    /// Returns whether there are no connections.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many connections were accepted and refused so far.
    #[must_use]
    pub fn counts(&self) -> AdmissionCounts {
        AdmissionCounts { evicted: self.0.memory.evicted(), ..self.0.state().counts }
    }

    /// Returns how many bytes the connections hold: received and undelivered bytes, requests in a handler, and bytes
    /// that wait to be written. Amounts below 4 KiB in one place of a connection are not counted.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.0.memory.held()
    }

    /// Sets the observer of refused connections: it receives [`ServerEvent::Refused`], on every driver. It runs in the
    /// thread or task that accepts, and should be quick. A second observer replaces the first. Defaults to none;
    /// `Server::observe` sets it.
    ///
    /// ```
    /// # #[cfg(feature = "nonblocking")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::{Arc, mpsc};
    /// use framelink_transport::{Framing, Profile, Refusal, ServerEvent, nonblocking::Listener, profile::Access};
    ///
    /// let framing: Framing = "net:2".parse()?;
    /// let access = Access { allow: vec![], deny: vec!["127.0.0.1".parse()?] };
    /// let mut listener = Listener::bind_profile("127.0.0.1:0", &Arc::new(Profile::builder(framing).access(access).build()?))?;
    /// let (tell, told) = mpsc::channel();
    /// listener.admission().expect("it was bound with a profile").observe(move |event| {
    ///     if let ServerEvent::Refused { peer, reason } = event {
    ///         tell.send((*peer, *reason)).expect("the other end is there");
    ///     }
    /// });
    /// let client = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// assert!(listener.try_accept()?.is_none());
    /// assert_eq!(told.recv()?, (client.local_addr()?, Refusal::Access));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "nonblocking"))]
    /// # fn main() {}
    /// ```
    pub fn observe(&self, observer: impl Fn(&ServerEvent<'_>) + Send + Sync + 'static) {
        self.0.state().observer = Some(Arc::new(observer));
    }

    /// Calls the observer. The state is not locked meanwhile, and a panic of the observer is caught.
    pub(crate) fn notify(&self, event: &ServerEvent<'_>) {
        let observer = self.0.state().observer.clone();
        if let Some(observer) = observer {
            let _ = catch_unwind(AssertUnwindSafe(|| observer(event)));
        }
    }

    /// Decides whether to accept a connection of this peer. A refusal is counted and reported, not kept.
    pub(crate) fn admit(&self, peer: SocketAddr) -> Result<Permit, Refusal> {
        let address = peer.ip();
        // A proxy is not a client: the access rules and the limits of a client are for those behind it.
        let proxy = self.0.proxy.as_ref().filter(|proxy| proxy.expects_header(address));
        let is_welcome = proxy.is_some() || self.0.access.admits(address);
        let notice = Arc::new(Notice::new());
        let mut state = self.0.state();
        let admitted = match is_welcome {
            true if proxy.is_some() => state.table.admit_proxy(address, Arc::clone(&notice)),
            true => state.table.admit(address, Arc::clone(&notice)),
            false => Err(Refusal::Access),
        };
        state.counts.count(&admitted);
        let (id, dropped) = match admitted {
            Ok(admitted) => admitted,
            Err(reason) => {
                drop(state);
                self.notify(&ServerEvent::Refused { peer, reason });
                return Err(reason);
            }
        };
        notice.tell(state.stage);
        let (client, tally) = (Network::of_client(address), state.tally.clone());
        let account = self.0.memory.open(id, client, Arc::clone(&notice));
        drop(state);
        // Without the lock, because a connection that is told to end may release its place at once.
        if let Some(dropped) = dropped {
            dropped.tell(NoticeStage::Dropped);
        }
        let mut place = Place { id, client, identified: None, admission: Arc::clone(&self.0) };
        let peer = proxy.map(|_| ProxiedPeer::new(peer));
        let header = proxy.zip(peer.as_ref()).map(|(proxy, peer)| {
            let claim = Claim::new(&mut place, &account);
            HeaderStage::new(proxy, Arc::clone(peer), claim)
        });
        Ok(Permit { notice, account, tally, place, header, proxy: peer })
    }

    /// Brings all connections to this stage, and those that are accepted later too. A server with a loop of its own is
    /// drained with this. A connection that is served in a loop of mio is [woken](crate::session::Notice) by its waker.
    pub fn tell(&self, stage: NoticeStage) {
        let mut state = self.0.state();
        state.stage = state.stage.max(stage);
        let all: Vec<_> = state.table.iter().cloned().collect();
        drop(state);
        all.into_iter().for_each(|notice| notice.tell(stage));
    }

    /// Counts the requests of connections that are accepted from now on.
    pub(crate) fn count_in(&self, tally: &Arc<Tally>) {
        self.0.state().tally = Some(Arc::clone(tally));
    }
}

impl Permit {
    /// Returns whether this connection may be dropped to make room for a newer one.
    pub(crate) fn can_be_dropped(&self) -> bool {
        self.place.admission.can_drop
    }
}

impl Place {
    fn client(&self) -> Network {
        *self.identified.as_ref().and_then(|client| client.get()).unwrap_or(&self.client)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.state().table.leave(self.id);
        self.admission.memory.close(self.id, self.client());
    }
}

impl AdmissionShared {
    /// Locks the state. A panic while it was locked left it consistent.
    fn state(&self) -> MutexGuard<'_, AdmissionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("len", &self.len()).field("counts", &self.counts()).finish_non_exhaustive()
    }
}
