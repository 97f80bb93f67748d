//! How long a connection lives, and who ends it.

use std::time::Duration;

use crate::setters::setters;

/// How long a connection lives.
///
/// ```
/// use framelink_profile::{ConnectionKind, Short, Side};
///
/// let kind = ConnectionKind::from(Short::new().half_close(true).closes(Side::Server));
/// assert_eq!(kind.name(), "short");
/// assert_eq!(ConnectionKind::default(), ConnectionKind::Long);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionKind {
    /// It stays open for many messages.
    #[default]
    Long,
    /// Connect, one exchange, close.
    Short(Short),
    /// Several that stay open, and on each of them many exchanges.
    Shared(Shared),
    /// Several that stay open, each lent out for one exchange at a time.
    Pooled(Pooled),
}

impl ConnectionKind {
    /// How many connections to one peer there are at a time, at most.
    #[must_use]
    pub const fn count(&self) -> u32 {
        match self {
            Self::Shared(shared) => shared.connections,
            Self::Pooled(pooled) => pooled.max,
            Self::Long | Self::Short(_) => 1,
        }
    }

    /// The word for it in a file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short(_) => "short",
            Self::Shared(_) => "shared",
            Self::Pooled(_) => "pooled",
        }
    }

    /// How its one exchange ends, if it has only one.
    #[must_use]
    pub const fn short(&self) -> Option<Short> {
        match self {
            Self::Short(short) => Some(*short),
            Self::Long | Self::Shared(_) | Self::Pooled(_) => None,
        }
    }

    /// How its connections are lent, if they are.
    #[must_use]
    pub const fn pooled(&self) -> Option<Pooled> {
        match self {
            Self::Pooled(pooled) => Some(*pooled),
            Self::Long | Self::Short(_) | Self::Shared(_) => None,
        }
    }
}

macro_rules! kinds {
    ($($kind:ident),*) => { $(
        impl From<$kind> for ConnectionKind {
            fn from(kind: $kind) -> Self {
                Self::$kind(kind)
            }
        }
    )* };
}
kinds!(Short, Shared, Pooled);

/// Several connections to one peer, which the requests in flight share: each goes over the one with the fewest.
///
/// ```
/// use framelink_profile::{ConnectionKind, Shared};
///
/// assert_eq!(ConnectionKind::from(Shared::new(4)).name(), "shared");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Shared {
    /// How many connections there may be.
    pub connections: u32,
}

impl Shared {
    /// 2, where nothing is said.
    pub const CONNECTIONS: u32 = 2;
    /// No more can be asked for: 1024.
    pub const MOST: u32 = 1024;

    /// So many connections.
    #[must_use]
    pub const fn new(connections: u32) -> Self {
        Self { connections }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(Self::CONNECTIONS)
    }
}

/// Long connections to one peer that are lent out, each for one exchange at a time.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::{ConnectionKind, Pooled};
///
/// let mut pooled = Pooled::new(4);
/// pooled.wait = Some(Duration::from_secs(1));
/// assert_eq!((pooled.min, pooled.max, pooled.max_idle), (1, 4, 4));
/// assert_eq!(ConnectionKind::from(pooled).name(), "pooled");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Pooled {
    /// So many are opened in advance, and opened again where one is lost.
    pub min: u32,
    /// There are never more, lent or not.
    pub max: u32,
    /// So many may wait to be lent; one that comes back beyond that is closed.
    pub max_idle: u32,
    /// How long a borrower waits for one when all are lent, or being opened; `None`: not at all.
    pub wait: Option<Duration>,
    /// A connection that was not lent for this time is closed, where there are more than `min`.
    pub idle: Duration,
    /// One that is so old is closed when it is not lent. Each lives up to a tenth shorter, so that they do not end together.
    pub lifetime: Duration,
    /// One that was lent so often is closed when it comes back. `None`: as often as one likes.
    pub uses: Option<u32>,
    /// Each is closed when it comes back, and another one opened: for peers that close after each exchange.
    pub replace: bool,
}

impl Pooled {
    /// 1 is opened in advance, where nothing is said.
    pub const MIN: u32 = 1;
    /// 8, where nothing is said.
    pub const MAX: u32 = 8;
    /// No more can be asked for: 1024.
    pub const MOST: u32 = 1024;
    /// 5 s: as long as a call, which covers it.
    pub const WAIT: Duration = Duration::from_secs(5);
    /// 10 min: less than what most firewalls forget a connection after.
    pub const IDLE: Duration = Duration::from_secs(10 * 60);
    /// 1 h: a changed address of a name, or a peer that was added behind it, is met by then.
    pub const LIFETIME: Duration = Duration::from_secs(60 * 60);

    /// Up to so many connections; the rest as it is where nothing is said.
    #[must_use]
    pub const fn new(max: u32) -> Self {
        Self {
            min: if max < Self::MIN { max } else { Self::MIN },
            max,
            max_idle: max,
            wait: Some(Self::WAIT),
            idle: Self::IDLE,
            lifetime: Self::LIFETIME,
            uses: None,
            replace: false,
        }
    }
}

impl Default for Pooled {
    fn default() -> Self {
        Self::new(Self::MAX)
    }
}

/// How the one exchange of a short connection ends.
///
/// ```
/// use framelink_profile::{Short, Side};
///
/// let short = Short::new();
/// assert_eq!((short.half_close, short.closes), (false, Side::Client));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Short {
    /// Whether the client shuts down writing after its request, and reads on.
    pub half_close: bool,
    /// Who closes first when the exchange is over.
    pub closes: Side,
}

impl Short {
    /// No half-close; the client closes first.
    #[must_use]
    pub const fn new() -> Self {
        Self { half_close: false, closes: Side::Client }
    }

    setters! {
        /// Whether the client shuts down writing after its request. Defaults to no.
        half_close(yes: bool) = yes;
        /// Who closes first. Defaults to the client.
        closes(side: Side) = side;
    }
}

/// One of the two sides of a connection. There are no others.
///
/// ```
/// assert_eq!(framelink_profile::Side::Client.name(), "client");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// Whoever dials.
    #[default]
    Client,
    /// Whoever is dialled.
    Server,
}

impl Side {
    /// The word for it in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
