//! Kinds of exchanges.

use framelink_session::{Encoding, KeyPlaces, KeyRule, Matching};

use crate::setters::setters;

/// Which messages are exchanged on a connection, as seen from the side that uses the profile.
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
    /// Messages are sent. No messages are expected.
    SendOnly,
    /// Messages are received. No messages are sent.
    ReceiveOnly,
    /// Both sides send at any time, and many requests may be in flight.
    Duplex(Duplex),
    /// Like duplex, over two connections, one for each direction.
    Simplex(Simplex),
}

impl ExchangeKind {
    /// Returns the word for this value in a profile.
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

    /// Returns whether messages are sent.
    #[must_use]
    pub const fn sends(self) -> bool {
        !matches!(self, Self::ReceiveOnly)
    }

    /// Returns whether messages are received.
    #[must_use]
    pub const fn receives(self) -> bool {
        !matches!(self, Self::SendOnly)
    }

    /// Returns how replies are matched to many requests in flight. `None` for one request at a time.
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

/// Many requests in flight, and how replies are matched to them.
///
/// ```
/// use framelink_profile::Duplex;
/// use framelink_session::Encoding;
///
/// // Six digits after the first four bytes, chosen by framelink.
/// let duplex = Duplex::new().key("4:6".parse()?).assigned(Encoding::Ascii).in_flight(16);
/// assert!(!duplex.matching().is_in_order());
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Duplex {
    /// The places of the key in requests and replies. `None`: replies come in the order of their requests.
    pub key: Option<KeyPlaces>,
    /// How framelink writes a number into the first place of the key. `None`: the application chooses the keys.
    pub assigned: Option<Encoding>,
    /// The most requests that may be unanswered at a time.
    pub in_flight: u32,
    /// Whether a request waits while another with its key is in flight. If not, it is refused.
    pub serialized: bool,
}

impl Duplex {
    /// The default of `in_flight`: 64.
    pub const IN_FLIGHT: u32 = 64;
    /// The largest value of `in_flight`: 65536.
    pub const MOST_IN_FLIGHT: u32 = 1 << 16;

    /// Matches replies by order, with up to 64 requests in flight.
    #[must_use]
    pub const fn new() -> Self {
        Self { key: None, assigned: None, in_flight: Self::IN_FLIGHT, serialized: false }
    }

    setters! {
        /// Matches replies by the key at these places, in any order.
        key(places: KeyPlaces) = Some(places);
        /// Writes a number into the first place of each request's key. The numbers are those of
        /// [`ProfileBuilder::numbers`](crate::ProfileBuilder::numbers). Defaults to no: the requests of the application
        /// contain keys.
        assigned(encoding: Encoding) = Some(encoding);
        /// Sets how many requests may be unanswered at a time. Defaults to 64.
        in_flight(requests: u32) = requests;
        /// Sets whether requests with one key run one after the other. Defaults to no: the second one is refused.
        serialized(yes: bool) = yes;
    }

    /// Returns these settings for a connection, without what else the profile has: see
    /// [`Profile::matching`](crate::Profile::matching).
    #[must_use]
    pub fn matching(&self) -> Matching {
        let matching = match self.key {
            None => Matching::in_order(),
            Some(places) => Matching::by_key(match self.assigned {
                Some(encoding) => KeyRule::at(places).assigned(encoding),
                None => KeyRule::at(places),
            }),
        };
        self.limits(matching)
    }

    /// Sets how many requests may be in flight.
    pub(super) fn limits(&self, matching: Matching) -> Matching {
        let window = usize::try_from(self.in_flight).unwrap_or(usize::MAX);
        matching.window(window).serialized(self.serialized)
    }
}

impl Default for Duplex {
    fn default() -> Self {
        Self::new()
    }
}

/// Two connections, one for each direction, and which side dials each.
///
/// ```
/// use framelink_profile::{Duplex, Reach, Simplex};
///
/// // We dial the connection that we send on. The peer dials the connection that we receive on.
/// let simplex = Simplex::new(Duplex::new()).receive(Reach::Accept);
/// assert_eq!((simplex.send.name(), simplex.receive.name()), ("dial", "accept"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Simplex {
    /// How replies are matched to requests.
    pub calls: Duplex,
    /// Which side dials the connection that this side sends on.
    pub send: Reach,
    /// Which side dials the connection that this side receives on.
    pub receive: Reach,
}

impl Simplex {
    /// This side dials both.
    #[must_use]
    pub const fn new(calls: Duplex) -> Self {
        Self { calls, send: Reach::Dial, receive: Reach::Dial }
    }

    setters! {
        /// Sets which side dials the sending connection. Defaults to this side.
        send(reach: Reach) = reach;
        /// Sets which side dials the receiving connection. Defaults to this side.
        receive(reach: Reach) = reach;
    }
}

/// Which side dials a connection. The enum is exhaustive.
///
/// ```
/// assert_eq!(framelink_profile::Reach::default().name(), "dial");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// This side dials.
    #[default]
    Dial,
    /// The peer dials.
    Accept,
}

impl Reach {
    /// Returns the word for this value in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::Accept => "accept",
        }
    }
}
