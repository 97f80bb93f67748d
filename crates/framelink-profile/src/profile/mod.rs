//! Profiles and their parts.

mod access;
mod address;
mod bounds;
mod builder;
mod connection;
#[cfg(feature = "serde")]
mod document;
mod error;
mod exchange;
mod explanation;
mod first;
mod limits;
mod liveness;
mod numbering;
mod preamble;
mod proxy_protocol;
mod reconnect;
mod replies;
mod rules;
mod signing;
mod template;
mod timeouts;
mod tls;
#[cfg(feature = "toml")]
mod toml;
mod words;

pub use access::{Access, Network};
pub use address::Address;
pub use builder::ProfileBuilder;
pub use connection::{ConnectionKind, Pooled, Shared, Short, Side};
pub use error::ProfileError;
pub use exchange::{Duplex, ExchangeKind, Reach, Simplex};
pub use explanation::Explanation;
pub use first::FirstStep;
pub use framelink_session::{Greeting, Meanwhile, OnRefusal, ReplyFault, ReplyHeader, ReplyRule, Sign};
pub use limits::{Limits, WhenFull};
pub use numbering::Numbering;
pub use preamble::Preamble;
pub use proxy_protocol::{ProxyProtocol, ProxyVersion};
pub use reconnect::{Policy, Reconnect};
pub use template::{TEMPLATES, Template};
pub use timeouts::Timeouts;
pub use tls::{ClientCertificates, Fingerprint, Roots, Tls, TlsVersion};
#[cfg(feature = "toml")]
pub use toml::TomlError;

use std::sync::Arc;
use std::time::Duration;

use framelink_heartbeat::Heartbeat;
use framelink_session::{KeyRule, Match, Matching};

use self::address::Endpoints;
use self::replies::Replying;
use self::signing::Signing;
use crate::framing::FramingPair;
use crate::socket::SocketOptions;

/// How to talk to one kind of peer.
///
/// Each profile is valid. Its fields are private, so that no change goes unchecked. Its parts are plain data.
///
/// ```
/// use framelink_profile::{ExchangeKind, Framing, Profile};
///
/// let profile = Profile::template("long-sync", "bcd:2".parse::<Framing>()?)?;
/// assert_eq!(profile.exchange(), ExchangeKind::Sync);
/// assert_eq!(profile.framing().send, profile.framing().receive);
/// assert!(profile.explain().to_string().starts_with("connection   long: stays open for many messages\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    endpoints: Option<Arc<Endpoints>>,
    framing: FramingPair,
    preamble: Preamble,
    signing: Option<Arc<Signing>>,
    replying: Option<Arc<Replying>>,
    connection: ConnectionKind,
    keep_up: bool,
    reconnect: Reconnect,
    exchange: ExchangeKind,
    key_rule: Option<KeyRule>,
    reply_rule: Option<Match>,
    numbers: Option<Arc<Numbering>>,
    timeouts: Timeouts,
    limits: Limits,
    access: Arc<Access>,
    tls: Option<Arc<Tls>>,
    proxy_protocol: Option<Arc<ProxyProtocol>>,
    heartbeat: Option<Arc<Heartbeat>>,
    idle_limit: Option<Duration>,
    socket: SocketOptions,
}

/// Getters of parts.
macro_rules! parts {
    ($self:ident; $($(#[$doc:meta])* $name:ident: $type:ty = $part:expr;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub const fn $name(&$self) -> $type {
            $part
        }
    )* };
}

impl Profile {
    /// Creates a builder for a long connection with one request and reply at a time.
    pub fn builder(framing: impl Into<FramingPair>) -> ProfileBuilder {
        ProfileBuilder::new().framing(framing)
    }

    /// Returns a template with this framing.
    ///
    /// # Errors
    /// Returns an error if there is no such template, or if the framing does not work with it.
    pub fn template(name: &str, framing: impl Into<FramingPair>) -> Result<Self, ProfileError> {
        ProfileBuilder::new().template(name)?.framing(framing).build()
    }

