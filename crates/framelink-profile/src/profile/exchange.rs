//! What goes to and fro.

use framelink_session::{Assigned, KeyPlace, KeyRule, Matching};

use crate::setters::setters;

/// What goes to and fro on a connection, as seen from whoever uses the profile.
///
/// ```
/// use framelink_profile::{Duplex, ExchangeKind};
///
/// assert_eq!(ExchangeKind::default().name(), "sync");
/// assert!(ExchangeKind::SendOnly.sends() && !ExchangeKind::SendOnly.receives());
/// assert_eq!(ExchangeKind::from(Duplex::new().key("4:6".parse()?)).name(), "duplex");
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExchangeKind {
    /// A message, then its reply, then the next message.
    #[default]
    Sync,
    /// Messages are sent, and none are expected.
    SendOnly,
    /// Messages are received, and none are sent.
    ReceiveOnly,
    /// Both sides send when they like; many requests may be in flight.
    Duplex(Duplex),
    /// The same over two connections, one for each direction.
    Simplex(Simplex),
}

impl ExchangeKind {
    /// The word for it in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::SendOnly => "send-only",
            Self::ReceiveOnly => "receive-only",
            Self::Duplex(_) => "duplex",
            Self::Simplex(_) => "simplex",
        }
    }

    /// Whether messages are sent.
    #[must_use]
    pub const fn sends(self) -> bool {
        !matches!(self, Self::ReceiveOnly)
    }

    /// Whether messages are received.
    #[must_use]
    pub const fn receives(self) -> bool {
        !matches!(self, Self::SendOnly)
    }

    /// How the replies of many requests in flight find them, if there may be many.
    #[must_use]
    pub const fn duplex(self) -> Option<Duplex> {
        match self {
            Self::Duplex(duplex) => Some(duplex),
            Self::Simplex(simplex) => Some(simplex.calls),
            Self::Sync | Self::SendOnly | Self::ReceiveOnly => None,
        }
    }
}

impl From<Duplex> for ExchangeKind {
    fn from(duplex: Duplex) -> Self {
        Self::Duplex(duplex)
    }
}

impl From<Simplex> for ExchangeKind {
    fn from(simplex: Simplex) -> Self {
        Self::Simplex(simplex)
    }
}

/// Many requests in flight, and how their replies find them.
///
/// ```
/// use framelink_profile::Duplex;
/// use framelink_session::Assigned;
///
/// // Six digits after the first four bytes, chosen for us.
/// let duplex = Duplex::new().key("4:6".parse()?).assigned(Assigned::Digits).in_flight(16);
/// assert!(!duplex.matching().is_in_order());
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Duplex {
    /// Where requests and replies have their key; `None`: replies come in the order of their requests.
    pub key: Option<KeyPlace>,
    /// Whether keys are chosen for the application, and how.
    pub assigned: Option<Assigned>,
    /// So many requests may be unanswered at a time.
    pub in_flight: u32,
    /// Whether a request whose key is in flight waits, rather than being refused.
    pub serialized: bool,
}

impl Duplex {
    /// 64.
    pub const IN_FLIGHT: u32 = 64;
    /// No more can be allowed: 65536.
    pub const MOST_IN_FLIGHT: u32 = 1 << 16;

    /// Replies in order, up to 64 requests in flight.
    #[must_use]
    pub const fn new() -> Self {
        Self { key: None, assigned: None, in_flight: Self::IN_FLIGHT, serialized: false }
    }

    setters! {
        /// Replies in any order, each with the key of its request at this place.
        key(place: KeyPlace) = Some(place);
        /// Keys are chosen for the application. Defaults to no: the application's requests have keys of their own.
        assigned(assigned: Assigned) = Some(assigned);
        /// So many requests may be unanswered at a time. Defaults to 64.
        in_flight(requests: u32) = requests;
        /// Whether a request whose key is in flight waits, so that those with one key go one after the other. Defaults to no.
        serialized(yes: bool) = yes;
    }

    /// The same, for a connection.
    #[must_use]
    pub fn matching(&self) -> Matching {
        let matching = match self.key {
            None => Matching::in_order(),
            Some(place) => Matching::by_key(match self.assigned {
                Some(assigned) => KeyRule::at(place).assigned(assigned),
                None => KeyRule::at(place),
            }),
        };
        let window = usize::try_from(self.in_flight).unwrap_or(usize::MAX);
        matching.window(window).serialized(self.serialized)
    }
}

impl Default for Duplex {
    fn default() -> Self {
        Self::new()
    }
}

/// Two connections, one for each direction, and who dials which.
///
/// ```
/// use framelink_profile::{Duplex, Reach, Simplex};
///
/// // We dial the one that we send on, and the peer dials the one that we receive on.
/// let simplex = Simplex::new(Duplex::new()).receive(Reach::Accept);
/// assert_eq!((simplex.send.name(), simplex.receive.name()), ("dial", "accept"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Simplex {
    /// How replies find their requests.
    pub calls: Duplex,
    /// Who dials the connection that we send on.
    pub send: Reach,
    /// Who dials the connection that we receive on.
    pub receive: Reach,
}

impl Simplex {
    /// We dial both.
    #[must_use]
    pub const fn new(calls: Duplex) -> Self {
        Self { calls, send: Reach::Dial, receive: Reach::Dial }
    }

    setters! {
        /// Who dials the connection that we send on. Defaults to us.
        send(reach: Reach) = reach;
        /// Who dials the connection that we receive on. Defaults to us.
        receive(reach: Reach) = reach;
    }
}

/// Who dials a connection. There is no third way.
///
/// ```
/// assert_eq!(framelink_profile::Reach::default().name(), "dial");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// We do.
    #[default]
    Dial,
    /// The peer does.
    Accept,
}

impl Reach {
    /// The word for it in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::Accept => "accept",
        }
    }
}
