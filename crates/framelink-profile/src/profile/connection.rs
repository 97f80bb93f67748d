//! Kinds of connections.

use std::time::Duration;

use crate::setters::setters;

/// How long a connection lives and how many there are.
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
    /// One connection stays open for many messages.
    #[default]
    Long,
    /// Each exchange has its own connection: connect, exchange, close.
    Short(Short),
    /// Several connections stay open, and each carries many exchanges at a time.
    Shared(Shared),
    /// Several connections stay open, and each carries one exchange at a time.
    Pooled(Pooled),
}

impl ConnectionKind {
    /// Returns the most connections to one peer at a time.
    #[must_use]
    pub const fn count(&self) -> u32 {
        match self {
            Self::Shared(shared) => shared.connections,
            Self::Pooled(pooled) => pooled.max,
            Self::Long | Self::Short(_) => 1,
        }
    }

    /// Returns the word for this value in a profile.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short(_) => "short",
            Self::Shared(_) => "shared",
            Self::Pooled(_) => "pooled",
        }
    }

    /// Returns how the exchange of a short connection ends. `None` for other kinds.
    #[must_use]
    pub const fn short(&self) -> Option<Short> {
        match self {
            Self::Short(short) => Some(*short),
            Self::Long | Self::Shared(_) | Self::Pooled(_) => None,
        }
    }

    /// Returns the settings of the pool. `None` for other kinds.
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

/// Several connections to one peer, shared by all requests in flight. Each request uses the least busy connection.
///
/// ```
/// use framelink_profile::{ConnectionKind, Shared};
///
/// assert_eq!(ConnectionKind::from(Shared::new(4)).name(), "shared");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Shared {
    /// The most connections.
    pub connections: u32,
}

impl Shared {
    /// The default: 2.
    pub const CONNECTIONS: u32 = 2;
    /// The largest value that can be set: 1024.
    pub const MOST: u32 = 1024;

    /// Shares up to this many connections.
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

/// Long connections to one peer, each used for one exchange at a time.
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
    /// The number of connections that are opened in advance, and reopened if one is lost.
    pub min: u32,
    /// The most connections, in use or not.
    pub max: u32,
    /// The most idle connections. A connection that is released beyond this number is closed.
    pub max_idle: u32,
    /// How long a caller waits for a connection if all are in use or being opened. `None`: not at all.
    pub wait: Option<Duration>,
    /// A connection that was idle for this time is closed, if there are more than `min`.
    pub idle: Duration,
    /// A connection of this age is closed when idle. Each lives up to a tenth shorter, so that they do not end
    /// together.
    pub lifetime: Duration,
    /// A connection that was used this often is closed when it is released. `None`: no limit.
    pub uses: Option<u32>,
    /// Replaces each connection after its exchange, for peers that close then.
    pub replace: bool,
}

impl Pooled {
    /// The default of `min`: 1.
    pub const MIN: u32 = 1;
    /// The default of `max`: 8.
    pub const MAX: u32 = 8;
    /// The largest value of `max`: 1024.
    pub const MOST: u32 = 1024;
    /// The default of `wait`: 5 s, the default limit of a call, which includes the wait.
    pub const WAIT: Duration = Duration::from_secs(5);
    /// The default of `idle`: 10 min, shorter than most firewalls keep an idle connection.
    pub const IDLE: Duration = Duration::from_secs(10 * 60);
    /// The default of `lifetime`: 1 h. After that, a changed address of a name or an added peer is in use.
    pub const LIFETIME: Duration = Duration::from_secs(60 * 60);

    /// Allows up to `max` connections, with defaults for the rest.
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

/// How the exchange of a short connection ends.
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
    /// Whether the client shuts down writing after its request and reads on.
    pub half_close: bool,
    /// Which side closes first after the exchange.
    pub closes: Side,
}

impl Short {
    /// The client closes first, and does not half-close.
    #[must_use]
    pub const fn new() -> Self {
        Self { half_close: false, closes: Side::Client }
    }

    setters! {
        /// Sets whether the client shuts down writing after its request. Defaults to no.
        half_close(yes: bool) = yes;
        /// Sets which side closes first. Defaults to the client.
        closes(side: Side) = side;
    }
}

/// One of the two sides of a connection. The enum is exhaustive.
///
/// ```
/// assert_eq!(framelink_profile::Side::Client.name(), "client");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// The side that dials.
    #[default]
    Client,
    /// The side that accepts.
    Server,
}

impl Side {
    /// Returns the word for this value in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