    parts! {
        self;
        /// Returns the framing of each direction. A limit on messages is part of it.
        framing: FramingPair = self.framing;
        /// Returns how a lost connection is replaced, and which address is dialled.
        reconnect: Reconnect = self.reconnect;
        /// Returns whether a client or a link keeps all its connections up. See [`ProfileBuilder::keep_up`].
        keep_up: bool = self.keep_up;
        /// Returns the kind of connection.
        connection: ConnectionKind = self.connection;
        /// Returns the kind of exchange.
        exchange: ExchangeKind = self.exchange;
        /// Returns the timeouts.
        timeouts: Timeouts = self.timeouts;
        /// Returns the limits.
        limits: Limits = self.limits;
        /// Returns after how long the peer or the network, such as a firewall, drops an idle connection.
        idle_limit: Option<Duration> = self.idle_limit;
        /// Returns the bytes to send and to expect once, before the first message.
        preamble: &Preamble = &self.preamble;
        /// Returns the heartbeats. The [keepalive](SocketOptions::keepalive) of the socket is separate.
        heartbeat: Option<&Arc<Heartbeat>> = self.heartbeat.as_ref();
        /// Returns the socket options.
        socket: &SocketOptions = &self.socket;
    }

    /// Returns which messages can be replies at all; see [`Matching::reply_rule`]. `None`: all messages.
    #[must_use]
    pub const fn reply_rule(&self) -> Option<&Match> {
        self.reply_rule.as_ref()
    }

    /// Returns how the numbers are chosen that framelink writes into messages, if the profile says so.
    #[must_use]
    pub fn numbers(&self) -> Option<&Numbering> {
        self.numbers.as_deref()
    }

    /// Returns how keys are found, if [`Duplex::key`] does not say it.
    #[must_use]
    pub const fn key_rule(&self) -> Option<&KeyRule> {
        self.key_rule.as_ref()
    }

    /// Returns how replies are matched to many requests in flight, with the key rule and the reply rule. `None` for one
    /// request at a time.
    ///
    /// ```
    /// use framelink_profile::{Duplex, Framing, Profile};
    ///
    /// // SMPP without its length: bit 80 of the command is set in responses.
    /// let builder = Profile::builder("net:4,counts=frame".parse::<Framing>()?).exchange(Duplex::new().key("8:4".parse()?));
    /// let profile = builder.reply_rule("0:1&80=hex:80".parse()?).build()?;
    /// assert!(profile.matching().is_some_and(|matching| !matching.is_in_order()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn matching(&self) -> Option<Matching> {
        let duplex = self.exchange.duplex()?;
        let matching = match &self.key_rule {
            Some(rule) => duplex.limits(Matching::by_key(rule.clone())),
            None => duplex.matching(),
        };
        Some(match &self.reply_rule {
            Some(rule) => matching.reply_rule(rule.clone()),
            None => matching,
        })
    }

    /// Returns which clients may connect to a server.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Explains the profile in plain words.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        Explanation::of(self)
    }

    /// Returns a warning if replies can be matched to the wrong requests: several requests are in flight and replies
    /// have no key. The warning says why and what to do. `None` for other profiles.
    ///
    /// Such a profile can be built, because some peers have no key. An application that uses it shows the warning to
    /// its operator at the start. [`explain`](Self::explain) has it in a line that begins with `careful`.
    ///
    /// ```
    /// use framelink_profile::{Duplex, Framing, Profile};
    ///
    /// let builder = Profile::builder("ascii:4".parse::<Framing>()?);
    /// let in_order = builder.clone().exchange(Duplex::new()).build()?;
    /// assert!(in_order.mismatch_caution().is_some_and(|caution| caution.contains("exchange.key")));
    /// let by_key = builder.exchange(Duplex::new().key("4:6".parse()?)).build()?;
    /// assert_eq!(by_key.mismatch_caution(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn mismatch_caution(&self) -> Option<String> {
        let duplex = self.exchange.duplex()?;
        (duplex.key.is_none() && self.key_rule.is_none() && duplex.in_flight > 1).then(|| {
            format!(
                "replies have no key, and up to {} requests are in flight on a connection: if the peer leaves out one reply{}, each reply after it goes to a wrong request, and nothing shows it; give a key (exchange.key), or \
                 have one exchange at a time on each connection (connection = \"pooled\", or exchange.in-flight = 1)",
                duplex.in_flight,
                if self.reply_rule.is_some() { "" } else { ", or sends a message by itself" },
            )
        })
    }
}
