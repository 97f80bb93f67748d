//! How long a connection lives, and who ends it.

use super::Pooled;

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

impl From<Short> for ConnectionKind {
    fn from(short: Short) -> Self {
        Self::Short(short)
    }
}

impl From<Shared> for ConnectionKind {
    fn from(shared: Shared) -> Self {
        Self::Shared(shared)
    }
}

impl From<Pooled> for ConnectionKind {
    fn from(pooled: Pooled) -> Self {
        Self::Pooled(pooled)
    }
}

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

    /// Whether the client shuts down writing after its request. Defaults to no.
    #[must_use]
    pub const fn half_close(mut self, yes: bool) -> Self {
        self.half_close = yes;
        self
    }

    /// Who closes first. Defaults to the client.
    #[must_use]
    pub const fn closes(mut self, side: Side) -> Self {
        self.closes = side;
        self
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
