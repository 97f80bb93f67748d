//! Dialling one of several addresses.

mod signing;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Connection, Connector};
use crate::clock::Clock;
use crate::resolver::{Lookup, Resolver};
use crate::session::OnUnread;
use crate::upstream::{Attempt, Counts, Dialling, Ledger, Loss, Next, OnLoss, Seat, State, patience, sign_on};
use crate::{ConnectError, Message, Peer, Profile};

/// Dials whichever address of a peer is to be dialled, as a profile says: which one first, and how soon again after a failure.
///
/// Clones are the same upstream, and clients that share one share what it knows of the addresses. [`Client::over`](super::Client::over)
/// uses it. Nothing goes on in the background, but that names are looked up in threads: a connection stays where it is until it is lost.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use framelink_transport::nonblocking::{Client, Upstream};
/// use framelink_transport::{Framing, Profile};
///
/// // The second address while the first does not answer.
/// let profile = Arc::new(Profile::builder("ascii:4".parse::<Framing>()?).build()?);
/// let upstream = Upstream::new(&profile, ["a.example:7000", "b.example:7000"]);
/// let mut client = Client::over(upstream)?;
/// let reply = client.call(b"0800...")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upstream {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    connector: Connector,
    ledger: Arc<Ledger>,
}

/// What it was made with.
#[derive(Clone)]
struct Settings {
    profile: Arc<Profile>,
    names: Arc<[Arc<str>]>,
    lookup: Option<Lookup>,
    on_loss: Option<OnLoss>,
    on_unread: Option<OnUnread>,
}

impl Upstream {
    /// The peer at these addresses, `HOST:PORT` each, in this order. Nothing is dialled yet.
    pub fn new(profile: &Arc<Profile>, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        let names = peers.into_iter().map(Into::into).collect();
        Self::with(Settings { profile: Arc::clone(profile), names, lookup: None, on_loss: None, on_unread: None })
    }

    /// Looks names up with `lookup`, which is called for each dial, in a thread of its own, within the time of the dial. A lookup that
    /// panics counts as one that failed; while one hangs, no other begins for the same name. Call this before the upstream is used.
    /// Defaults to the resolver of the system.
    #[must_use]
    pub fn resolver(self, lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self::with(Settings { lookup: Some(Arc::new(lookup)), ..self.inner.settings.clone() })
    }

    /// Is told of each connection that is lost, in a thread of its own. One that panics is told the next one too, one that hangs holds
    /// nobody up. Say it before the upstream is used. Defaults to nobody.
    #[must_use]
    pub fn on_loss(self, on_loss: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
        Self::with(Settings { on_loss: Some(Arc::new(on_loss)), ..self.inner.settings.clone() })
    }

    /// Is given each whole message that came on its connections and that no operation returned; see
    /// [`Connector::on_unread`](super::Connector::on_unread). Say it before the upstream is used. By default such messages are dropped.
    #[must_use]
    pub fn on_unread(self, on_unread: impl Fn(Message) + Send + Sync + 'static) -> Self {
        Self::with(Settings { on_unread: Some(Arc::new(on_unread)), ..self.inner.settings.clone() })
    }

    fn with(settings: Settings) -> Self {
        let (clock, nobody) = (Box::new(Clock::start()), Box::new(|_| {}));
        let (names, on_loss) = (Arc::clone(&settings.names), settings.on_loss.clone());
        let ledger = Ledger::new(settings.profile.reconnect(), names, on_loss, clock, nobody);
        let mut connector = Connector::before_sign_on(&settings.profile);
        connector.terms = connector.terms.with_unread(settings.on_unread.clone());
        let counting = Arc::clone(&ledger);
        connector.resolver = Resolver::new(settings.lookup.clone(), move || counting.on_resolver_panic());
        Self { inner: Arc::new(Inner { settings, connector, ledger }) }
    }

    /// What it was made with.
    pub fn profile(&self) -> &Arc<Profile> {
        &self.inner.settings.profile
    }

    /// The addresses, as they were given.
    pub fn addresses(&self) -> &[Arc<str>] {
        &self.inner.settings.names
    }

    /// How things stand.
    pub fn state(&self) -> State {
        self.inner.ledger.state()
    }

    /// What it has done.
    pub fn counts(&self) -> Counts {
        self.inner.ledger.counts()
    }

    /// So many exchanges are under way on its connections.
    pub fn in_flight(&self) -> usize {
        self.inner.ledger.in_flight()
    }

    /// A connection for something else than a client, an event loop for example: dialled, and signed on, within `timeouts.connect`. What becomes of it
    /// is told to its seat.
    ///
    /// # Errors
    /// When there is no connection in time.
    pub fn dial(&self) -> Result<(Connection, Seat), ConnectError> {
        self.connect(Instant::now() + self.profile().timeouts().connect)
    }

    /// A connection that is ready for exchanges: dialled, and signed on.
    pub(super) fn connect(&self, deadline: Instant) -> Result<(Connection, Seat), ConnectError> {
        let inner = &self.inner;
        let until = inner.ledger.now() + patience(left(deadline));
        let (mut attempt, mut failed) = (Attempt::new(), None);
        loop {
            match inner.ledger.next(&mut attempt, until, &mut failed) {
                Next::Dial(dialling) => {
                    match inner.dial(dialling, left(deadline).min(self.profile().timeouts().connect)) {
                        Ok(connected) => return Ok(connected),
                        Err(error) => failed = Some(error),
                    }
                }
                Next::Wait(until) => thread::sleep(until.saturating_sub(inner.ledger.now())),
                Next::Fail(error) => return Err(error),
            }
        }
    }
}

impl Inner {
    /// Resolves, dials, signs on.
    fn dial(&self, dialling: Dialling, within: Duration) -> Result<(Connection, Seat), ConnectError> {
        let deadline = Instant::now() + dialling.share(within);
        let connected = || {
            let peer = Peer::Name(Arc::clone(dialling.name()));
            let mut connection = self.connector.clone().within(left(deadline)).connect(peer)?;
            sign_on(&mut connection, self.settings.profile.sign_on(), left(deadline))?;
            Ok(connection)
        };
        match connected() {
            Ok(connection) => Ok((connection, dialling.connected())),
            Err(error) => Err(dialling.failed(error)),
        }
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// States only.
impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.ledger.fmt(f)
    }
}
