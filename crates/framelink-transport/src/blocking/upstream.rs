//! Dialling one of several addresses.

mod dialler;
mod signing;
mod told;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use self::dialler::{Inner, Settings};
pub use self::told::States;
use self::told::Told;
use super::{Connection, Connector};
use crate::clock::Clock;
use crate::resolver::Resolver;
use crate::upstream::{Counts, Ledger, Loss, Seat, Spare, State, patience};
use crate::{ConnectError, Message, Profile};

/// Dials whichever address of a peer is to be dialled, as a profile says: which one first, how soon again after a failure, and
/// when connections go back to an address that was lost.
///
/// Clones are the same upstream, and clients that share one share what it knows of the addresses. [`Client::over`](super::Client::over) and
/// [`Link::over`](super::Link::over) use it. Lost addresses are tried in a thread, from the first one on.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use framelink_transport::blocking::{Client, Upstream};
/// use framelink_transport::{Framing, Profile};
///
/// // The second address while the first does not answer; back to it when it does.
/// let profile = Arc::new(Profile::builder("ascii:4".parse::<Framing>()?).build()?);
/// let upstream = Upstream::new(&profile, ["a.example:7000", "b.example:7000"])
///     .on_loss(|loss| println!("lost {}: {}", loss.address(), loss.why()));
/// let mut client = Client::over(upstream)?;
/// let reply = client.call(b"0800...")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upstream {
    owner: Arc<Owner>,
}

/// The last of the clones takes what goes on in the background with it.
struct Owner(Arc<Inner>);

impl Upstream {
    /// The peer at these addresses, `HOST:PORT` each, in this order. Nothing is dialled yet.
    pub fn new(profile: &Arc<Profile>, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        let names = peers.into_iter().map(Into::into).collect();
        Self::with(Settings { profile: Arc::clone(profile), names, lookup: None, on_loss: None, on_unread: None })
    }

    /// Looks names up in a way of its own. It is asked anew for each dial, in a thread of its own, and has the dial's time; one that
    /// panics counts as one that failed, and one that hangs is not asked for that name again before it has answered. Say it before the
    /// upstream is used. Defaults to the system's.
    #[must_use]
    pub fn resolver(self, lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self::with(Settings { lookup: Some(Arc::new(lookup)), ..self.settings().clone() })
    }

    /// Is told of each connection that is lost, in a thread of its own. One that panics is told the next one too, one that hangs holds
    /// nobody up. Say it before the upstream is used. Defaults to nobody.
    #[must_use]
    pub fn on_loss(self, on_loss: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
        Self::with(Settings { on_loss: Some(Arc::new(on_loss)), ..self.settings().clone() })
    }

    /// Is given each whole message that came on its connections and that no operation returned; see
    /// [`Connector::on_unread`](super::Connector::on_unread). Say it before the upstream is used. By default such messages are dropped.
    #[must_use]
    pub fn on_unread(self, on_unread: impl Fn(Message) + Send + Sync + 'static) -> Self {
        Self::with(Settings { on_unread: Some(Arc::new(on_unread)), ..self.settings().clone() })
    }

    fn with(settings: Settings) -> Self {
        let (told, clock) = (Arc::new(Told::new()), Clock::start());
        let teller = Arc::clone(&told);
        let tell = Box::new(move |state| teller.tell(state));
        let (names, on_loss) = (Arc::clone(&settings.names), settings.on_loss.clone());
        let ledger = Ledger::new(settings.profile.reconnect(), names, on_loss, Box::new(clock), tell);
        let mut connector = Connector::before_sign_on(&settings.profile);
        connector.terms = connector.terms.with_unread(settings.on_unread.clone());
        let counting = Arc::clone(&ledger);
        connector.resolver = Resolver::new(settings.lookup.clone(), move || counting.on_resolver_panic());
        let inner = Inner {
            connector,
            ledger,
            told,
            spare: Spare::new(),
            is_spare_wanted: AtomicBool::new(false),
            is_tended: Mutex::new(false),
            is_closed: AtomicBool::new(false),
            settings,
        };
        Self { owner: Arc::new(Owner(Arc::new(inner))) }
    }

    /// What it was made with.
    pub fn profile(&self) -> &Arc<Profile> {
        &self.settings().profile
    }

    /// The addresses, as they were given.
    pub fn addresses(&self) -> &[Arc<str>] {
        &self.settings().names
    }

    /// How things stand.
    pub fn state(&self) -> State {
        self.inner().ledger.state()
    }

    /// How things stand from now on.
    pub fn states(&self) -> States {
        States::of(&self.inner().told)
    }

    /// What it has done.
    pub fn counts(&self) -> Counts {
        self.inner().ledger.counts()
    }

    /// So many exchanges are under way on its connections.
    pub fn in_flight(&self) -> usize {
        self.inner().ledger.in_flight()
    }

    /// A connection for something else than a client, a link or a pool: dialled, and signed on, within `timeouts.connect`. What becomes of it
    /// is told to its seat.
    ///
    /// # Errors
    /// When there is no connection in time.
    pub fn dial(&self) -> Result<(Connection, Seat), ConnectError> {
        self.connect(Instant::now() + self.profile().timeouts().connect)
    }

    /// A connection that is ready for exchanges: dialled, and signed on.
    pub(super) fn connect(&self, deadline: Instant) -> Result<(Connection, Seat), ConnectError> {
        let inner = self.inner();
        if let Some(spare) = inner.take_spare() {
            return Ok(spare);
        }
        let until = Instant::now() + patience(deadline.saturating_duration_since(Instant::now()));
        let connected = inner.connect(until, deadline);
        inner.tend_if_needed();
        connected
    }

    /// The same, but it does not wait where an address is not to be dialled yet.
    pub(super) fn connect_if_due(&self) -> Result<(Connection, Seat), ConnectError> {
        let inner = self.inner();
        let connected = inner.connect(Instant::now(), Instant::now() + self.profile().timeouts().connect);
        inner.tend_if_needed();
        connected
    }

    /// Whether an address can be dialled now.
    pub(super) fn is_due(&self) -> bool {
        self.inner().ledger.is_due()
    }

    /// Whether any connection is wanted at another address, now or later.
    pub(super) fn has_moves(&self) -> bool {
        self.inner().ledger.has_moves()
    }

    /// A connection in the place of one that is wanted at another address, if there is one already. Otherwise it is made, but nobody
    /// waits for that.
    pub(super) fn replacement(&self, seat: &Seat) -> Option<(Connection, Seat)> {
        if !seat.is_to_move() {
            return None;
        }
        let inner = self.inner();
        let spare = inner.take_spare();
        if spare.is_none() {
            inner.is_spare_wanted.store(true, Ordering::Release);
            inner.tend();
            inner.told.wake();
        }
        spare
    }

    /// Closes a connection in good order, while others go on.
    pub(super) fn retire(&self, connection: Connection, seat: impl Into<Arc<Seat>>) {
        self.inner().retire(connection, seat.into());
    }

    fn inner(&self) -> &Arc<Inner> {
        &self.owner.0
    }

    fn settings(&self) -> &Settings {
        &self.inner().settings
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.is_closed.store(true, Ordering::Release);
        self.0.told.wake();
        self.0.spare.clear();
    }
}

/// States only.
impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().ledger.fmt(f)
    }
}
